//! What undoing a link does: the absorbed user leaves with all that the link brought.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Absorbed, AbsorbedBy, DomainError, Identity, Moved, Provider, User, UserId,
    unlinking::{CallingToken, UnlinkMetadata, Withheld, withhold_metadata},
    user_with_absorbed::{StandingLink, UserWithAbsorbed},
};

/// The terms of an undo, as its caller and the tenant set them.
pub struct UndoTerms<'a> {
    /// The link.
    pub link: Uuid,
    /// What happens to the metadata of the restored user.
    pub metadata: UnlinkMetadata,
    /// Whether identities of a provider can sign in.
    pub can_sign_in: &'a (dyn Fn(&Provider) -> bool + Sync),
    /// The calling user's token, which stays valid so that the caller can retry; `None` for a
    /// service. Other tokens of the holder are refused.
    pub caller: Option<CallingToken>,
}

/// The users after a link was undone.
#[derive(Debug, Clone, PartialEq)]
pub struct UndoneUsers {
    /// The user that held the absorbed one.
    pub holder: User,
    /// The user that came back, with its identities.
    pub restored: User,
    /// The users that it had absorbed itself, and holds again, and its aliases.
    pub followers: Vec<User>,
    /// The users that the holder still holds.
    pub staying: Vec<User>,
    /// The metadata that did not come back with the restored user.
    pub withheld: Withheld,
}

/// Separates the user that `link` absorbed from its holder, with all that the link brought.
/// `user_with_absorbed` are the locked rows of the holder, first, and of all users that it holds.
/// Their metadata must already be in its final state.
///
/// # Errors
/// [`DomainError::LinkNotFound`], [`DomainError::UserBlocked`] and
/// [`DomainError::LinkNotUndoable`].
pub fn undo(
    user_with_absorbed: UserWithAbsorbed,
    terms: &UndoTerms<'_>,
    now: DateTime<Utc>,
) -> Result<UndoneUsers, DomainError> {
    let UserWithAbsorbed { users, links } = user_with_absorbed;
    let mut users = users.into_iter();
    let mut holder = users.next().ok_or(DomainError::LinkNotFound)?;
    let absorbed: Vec<User> = users.collect();
    let root = absorbed
        .iter()
        .find(|user| is_absorbed_by(user, terms.link))
        .ok_or(DomainError::LinkNotFound)?;
    if holder.blocked {
        return Err(DomainError::UserBlocked);
    }
    let leaving = subtree(root, &absorbed, &links);
    let (returning, kept): (Vec<Identity>, Vec<Identity>) = std::mem::take(&mut holder.identities)
        .into_iter()
        .partition(|identity| leaving.contains(&identity.origin));
    expect_undoable(&holder, &returning, &kept, terms)?;

    let (mut followers, others): (Vec<User>, Vec<User>) =
        absorbed.iter().cloned().partition(|user| leaving.contains(&user.id) && user.id != root.id);
    let (root_row, staying): (Vec<User>, Vec<User>) =
        others.into_iter().partition(|user| user.id == root.id);
    let mut restored = root_row.into_iter().next().ok_or(DomainError::LinkNotFound)?;
    let withheld = withhold_metadata(&mut restored, terms.metadata);
    if !returning.iter().any(|identity| identity.id == restored.primary) {
        // The restored user's primary identity left separately before. The next one that can sign
        // in replaces it, or the first.
        let first = returning.iter().find(|identity| (terms.can_sign_in)(&identity.id.provider));
        restored.primary = first.or(returning.first()).ok_or(NOTHING_LEFT)?.id.clone();
    }
    let returned = returning
        .into_iter()
        .map(|identity| Identity { moved: Some(Moved::at(now).also(identity.moved)), ..identity });
    restored.identities = returned.collect();
    restored.absorbed = None;
    restored.touch_identities(now);
    restored.refuse_tokens_before(now, CallingToken::hash_for(terms.caller.as_ref(), &restored));
    for follower in &mut followers {
        if let Some(absorbed) = &mut follower.absorbed {
            absorbed.repoint(&restored.id, now);
        }
        follower
            .refuse_tokens_before(now, CallingToken::hash_for(terms.caller.as_ref(), &restored));
    }
    holder.identities = kept;
    holder.touch_identities(now);
    holder.refuse_tokens_before(now, CallingToken::hash_for(terms.caller.as_ref(), &holder));
    Ok(UndoneUsers { holder, restored, followers, staying, withheld })
}

const NOTHING_LEFT: DomainError =
    DomainError::LinkNotUndoable("none of the identities that it brought is left");

fn expect_undoable(
    holder: &User,
    returning: &[Identity],
    kept: &[Identity],
    terms: &UndoTerms<'_>,
) -> Result<(), DomainError> {
    let can_sign_in = |identity: &Identity| (terms.can_sign_in)(&identity.id.provider);
    if returning.is_empty() {
        return Err(NOTHING_LEFT);
    }
    if kept.is_empty() || (returning.iter().any(can_sign_in) && !kept.iter().any(can_sign_in)) {
        return Err(DomainError::LinkNotUndoable(
            "the user would be left without an identity to sign in with: link another first",
        ));
    }
    if returning.iter().any(|identity| identity.id == holder.primary) {
        return Err(DomainError::LinkNotUndoable(
            "it brought the primary identity: make another identity primary first",
        ));
    }
    Ok(())
}

fn is_absorbed_by(user: &User, link: Uuid) -> bool {
    user.absorbed.as_ref().and_then(Absorbed::by_link) == Some(link)
}

/// A user and all users that came with it: those that it had absorbed, directly or through others,
/// and the aliases of all.
fn subtree(root: &User, absorbed: &[User], links: &[StandingLink]) -> BTreeSet<UserId> {
    let absorber = |user: &'_ User| match &user.absorbed.as_ref()?.by {
        AbsorbedBy::Link(by) => {
            links.iter().find(|link| link.id == *by).map(|link| link.primary.clone())
        }
        AbsorbedBy::Import(of) => Some(of.clone()),
    };
    let mut tree = BTreeSet::from([root.id.clone()]);
    loop {
        let found: Vec<UserId> = absorbed
            .iter()
            .filter(|user| {
                !tree.contains(&user.id) && absorber(user).is_some_and(|by| tree.contains(&by))
            })
            .map(|user| user.id.clone())
            .collect();
        if found.is_empty() {
            return tree;
        }
        tree.extend(found);
    }
}

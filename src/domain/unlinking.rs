//! What an unlink does: an identity leaves, and whoever it brought comes back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Identity, IdentityRef, Metadata, Moved, Named, Provider, Refusal, TokenHash, User, UserId, household::Extent,
    user::MAX_ANCESTORS,
};

/// What happens to the metadata of a user that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlinkMetadata {
    /// It has what it had when it was absorbed.
    Restore,
    /// It has `user_metadata` as it was, and no `app_metadata`, which may have been withdrawn
    /// meanwhile: what a user token gets for [`UnlinkMetadata::Restore`].
    RestoreUserMetadata,
    /// It starts without any.
    Discard,
}

impl UnlinkMetadata {
    /// What a merge is taken back from; nothing if the metadata is discarded.
    pub fn extent(self) -> Option<Extent> {
        match self {
            Self::Restore => Some(Extent::Everything),
            Self::RestoreUserMetadata => Some(Extent::UserMetadata),
            Self::Discard => None,
        }
    }
}

/// Metadata that did not come back and that the link keeps: `None` where nothing was withheld.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Withheld {
    /// The `user_metadata`.
    pub user_metadata: Option<Metadata>,
    /// The `app_metadata`.
    pub app_metadata: Option<Metadata>,
    /// Whether it was discarded, and not only withheld from whoever may not put it in place.
    pub is_discarded: bool,
}

/// The user that the identity leaves for.
#[derive(Debug, Clone, PartialEq)]
pub enum Departure {
    /// An absorbed user came back.
    Restored {
        /// The user.
        user: User,
        /// The link that this ends.
        link: Uuid,
        /// What did not come back with it.
        withheld: Withheld,
    },
    /// The identity became a user of its own.
    Created {
        /// The user.
        user: User,
        /// The link that this ends, if one had attached the identity.
        link: Option<Uuid>,
    },
}

/// The two users after an unlink.
#[derive(Debug, Clone, PartialEq)]
pub struct Detachment {
    /// The user that the identity left.
    pub owner: User,
    /// Where it went.
    pub departure: Departure,
    /// The identity as it is now.
    pub identity: Identity,
}

/// What the caller of an unlink asks for, and what is true of the tenant.
pub struct UnlinkTerms<'a> {
    /// The identity that leaves.
    pub identity: &'a IdentityRef,
    /// What happens to the metadata.
    pub metadata: UnlinkMetadata,
    /// The id of the user that the identity becomes if nobody comes back.
    pub new_user_id: UserId,
    /// Whether identities of a provider can sign in.
    pub can_sign_in: &'a (dyn Fn(&Provider) -> bool + Sync),
    /// The token of the user that asks for it, so that its retry is heard; `None` for a service. The other tokens of
    /// the owner are refused.
    pub caller: Option<CallingToken>,
}

/// The token of a user that takes a link apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingToken {
    /// Whom it names.
    pub named: Named,
    /// What names it.
    pub hash: TokenHash,
}

impl CallingToken {
    /// The hash, if this user is now who the token names.
    pub fn of(caller: Option<&Self>, user: &User) -> Option<TokenHash> {
        caller.filter(|caller| user.is_meant_by(&caller.named)).map(|caller| caller.hash)
    }
}

/// Detaches an identity from `owner`, the locked row of a live user. `home` is the locked row of
/// the absorbed user that the identity came from, if it came from one.
///
/// # Errors
/// [`Refusal::UserBlocked`], [`Refusal::IdentityNotFound`], [`Refusal::LastIdentity`] and [`Refusal::PrimaryIdentity`].
pub fn detach(
    mut owner: User,
    home: Option<User>,
    terms: &UnlinkTerms<'_>,
    now: DateTime<Utc>,
) -> Result<Detachment, Refusal> {
    let link = ended_link(&owner, home.as_ref(), terms.identity);
    let mut identity = take_out(&mut owner, terms.identity, terms.can_sign_in)?;
    identity.ordinal = 0;
    identity.moved = Some(Moved::at(now));
    // Nobody comes along.
    identity.email_proven_among = false;
    let departure = match (home, link) {
        (Some(home), Some(link)) => {
            let (user, withheld) = come_back(home, &identity, terms, now);
            Departure::Restored { user, link, withheld }
        }
        _ => {
            identity.home = terms.new_user_id.clone();
            identity.attach_time = now;
            let link = identity.attached_by.take();
            let mut user = user_of_its_own(terms.new_user_id.clone(), &identity, now);
            user.refuse_tokens_before(now, CallingToken::of(terms.caller.as_ref(), &user));
            user.ancestors = ancestors_of_a_part(&owner);
            Departure::Created { user, link }
        }
    };
    owner.touch_identities(now);
    owner.refuse_tokens_before(now, CallingToken::of(terms.caller.as_ref(), &owner));
    Ok(Detachment { owner, departure, identity })
}

/// What the caller of a release asks for, and what is true of the tenant.
pub struct ReleaseTerms<'a> {
    /// The identity that the user lets go.
    pub identity: &'a IdentityRef,
    /// Whether identities of a provider can sign in.
    pub can_sign_in: &'a (dyn Fn(&Provider) -> bool + Sync),
    /// The token of the user that asks for it; `None` for a service. The other tokens of the owner are refused, and this
    /// one too if it names the identity.
    pub caller: Option<CallingToken>,
}

/// Takes an identity from `owner`, the locked row of a live user, for good: gives the owner without it, and the identity
/// as it was. An absorbed user that it came from stays absorbed, and the owner keeps what the merge gave it.
///
/// # Errors
/// The same as of [`detach`].
pub fn release(mut owner: User, terms: &ReleaseTerms<'_>, now: DateTime<Utc>) -> Result<(User, Identity), Refusal> {
    // A token that names an absorbed user's id need not mean the owner any more. Its retry is heard nevertheless.
    let spared = CallingToken::of(terms.caller.as_ref(), &owner);
    let names_it = |caller: &CallingToken| caller.named == Named::Identity(terms.identity.clone());
    let spared = spared.filter(|_| !terms.caller.as_ref().is_some_and(names_it));
    let identity = take_out(&mut owner, terms.identity, terms.can_sign_in)?;
    owner.touch_identities(now);
    owner.refuse_tokens_before(now, spared);
    Ok((owner, identity))
}

/// Takes an identity out of its owner's, if the owner can do without it.
fn take_out(
    owner: &mut User,
    id: &IdentityRef,
    can_sign_in: &(dyn Fn(&Provider) -> bool + Sync),
) -> Result<Identity, Refusal> {
    if owner.blocked {
        return Err(Refusal::UserBlocked);
    }
    let at = owner.identities.iter().position(|identity| identity.id == *id).ok_or(Refusal::IdentityNotFound)?;
    let identity = owner.identities.remove(at);
    let can_sign_in = |identity: &Identity| can_sign_in(&identity.id.provider);
    if owner.identities.is_empty() || (can_sign_in(&identity) && !owner.identities.iter().any(can_sign_in)) {
        return Err(Refusal::LastIdentity);
    }
    if owner.primary == identity.id {
        return Err(Refusal::PrimaryIdentity);
    }
    Ok(identity)
}

/// The link that ends when an identity leaves `owner`: that which absorbed its home, if none of the home's
/// identities stays. An identity that an old sign-in attached to its home ends none: it need not be the person's whose
/// home that is, and becomes a user of its own.
pub fn ended_link(owner: &User, home: Option<&User>, identity: &IdentityRef) -> Option<Uuid> {
    let home = home?;
    let is_vouched =
        |identity: &&Identity| identity.attached_by.is_none() || identity.moved.is_none_or(|moved| moved.vouched);
    owner.identity(identity).filter(is_vouched)?;
    let stays = owner.identities.iter().any(|other| other.home == home.id && other.id != *identity);
    home.absorbed.as_ref().filter(|_| !stays).map(|absorbed| absorbed.by_link)
}

fn come_back(mut user: User, identity: &Identity, terms: &UnlinkTerms<'_>, now: DateTime<Utc>) -> (User, Withheld) {
    let withheld = give_back(&mut user, terms.metadata);
    // The others of its home have left before, each as a user of its own.
    user.primary = identity.id.clone();
    user.identities = vec![identity.clone()];
    user.absorbed = None;
    user.touch_identities(now);
    user.refuse_tokens_before(now, CallingToken::of(terms.caller.as_ref(), &user));
    (user, withheld)
}

/// Takes from a user that comes back what it is not to have.
pub(super) fn give_back(user: &mut User, metadata: UnlinkMetadata) -> Withheld {
    let withhold = |metadata: &mut Metadata| Some(std::mem::take(metadata)).filter(|held| !held.is_empty());
    let mut withheld = Withheld::default();
    if metadata != UnlinkMetadata::Restore {
        withheld.app_metadata = withhold(&mut user.app_metadata);
    }
    if metadata == UnlinkMetadata::Discard {
        withheld.user_metadata = withhold(&mut user.user_metadata);
        withheld.is_discarded = true;
    }
    withheld
}

/// The ancestors of a user that is made from `owner` by an unlink. Of a longer way the first ones are left out.
fn ancestors_of_a_part(owner: &User) -> Vec<UserId> {
    let left_out = (owner.ancestors.len() + 1).saturating_sub(MAX_ANCESTORS);
    owner.ancestors.iter().skip(left_out).chain([&owner.id]).cloned().collect()
}

/// A new user whose only identity is `identity`, without metadata.
pub fn user_of_its_own(id: UserId, identity: &Identity, now: DateTime<Utc>) -> User {
    User {
        id,
        version: 1,
        identities_version: 1,
        create_time: now,
        update_time: now,
        identities: vec![identity.clone()],
        primary: identity.id.clone(),
        user_metadata: Metadata::default(),
        app_metadata: Metadata::default(),
        profile_overrides: Metadata::default(),
        blocked: false,
        tokens_valid_from: None,
        spared_token: None,
        writes_valid_from: None,
        absorbed: None,
        ancestors: Vec::new(),
    }
}

#[cfg(test)]
mod tests;

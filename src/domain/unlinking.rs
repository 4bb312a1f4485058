//! What an unlink does: an identity leaves, and the absorbed user that it belonged to comes back.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Absorbed, DomainError, Identity, IdentityRef, Metadata, Moved, Provider, TokenHash, User,
    UserId, UserRef, user::MAX_ANCESTORS, user_with_absorbed::UnmergeExtent,
};

/// What happens to the metadata of a restored user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnlinkMetadata {
    /// The user gets the metadata that it had when it was absorbed.
    Restore,
    /// The user gets its former `user_metadata`, and no `app_metadata`, which may have been
    /// withdrawn since. A user token gets this instead of [`UnlinkMetadata::Restore`].
    RestoreUserMetadata,
    /// The user starts without metadata.
    Discard,
}

impl UnlinkMetadata {
    /// The namespaces from which a merge is taken back; `None` if the metadata is discarded.
    pub fn extent(self) -> Option<UnmergeExtent> {
        match self {
            Self::Restore => Some(UnmergeExtent::Everything),
            Self::RestoreUserMetadata => Some(UnmergeExtent::UserMetadata),
            Self::Discard => None,
        }
    }
}

/// Metadata that did not come back and that the link keeps; `None` where nothing was withheld.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Withheld {
    /// The `user_metadata`.
    pub user_metadata: Option<Metadata>,
    /// The `app_metadata`.
    pub app_metadata: Option<Metadata>,
    /// Whether the metadata was discarded, and not only withheld from a caller that may not restore
    /// it.
    pub is_discarded: bool,
}

/// The user that the identity belongs to after it left.
#[derive(Debug, Clone, PartialEq)]
pub enum Departure {
    /// An absorbed user came back.
    Restored {
        /// The user.
        user: User,
        /// The link that the unlink ended.
        link: Uuid,
        /// The metadata that did not come back with the user.
        withheld: Withheld,
    },
    /// The identity became a user of its own.
    Created {
        /// The user.
        user: User,
        /// The link that the unlink ended; `None` if no link had attached the identity.
        link: Option<Uuid>,
    },
}

/// The two users after an unlink.
#[derive(Debug, Clone, PartialEq)]
pub struct Detachment {
    /// The user that the identity left.
    pub owner: User,
    /// The user that the identity belongs to now.
    pub departure: Departure,
    /// The identity in its new state.
    pub identity: Identity,
}

/// The terms of an unlink, as its caller and the tenant set them.
pub struct UnlinkTerms<'a> {
    /// The identity that leaves.
    pub identity: &'a IdentityRef,
    /// What happens to the metadata of a restored user.
    pub metadata: UnlinkMetadata,
    /// The id of the new user, if no absorbed user comes back.
    pub new_user_id: UserId,
    /// Whether identities of a provider can sign in.
    pub can_sign_in: &'a (dyn Fn(&Provider) -> bool + Sync),
    /// The calling user's token, which stays valid so that the caller can retry; `None` for a
    /// service. Other tokens of the owner are refused.
    pub caller: Option<CallingToken>,
}

/// The token of a user that unlinks or undoes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallingToken {
    /// The user or identity that the token names.
    pub named: UserRef,
    /// The hash of the token.
    pub hash: TokenHash,
}

impl CallingToken {
    /// The token's hash; `None` unless the token names this user now.
    pub fn hash_for(caller: Option<&Self>, user: &User) -> Option<TokenHash> {
        caller.filter(|caller| user.is_meant_by(&caller.named)).map(|caller| caller.hash)
    }
}

/// Detaches an identity from `owner`, the locked row of a live user. `origin` is the locked row of
/// the absorbed user from which the identity came; `None` if it came from none.
///
/// # Errors
/// [`DomainError::UserBlocked`], [`DomainError::IdentityNotFound`], [`DomainError::LastIdentity`]
/// and [`DomainError::PrimaryIdentity`].
pub fn detach(
    mut owner: User,
    origin: Option<User>,
    terms: &UnlinkTerms<'_>,
    now: DateTime<Utc>,
) -> Result<Detachment, DomainError> {
    let link = ended_link(&owner, origin.as_ref(), terms.identity);
    let mut identity = remove_identity(&mut owner, terms.identity, terms.can_sign_in)?;
    identity.ordinal = 0;
    identity.moved = Some(Moved::at(now));
    // The new owner has no other identities.
    identity.email_proven_among = false;
    let departure = match (origin, link) {
        (Some(origin), Some(link)) => {
            let (user, withheld) = restore(origin, &identity, terms, now);
            Departure::Restored { user, link, withheld }
        }
        (origin, _) => {
            identity.origin = terms.new_user_id.clone();
            identity.attach_time = now;
            let link = identity.attached_by.take();
            let mut user = new_user(terms.new_user_id.clone(), &identity, now);
            user.refuse_tokens_before(now, CallingToken::hash_for(terms.caller.as_ref(), &user));
            user.ancestors = ancestors_of_unlinked(&owner, origin.as_ref());
            Departure::Created { user, link }
        }
    };
    owner.touch_identities(now);
    owner.refuse_tokens_before(now, CallingToken::hash_for(terms.caller.as_ref(), &owner));
    Ok(Detachment { owner, departure, identity })
}

/// The aliases of the user that came back, in their new state: they go with it. `aliases` are those
/// that its former holder had.
pub fn followers(
    done: &Detachment,
    aliases: &[User],
    terms: &UnlinkTerms<'_>,
    now: DateTime<Utc>,
) -> Vec<User> {
    let Departure::Restored { user: restored, .. } = &done.departure else {
        return Vec::new();
    };
    let spared = CallingToken::hash_for(terms.caller.as_ref(), restored);
    let follows = |alias: &User| {
        let mut alias = alias.clone();
        if let Some(absorbed) = &mut alias.absorbed {
            absorbed.repoint(&restored.id, now);
        }
        alias.refuse_tokens_before(now, spared);
        alias
    };
    aliases.iter().filter(|user| user.is_alias_of(&restored.id)).map(follows).collect()
}

/// The terms of a release, as its caller and the tenant set them.
pub struct ReleaseTerms<'a> {
    /// The identity that the user releases.
    pub identity: &'a IdentityRef,
    /// Whether identities of a provider can sign in.
    pub can_sign_in: &'a (dyn Fn(&Provider) -> bool + Sync),
    /// The calling user's token; `None` for a service. Other tokens of the owner are refused, and
    /// this one too if it names the identity.
    pub caller: Option<CallingToken>,
}

/// Takes an identity from `owner`, the locked row of a live user, for good. Returns the owner
/// without it, and the identity as it was. An absorbed user from which the identity came stays
/// absorbed, and the owner keeps what the merge gave it.
///
/// # Errors
/// Those of [`detach`].
pub fn release(
    mut owner: User,
    terms: &ReleaseTerms<'_>,
    now: DateTime<Utc>,
) -> Result<(User, Identity), DomainError> {
    // A token that names an absorbed user's id may no longer mean the owner. Its retry is accepted
    // all the same.
    let spared = CallingToken::hash_for(terms.caller.as_ref(), &owner);
    let names_it =
        |caller: &CallingToken| caller.named == UserRef::Identity(terms.identity.clone());
    let spared = spared.filter(|_| !terms.caller.as_ref().is_some_and(names_it));
    let identity = remove_identity(&mut owner, terms.identity, terms.can_sign_in)?;
    owner.touch_identities(now);
    owner.refuse_tokens_before(now, spared);
    Ok((owner, identity))
}

/// Removes an identity from its owner, if the owner can do without it.
fn remove_identity(
    owner: &mut User,
    id: &IdentityRef,
    can_sign_in: &(dyn Fn(&Provider) -> bool + Sync),
) -> Result<Identity, DomainError> {
    if owner.blocked {
        return Err(DomainError::UserBlocked);
    }
    let at = owner
        .identities
        .iter()
        .position(|identity| identity.id == *id)
        .ok_or(DomainError::IdentityNotFound)?;
    let identity = owner.identities.remove(at);
    let can_sign_in = |identity: &Identity| can_sign_in(&identity.id.provider);
    if owner.identities.is_empty()
        || (can_sign_in(&identity) && !owner.identities.iter().any(can_sign_in))
    {
        return Err(DomainError::LastIdentity);
    }
    if owner.primary == identity.id {
        return Err(DomainError::PrimaryIdentity);
    }
    Ok(identity)
}

/// The link that ends when an identity leaves `owner`: the link that absorbed the identity's origin
/// user, if no other identity of that user stays. An identity that an old sign-in attached to its
/// origin user ends no link: it need not be the same person's, and becomes a user of its own.
pub fn ended_link(owner: &User, origin: Option<&User>, identity: &IdentityRef) -> Option<Uuid> {
    let origin = origin?;
    let is_vouched = |identity: &&Identity| {
        identity.attached_by.is_none() || identity.moved.is_none_or(|moved| moved.vouched)
    };
    owner.identity(identity).filter(is_vouched)?;
    let stays =
        owner.identities.iter().any(|other| other.origin == origin.id && other.id != *identity);
    origin.absorbed.as_ref().filter(|_| !stays).and_then(Absorbed::by_link)
}

fn restore(
    mut user: User,
    identity: &Identity,
    terms: &UnlinkTerms<'_>,
    now: DateTime<Utc>,
) -> (User, Withheld) {
    let withheld = withhold_metadata(&mut user, terms.metadata);
    // The other identities of the restored user have left before, each as a user of its own.
    user.primary = identity.id.clone();
    user.identities = vec![identity.clone()];
    user.absorbed = None;
    user.touch_identities(now);
    user.refuse_tokens_before(now, CallingToken::hash_for(terms.caller.as_ref(), &user));
    (user, withheld)
}

/// Removes the metadata that a restored user must not get, and returns it.
pub(super) fn withhold_metadata(user: &mut User, metadata: UnlinkMetadata) -> Withheld {
    let withhold =
        |metadata: &mut Metadata| Some(std::mem::take(metadata)).filter(|held| !held.is_empty());
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

/// The ancestors of a user that an unlink makes from `owner`. At most [`MAX_ANCESTORS`] are kept,
/// the most recent ones.
fn ancestors_of_unlinked(owner: &User, origin: Option<&User>) -> Vec<UserId> {
    let chain =
        |user: &'_ User| user.ancestors.iter().chain([&user.id]).cloned().collect::<Vec<_>>();
    let mut all: Vec<UserId> = Vec::new();
    for id in origin.map(chain).unwrap_or_default().into_iter().chain(chain(owner)) {
        all.retain(|other| *other != id);
        all.push(id);
    }
    let left_out = all.len().saturating_sub(MAX_ANCESTORS);
    all.split_off(left_out)
}

/// A new user whose only identity is `identity`, without metadata.
pub fn new_user(id: UserId, identity: &Identity, now: DateTime<Utc>) -> User {
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

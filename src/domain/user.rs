//! Users in the form that the rules use.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Identity, IdentityRef, LinkingPolicy, Metadata, TokenHash, TokenStamp, UserId,
    token_stamp::is_before,
};

/// The most ancestors that are kept of a user.
pub const MAX_ANCESTORS: usize = 100;

/// One person as services see them, with the identities that the user owns.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// Counts the changes of this user, from 1.
    pub version: i64,
    /// The user's version after it last gained or lost an identity.
    pub identities_version: i64,
    /// When the user was created.
    pub create_time: DateTime<Utc>,
    /// When the user was last changed.
    pub update_time: DateTime<Utc>,
    /// The identities in the order in which they were added; empty for an absorbed user.
    pub identities: Vec<Identity>,
    /// The primary identity; for an absorbed user, the one that it had.
    pub primary: IdentityRef,
    /// Metadata that the user itself may change.
    pub user_metadata: Metadata,
    /// Metadata that only services may change.
    pub app_metadata: Metadata,
    /// Claims that services laid over the primary identity's profile.
    pub profile_overrides: Metadata,
    /// Whether the user is blocked.
    pub blocked: bool,
    /// Tokens issued before this second are refused; `None` for no bound.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// The hash of the one token that `tokens_valid_from` does not refuse: its caller asked for the
    /// unlink.
    pub spared_token: Option<TokenHash>,
    /// When a sign-in last proved an address of an identity that the user already had. User id
    /// tokens, and tokens of the other identities, only read if they were issued before this
    /// second.
    pub writes_valid_from: Option<DateTime<Utc>>,
    /// The absorption of the user; `None` for a live user.
    pub absorbed: Option<Absorbed>,
    /// For a user that an unlink made: the user from which it was made, preceded by that user's own
    /// ancestors, the earliest first; at most [`MAX_ANCESTORS`]. Empty for other users.
    pub ancestors: Vec<UserId>,
}

/// The absorption of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absorbed {
    /// The live user that holds it now.
    pub into: UserId,
    /// What made it an absorbed user.
    pub by: AbsorbedBy,
    /// Since when `into` has held it.
    pub time: DateTime<Utc>,
}

/// What made a user an absorbed one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbsorbedBy {
    /// A link, which an unlink or an undo can end.
    Link(Uuid),
    /// An import: it is an alias, a former id of this user. No link made it, so nothing makes it a
    /// live user again. It always has the holder of this user.
    Import(UserId),
}

impl Absorbed {
    /// The link that absorbed the user; `None` for an alias.
    pub fn by_link(&self) -> Option<Uuid> {
        match self.by {
            AbsorbedBy::Link(link) => Some(link),
            AbsorbedBy::Import(_) => None,
        }
    }

    /// For an alias: the user that it is a former id of.
    pub fn alias_of(&self) -> Option<&UserId> {
        match &self.by {
            AbsorbedBy::Link(_) => None,
            AbsorbedBy::Import(user) => Some(user),
        }
    }

    /// Moves the user to another holder.
    pub fn repoint(&mut self, holder: &UserId, now: DateTime<Utc>) {
        (self.into, self.time) = (holder.clone(), now);
    }
}

impl User {
    /// The identities, the primary one first.
    pub fn identities_primary_first(&self) -> impl Iterator<Item = &Identity> {
        let is_primary = |identity: &&Identity| identity.id == self.primary;
        let rest = self.identities.iter().filter(move |identity| !is_primary(identity));
        self.identities.iter().filter(is_primary).chain(rest)
    }

    /// The identity; `None` if this user does not own it.
    pub fn identity(&self, id: &IdentityRef) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.id == *id)
    }

    /// The root profile: the primary identity's profile, with the user's overrides laid over it key
    /// by key.
    pub fn profile(&self) -> Metadata {
        let primary = self.identity(&self.primary).map(|identity| identity.profile_data.clone());
        primary.unwrap_or_default().laid_over_by(&self.profile_overrides)
    }

    /// The canonical emails that are verified on this user.
    pub fn verified_emails(&self) -> impl Iterator<Item = &str> {
        self.identities
            .iter()
            .filter_map(|identity| identity.email.as_ref())
            .filter(|email| email.is_verified())
            .filter_map(|email| email.canonical.as_deref())
    }

    /// How this user is linked by a canonical email: the most restrictive policy of the providers
    /// that have verified it; `None` if it is not verified on this user.
    pub fn linking_by(&self, canonical: &str) -> Option<LinkingPolicy> {
        let emails = self.identities.iter().filter_map(|identity| identity.email.as_ref());
        emails
            .filter(|email| email.canonical.as_deref() == Some(canonical))
            .filter_map(|email| email.counts)
            .min()
    }

    /// The id of this live user and of the users that it holds, some of them more than once.
    pub fn ids(&self) -> impl Iterator<Item = &UserId> {
        [&self.id].into_iter().chain(self.identities.iter().map(|identity| &identity.origin))
    }

    /// Whether `named` resolves to this live user: it is one of its identities, its own id, or the
    /// id of a user that it holds.
    pub fn is_meant_by(&self, named: &UserRef) -> bool {
        match named {
            UserRef::Identity(identity) => self.identity(identity).is_some(),
            UserRef::UserId(id) => self.ids().any(|own| own == id),
        }
    }

    /// Whether it is an alias of this user: a former id, which an import brought.
    pub fn is_alias_of(&self, id: &UserId) -> bool {
        self.absorbed.as_ref().and_then(Absorbed::alias_of) == Some(id)
    }

    /// Whether it is an alias of any user.
    pub fn is_alias(&self) -> bool {
        self.absorbed.as_ref().is_some_and(|absorbed| absorbed.alias_of().is_some())
    }

    /// Whether this is the live user with this id, or is absorbed into it.
    pub fn is_held_by(&self, id: &UserId) -> bool {
        self.absorbed.as_ref().map_or(&self.id, |absorbed| &absorbed.into) == id
    }

    /// Whether this token, which names the user by `named`, has been withdrawn: with others of the
    /// user, or with those of the identity that it names.
    pub fn has_withdrawn(&self, named: &UserRef, token: &TokenStamp) -> bool {
        let has_ended = match named {
            UserRef::Identity(id) => {
                self.identity(id).is_some_and(|identity| identity.has_ended(token.issued_at))
            }
            UserRef::UserId(_) => false,
        };
        has_ended
            || self.spared_token != Some(token.hash)
                && self.tokens_valid_from.is_some_and(|from| is_before(token.issued_at, from))
    }

    /// Whether this token, which names the user by `named`, only reads: it is older than the move
    /// of its identity here, or than a sign-in at another identity that proved an address.
    pub fn only_reads(&self, named: &UserRef, token: &TokenStamp) -> bool {
        let identity = match named {
            UserRef::Identity(id) => self.identity(id),
            UserRef::UserId(_) => None,
        };
        let moved = identity.and_then(|identity| identity.moved);
        let proved = identity.and_then(|identity| identity.email_proven_since);
        moved.is_some_and(|moved| moved.is_after(token.issued_at))
            || self
                .writes_valid_from
                .is_some_and(|from| proved != Some(from) && is_before(token.issued_at, from))
    }

    /// Whether this identity of the user counts as a fresh sign-in on its own: a fresh sign-in
    /// linked it, or it is the user's first one.
    pub fn is_vouched(&self, id: &IdentityRef) -> bool {
        let first = self.identities.iter().map(|identity| identity.ordinal).min();
        self.identity(id).is_some_and(|identity| {
            identity.moved.is_none_or(|moved| moved.vouched) || Some(identity.ordinal) == first
        })
    }

    /// Replaces the identity that has the same id.
    pub fn replace_identity(&mut self, fresh: &Identity) {
        self.identities
            .iter_mut()
            .filter(|identity| identity.id == fresh.id)
            .for_each(|known| *known = fresh.clone());
    }

    /// Whether each identity counts as a fresh sign-in on its own.
    pub fn is_all_vouched(&self) -> bool {
        self.identities.iter().all(|identity| self.is_vouched(&identity.id))
    }

    /// The identities for which a fresh sign-in at this one vouches: those added after it by an old
    /// sign-in.
    pub fn vouched_for_by(&self, id: &IdentityRef) -> Vec<IdentityRef> {
        let Some(signer) = self.identity(id).filter(|_| self.is_vouched(id)) else {
            return Vec::new();
        };
        let later = self.identities.iter().filter(|identity| identity.ordinal > signer.ordinal);
        later
            .filter(|identity| !self.is_vouched(&identity.id))
            .map(|identity| identity.id.clone())
            .collect()
    }

    /// Records that these identities are vouched for.
    pub fn vouch_for(&mut self, ids: &[IdentityRef]) {
        let vouched = self.identities.iter_mut().filter(|identity| ids.contains(&identity.id));
        vouched
            .filter_map(|identity| identity.moved.as_mut())
            .for_each(|moved| moved.vouched = true);
    }

    /// Counts a change of the user.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.update_time = now;
    }

    /// Counts a change of the user that added or removed an identity.
    pub fn touch_identities(&mut self, now: DateTime<Utc>) {
        self.touch(now);
        self.identities_version = self.version;
    }

    /// Refuses tokens issued before `time`, except the spared one. A token that is already refused
    /// stays refused.
    pub fn refuse_tokens_before(&mut self, time: DateTime<Utc>, spared: Option<TokenHash>) {
        self.tokens_valid_from = self.tokens_valid_from.max(Some(time));
        self.spared_token = spared;
    }
}

/// The name by which a token or a request refers to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// As the owner of an identity.
    Identity(IdentityRef),
    /// By a user id, current or absorbed.
    UserId(UserId),
}

//! Users and identities as the rules see them.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::{IdentityRef, Metadata, UserId};

/// One person's record, with the identities that it owns.
#[derive(Debug, Clone, PartialEq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// Counts the changes of this user, from 1.
    pub version: i64,
    /// The version that the user was given when it last gained or lost an identity.
    pub identities_version: i64,
    /// When the user was created.
    pub create_time: DateTime<Utc>,
    /// When the user was last changed.
    pub update_time: DateTime<Utc>,
    /// The identities in the order in which they came; none for an absorbed user.
    pub identities: Vec<Identity>,
    /// The primary identity; for an absorbed user the one it had.
    pub primary: IdentityRef,
    /// What the person may change.
    pub user_metadata: Metadata,
    /// What only services may change.
    pub app_metadata: Metadata,
    /// What services have laid over the primary identity's profile.
    pub profile_overrides: Metadata,
    /// Whether the user is blocked.
    pub blocked: bool,
    /// Tokens issued before this second are refused.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// By whom the user was absorbed; `None` for a live user.
    pub absorbed: Option<Absorbed>,
    /// The user from whom this one was made by an unlink.
    pub detached_from: Option<UserId>,
}

/// That a user was absorbed, and where it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absorbed {
    /// The live user that holds it now.
    pub into: UserId,
    /// The link that absorbed this very user.
    pub by_link: Uuid,
    /// Since when `into` has been what it is.
    pub time: DateTime<Utc>,
}

/// An identity as its owner holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Which account at which provider.
    pub id: IdentityRef,
    /// The user it belonged to before any link moved it.
    pub home: UserId,
    /// Orders a user's identities; gaps are fine.
    pub ordinal: i32,
    /// The connection through which the account signs in.
    pub connection: String,
    /// Whether the provider is a social one.
    pub social: bool,
    /// The account's email.
    pub email: Option<IdentityEmail>,
    /// The account's attributes.
    pub profile_data: Metadata,
    /// When the identity came to its home.
    pub attach_time: DateTime<Utc>,
    /// The link that attached it when nobody owned it.
    pub attached_by: Option<Uuid>,
}

/// The email of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityEmail {
    /// As it was given.
    pub given: String,
    /// What it is found by; `None` if it does not parse, and then it is never verified.
    pub canonical: Option<String>,
    /// When and on whose word it was verified; `None` if it was not.
    pub verified: Option<Verified>,
}

/// That an email was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// When.
    pub time: DateTime<Utc>,
    /// On whose word.
    pub by: Verifier,
}

/// On whose word an email is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// On that of an issuer that is trusted with emails, in a token.
    Issuer(String),
    /// On that of a service.
    Service {
        /// Who issued its token.
        issuer: String,
        /// The service, as that issuer names it.
        subject: String,
    },
}

impl User {
    /// The identities, the primary one first.
    pub fn identities_primary_first(&self) -> impl Iterator<Item = &Identity> {
        let is_primary = |identity: &&Identity| identity.id == self.primary;
        let rest = self.identities.iter().filter(move |identity| !is_primary(identity));
        self.identities.iter().filter(is_primary).chain(rest)
    }

    /// The identity, if this user owns it.
    pub fn identity(&self, id: &IdentityRef) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.id == *id)
    }

    /// The root profile: the primary identity's, overlaid key by key.
    pub fn profile(&self) -> Metadata {
        let mut profile =
            self.identity(&self.primary).map(|identity| identity.profile_data.as_map().clone()).unwrap_or_default();
        profile.extend(self.profile_overrides.as_map().clone());
        Metadata::from_stored(profile)
    }

    /// The canonical emails that are verified on this user.
    pub fn verified_emails(&self) -> impl Iterator<Item = &str> {
        self.identities
            .iter()
            .filter_map(|identity| identity.email.as_ref())
            .filter(|email| email.verified.is_some())
            .filter_map(|email| email.canonical.as_deref())
    }

    /// The id of this live user and those of the users that it holds, some of them more than once.
    pub fn ids(&self) -> impl Iterator<Item = &UserId> {
        [&self.id].into_iter().chain(self.identities.iter().map(|identity| &identity.home))
    }

    /// Whether a name means this live user: one of its identities, its own id, or the id of a user
    /// that it holds.
    pub fn is_meant_by(&self, named: &Named) -> bool {
        match named {
            Named::Identity(identity) => self.identity(identity).is_some(),
            Named::UserId(id) => self.ids().any(|own| own == id),
        }
    }

    /// Whether this is the live user with this id, or absorbed into that.
    pub fn is_held_by(&self, id: &UserId) -> bool {
        self.absorbed.as_ref().map_or(&self.id, |absorbed| &absorbed.into) == id
    }

    /// Whether tokens issued at `issued_at` have been withdrawn.
    pub fn has_withdrawn_tokens_of(&self, issued_at: DateTime<Utc>) -> bool {
        is_withdrawn(self.tokens_valid_from, issued_at)
    }

    /// Notes that the user changed.
    pub fn touch(&mut self, now: DateTime<Utc>) {
        self.version += 1;
        self.update_time = now;
    }

    /// Notes that the user gained or lost an identity.
    pub fn touch_identities(&mut self, now: DateTime<Utc>) {
        self.touch(now);
        self.identities_version = self.version;
    }

    /// Refuses tokens issued before `time`; never accepts again what was refused already.
    pub fn refuse_tokens_before(&mut self, time: DateTime<Utc>) {
        self.tokens_valid_from = self.tokens_valid_from.max(Some(time));
    }
}

/// How somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// As the owner of an identity.
    Identity(IdentityRef),
    /// By a user id, current or absorbed.
    UserId(UserId),
}

/// What is known of the user behind a token or a named id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The user that was named, or that owned the identity.
    pub named: UserId,
    /// The live user that holds it now; `named` itself unless that was absorbed.
    pub holder: UserId,
    /// Whether the holder is blocked.
    pub blocked: bool,
    /// The latest of what the named user, its holder and the home of the named identity demand, and
    /// of the time at which whoever had this name before was deleted.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// When the named user was created.
    pub create_time: DateTime<Utc>,
    /// The absorption of the named user, if there was one.
    pub absorbed: Option<Absorbed>,
    /// Whether an identity of the named user is with its holder. An absorbed user all of whose
    /// identities have left is an id that resolves, and nobody's way in.
    pub has_identity: bool,
}

impl Standing {
    /// Whether tokens issued at `issued_at` have been withdrawn.
    pub fn has_withdrawn_tokens_of(&self, issued_at: DateTime<Utc>) -> bool {
        is_withdrawn(self.tokens_valid_from, issued_at)
    }

    /// Whether the named user was absorbed after `issued_at`. A token of the very second of the
    /// link counts as older: signing in again is cheap.
    pub fn was_absorbed_after(&self, issued_at: DateTime<Utc>) -> bool {
        self.absorbed.as_ref().is_some_and(|absorbed| issued_at <= absorbed.time)
    }
}

/// Tokens tell time in whole seconds (RFC 7519 §2), so the comparison is in whole seconds too.
fn is_withdrawn(valid_from: Option<DateTime<Utc>>, issued_at: DateTime<Utc>) -> bool {
    valid_from.is_some_and(|from| issued_at < from.trunc_subsecs(0))
}

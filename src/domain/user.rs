//! Users and identities in the form that the rules use.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::{IdentityRef, LinkingPolicy, Metadata, UserId};

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
    /// The link that absorbed this user.
    pub by_link: Uuid,
    /// Since when `into` has held it.
    pub time: DateTime<Utc>,
}

/// An identity with its state at its owner.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Which account at which provider.
    pub id: IdentityRef,
    /// The origin user: the user that the identity belonged to before any link moved it.
    pub origin: UserId,
    /// Orders a user's identities; gaps are allowed.
    pub ordinal: i32,
    /// The connection through which the account signs in.
    pub connection: String,
    /// Whether the provider is a social one.
    pub social: bool,
    /// The account's email.
    pub email: Option<IdentityEmail>,
    /// The account's profile claims.
    pub profile_data: Metadata,
    /// When the identity was added to its origin user.
    pub attach_time: DateTime<Utc>,
    /// The link that attached it while it had no owner; `None` if none did.
    pub attached_by: Option<Uuid>,
    /// How it moved to its present owner; `None` if it was created with the owner.
    pub moved: Option<Moved>,
    /// Since when the provider has claimed this same address to be verified; `None` if it does not.
    pub email_proven_since: Option<DateTime<Utc>>,
    /// Whether the owner had an identity without a proof of this address when this identity proved
    /// it, or moved here with it. This stays true after that identity has left: another may have
    /// replaced it.
    pub email_proven_among: bool,
    /// Whether the account had another address, or none, when it was added here.
    pub email_changed: bool,
}

impl Identity {
    /// Since when its present owner has had it.
    pub fn here_since(&self) -> DateTime<Utc> {
        self.moved.map_or(self.attach_time, |moved| moved.time.max(self.attach_time))
    }

    /// Whether it has this canonical email, verified.
    pub fn has_proven(&self, canonical: &str) -> bool {
        self.email.as_ref().is_some_and(|email| {
            email.is_verified() && email.canonical.as_deref() == Some(canonical)
        })
    }

    /// The same identity with `email_proven_among` set if its email is verified and one of `others`
    /// has not proven it.
    #[must_use]
    pub fn among<'a>(self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let canonical = self.email.as_ref().filter(|email| email.is_verified());
        let canonical = canonical.and_then(|email| email.canonical.as_deref());
        let is_among = canonical.is_some_and(|canonical| {
            others.into_iter().any(|other| other.id != self.id && !other.has_proven(canonical))
        });
        Self { email_proven_among: self.email_proven_among || is_among, ..self }
    }

    /// Since when its owner has had its email proven by it; the maximum time if it is unproven.
    pub fn proven_here_since(&self) -> DateTime<Utc> {
        self.email_proven_since
            .map_or(DateTime::<Utc>::MAX_UTC, |since| since.max(self.here_since()))
    }

    /// Whether it was here before `proof`, another identity of its owner, proved its email to the
    /// owner. Two that one link moved together keep their order if they have the same origin user.
    /// Otherwise their order is unknown, and the result is true.
    pub fn came_before_proof(&self, proof: &Self) -> bool {
        let came_together =
            self.moved.is_some() && self.moved.map(|m| m.time) == proof.moved.map(|m| m.time);
        match came_together {
            true if self.origin == proof.origin => {
                let proven = proof
                    .email_proven_since
                    .map_or(DateTime::<Utc>::MAX_UTC, |t| t.max(proof.attach_time));
                self.attach_time < proven
            }
            true => true,
            false => self.here_since() < proof.proven_here_since(),
        }
    }
}

/// Names a token: SHA-256 of its issuer and `jti`, or of the signed text.
pub type TokenHash = [u8; 32];

/// How an identity moved to its present owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// When it moved. A token of the identity from before proves the account as it was then, and
    /// only reads.
    pub time: DateTime<Utc>,
    /// Whether a user's proof moved it. If so, a token issued in the same second counts as older;
    /// otherwise it counts as newer.
    pub by_proof: bool,
    /// False if a user linked it with a sign-in that was more than ten minutes old. Until an older
    /// identity of the user signs in, a sign-in at this one is not fresh for irreversible calls.
    pub vouched: bool,
}

impl Moved {
    /// A move by a service, a sign-in or an unlink, at this time.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self { time, by_proof: false, vouched: true }
    }

    /// The same for an identity that moved `before`: moving again does not vouch for it.
    #[must_use]
    pub fn also(self, before: Option<Self>) -> Self {
        Self { vouched: self.vouched && before.is_none_or(|before| before.vouched), ..self }
    }

    /// Whether a sign-in at this time is from an earlier second than the move.
    pub fn is_later_than_sign_in(&self, time: DateTime<Utc>) -> bool {
        is_before(time, self.time)
    }

    /// Whether a token issued at `issued_at` is older than the move. Token times are whole seconds
    /// (RFC 7519 §2).
    pub fn is_after(&self, issued_at: DateTime<Utc>) -> bool {
        match self.by_proof {
            true => issued_at <= self.time,
            false => is_before(issued_at, self.time),
        }
    }
}

/// The email of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityEmail {
    /// The email as given.
    pub given: String,
    /// The canonical form, for lookups; `None` if the email does not parse, and then it is never
    /// verified.
    pub canonical: Option<String>,
    /// When and by which verifier it was verified; `None` if it is not. It is kept as given,
    /// whether or not it counts.
    pub verified: Option<EmailVerification>,
    /// How an email of this provider links by today's configuration, where `verified` counts;
    /// `None` where it does not. [`super::ProviderPolicy::judge`] sets it wherever an email is read
    /// or made.
    pub counts: Option<LinkingPolicy>,
}

/// The verification of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailVerification {
    /// When the email was verified.
    pub time: DateTime<Utc>,
    /// The party that claims it.
    pub by: Verifier,
}

/// The party that claims an email to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// An issuer that is trusted with emails, in a token.
    Issuer(String),
    /// A service.
    Service {
        /// The issuer of the service's token.
        issuer: String,
        /// The service, as that issuer names it.
        subject: String,
    },
}

impl IdentityEmail {
    /// Whether it is verified and the verification counts today.
    pub fn is_verified(&self) -> bool {
        self.counts.is_some()
    }
}

impl Identity {
    /// When its email was verified; `None` if it is another email, or the verification does not
    /// count today.
    pub fn verify_time_of(&self, canonical: &str) -> Option<DateTime<Utc>> {
        let email = self.email.as_ref().filter(|email| email.is_verified());
        let email = email.filter(|email| email.canonical.as_deref() == Some(canonical))?;
        email.verified.as_ref().map(|verified| verified.time)
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
        let mut profile = self
            .identity(&self.primary)
            .map(|identity| identity.profile_data.as_map().clone())
            .unwrap_or_default();
        profile.extend(self.profile_overrides.as_map().clone());
        Metadata::from_stored(profile)
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

    /// Whether this is the live user with this id, or is absorbed into it.
    pub fn is_held_by(&self, id: &UserId) -> bool {
        self.absorbed.as_ref().map_or(&self.id, |absorbed| &absorbed.into) == id
    }

    /// Whether this token has been withdrawn.
    pub fn has_withdrawn(&self, token: &TokenStamp) -> bool {
        self.spared_token != Some(token.hash)
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

/// The facts about a token that the rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenStamp {
    /// When it was issued, in whole seconds.
    pub issued_at: DateTime<Utc>,
    /// The hash that names the token.
    pub hash: TokenHash,
}

/// The name by which a token or a request refers to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// As the owner of an identity.
    Identity(IdentityRef),
    /// By a user id, current or absorbed.
    UserId(UserId),
}

/// Compares in whole seconds, since token times are whole seconds (RFC 7519 §2).
pub(super) fn is_before(issued_at: DateTime<Utc>, time: DateTime<Utc>) -> bool {
    issued_at < time.trunc_subsecs(0)
}

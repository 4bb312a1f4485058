//! Users and identities as the rules see them.

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use super::{IdentityRef, LinkingPolicy, Metadata, UserId};

/// How many users that a user was made from by unlinks are kept.
pub const MAX_ANCESTORS: usize = 100;

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
    /// The one token, named by its hash, that `tokens_valid_from` does not refuse: it asked for the unlink.
    pub spared_token: Option<TokenHash>,
    /// When a sign-in last proved an address of an identity that was there before. User id tokens, and tokens of
    /// the other identities, from before this second only read.
    pub writes_valid_from: Option<DateTime<Utc>>,
    /// By whom the user was absorbed; `None` for a live user.
    pub absorbed: Option<Absorbed>,
    /// For a user that was made by an unlink: the user it was made from, after those which that one was made from, the
    /// first one first; at most [`MAX_ANCESTORS`]. Empty for other users.
    pub ancestors: Vec<UserId>,
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
    /// How it came to its present owner; `None` where it was created with it.
    pub moved: Option<Moved>,
    /// Since when the provider has said of this very address that it is verified; `None` if it does not.
    pub email_proven_since: Option<DateTime<Utc>>,
    /// Whether the owner had an identity that had not proven this address when this one did, or when this one came
    /// with it. It stays so when that identity leaves: another may have come in its place.
    pub email_proven_among: bool,
    /// Whether the account had another address, or none, when it came here.
    pub email_changed: bool,
}

impl Identity {
    /// Since when it has been its present owner's.
    pub fn here_since(&self) -> DateTime<Utc> {
        self.moved.map_or(self.attach_time, |moved| moved.time.max(self.attach_time))
    }

    /// Whether it proves this canonical email.
    pub fn has_proven(&self, canonical: &str) -> bool {
        self.email.as_ref().is_some_and(|email| email.is_verified() && email.canonical.as_deref() == Some(canonical))
    }

    /// The same with what is true of its email once it is, or proves that, among these others.
    #[must_use]
    pub fn among<'a>(self, others: impl IntoIterator<Item = &'a Self>) -> Self {
        let canonical = self.email.as_ref().filter(|email| email.is_verified());
        let canonical = canonical.and_then(|email| email.canonical.as_deref());
        let is_among = canonical.is_some_and(|canonical| {
            others.into_iter().any(|other| other.id != self.id && !other.has_proven(canonical))
        });
        Self { email_proven_among: self.email_proven_among || is_among, ..self }
    }

    /// Since when its owner has had its email proven by it; the end of time if it is not.
    pub fn proven_here_since(&self) -> DateTime<Utc> {
        self.email_proven_since.map_or(DateTime::<Utc>::MAX_UTC, |since| since.max(self.here_since()))
    }

    /// Whether it was there before `proof`, another identity of its owner, proved its email to them. Two that came by
    /// one link were together before if they have one home; of others the order is not known, and counts as this.
    pub fn came_before_proof(&self, proof: &Self) -> bool {
        let came_together = self.moved.is_some() && self.moved.map(|m| m.time) == proof.moved.map(|m| m.time);
        match came_together {
            true if self.home == proof.home => {
                let proven = proof.email_proven_since.map_or(DateTime::<Utc>::MAX_UTC, |t| t.max(proof.attach_time));
                self.attach_time < proven
            }
            true => true,
            false => self.here_since() < proof.proven_here_since(),
        }
    }
}

/// Names a token: SHA-256 of its `jti` with its issuer, or of what was signed.
pub type TokenHash = [u8; 32];

/// How an identity came to its present owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// When. A token of the identity from before proves what the account was then, and only reads.
    pub time: DateTime<Utc>,
    /// Whether a user's proof moved it. Then a token of the very second counts as older; else it is good.
    pub by_proof: bool,
    /// False if it came by a link of a user whose sign-in was more than ten minutes old. Until an identity that was
    /// there before signs in, such a one is no fresh sign-in for what cannot be taken back.
    pub vouched: bool,
}

impl Moved {
    /// By a service, a sign-in or an unlink, at this time.
    pub fn at(time: DateTime<Utc>) -> Self {
        Self { time, by_proof: false, vouched: true }
    }

    /// The same for an identity that had come so before: what was not vouched for is not by moving on.
    #[must_use]
    pub fn also(self, before: Option<Self>) -> Self {
        Self { vouched: self.vouched && before.is_none_or(|before| before.vouched), ..self }
    }

    /// Whether a sign-in at this time is from an earlier second.
    pub fn is_later_than_sign_in(&self, time: DateTime<Utc>) -> bool {
        is_before(time, self.time)
    }

    /// Whether a token issued at `issued_at` is from before. Tokens tell time in whole seconds (RFC 7519 §2).
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
    /// As it was given.
    pub given: String,
    /// What it is found by; `None` if it does not parse, and then it is never verified.
    pub canonical: Option<String>,
    /// When and on whose word it was verified; `None` if nobody says so. It is kept as given, whether or not it
    /// counts.
    pub verified: Option<Verified>,
    /// What today's configuration makes of `verified`: how an email of this provider links, where the word counts;
    /// `None` where it does not. [`super::ProviderPolicy::judge`] notes it wherever an email is read or made.
    pub counts: Option<LinkingPolicy>,
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

impl IdentityEmail {
    /// Whether it is verified, by a word that counts today.
    pub fn is_verified(&self) -> bool {
        self.counts.is_some()
    }
}

impl Identity {
    /// When its email was verified, if it is this one and the word counts today.
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
            .filter(|email| email.is_verified())
            .filter_map(|email| email.canonical.as_deref())
    }

    /// How this user is linked by a canonical email: the most closed policy of the providers that have verified it;
    /// `None` if it is not verified on this user.
    pub fn linking_by(&self, canonical: &str) -> Option<LinkingPolicy> {
        let emails = self.identities.iter().filter_map(|identity| identity.email.as_ref());
        emails.filter(|email| email.canonical.as_deref() == Some(canonical)).filter_map(|email| email.counts).min()
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

    /// Whether this token has been withdrawn.
    pub fn has_withdrawn(&self, token: &TokenStamp) -> bool {
        self.spared_token != Some(token.hash)
            && self.tokens_valid_from.is_some_and(|from| is_before(token.issued_at, from))
    }

    /// Whether this token, which names the user so, only reads: it is from before its identity came here, or from
    /// before a sign-in at another identity proved an address.
    pub fn only_reads(&self, named: &Named, token: &TokenStamp) -> bool {
        let identity = match named {
            Named::Identity(id) => self.identity(id),
            Named::UserId(_) => None,
        };
        let moved = identity.and_then(|identity| identity.moved);
        let proved = identity.and_then(|identity| identity.email_proven_since);
        moved.is_some_and(|moved| moved.is_after(token.issued_at))
            || self.writes_valid_from.is_some_and(|from| proved != Some(from) && is_before(token.issued_at, from))
    }

    /// Whether this identity, if it is the user's, counts as a fresh sign-in by itself: it came by a fresh one, or
    /// none was there before it.
    pub fn is_vouched(&self, id: &IdentityRef) -> bool {
        let first = self.identities.iter().map(|identity| identity.ordinal).min();
        self.identity(id)
            .is_some_and(|identity| identity.moved.is_none_or(|moved| moved.vouched) || Some(identity.ordinal) == first)
    }

    /// Puts an identity in the place of the one with its id.
    pub fn replace_identity(&mut self, fresh: &Identity) {
        self.identities.iter_mut().filter(|identity| identity.id == fresh.id).for_each(|known| *known = fresh.clone());
    }

    /// Whether each identity counts as a fresh sign-in by itself.
    pub fn is_all_vouched(&self) -> bool {
        self.identities.iter().all(|identity| self.is_vouched(&identity.id))
    }

    /// The identities that a fresh sign-in at this one vouches for: those that came after it by an old sign-in.
    pub fn vouched_for_by(&self, id: &IdentityRef) -> Vec<IdentityRef> {
        let Some(signer) = self.identity(id).filter(|_| self.is_vouched(id)) else { return Vec::new() };
        let later = self.identities.iter().filter(|identity| identity.ordinal > signer.ordinal);
        later.filter(|identity| !self.is_vouched(&identity.id)).map(|identity| identity.id.clone()).collect()
    }

    /// Notes that these identities are vouched for.
    pub fn vouch_for(&mut self, ids: &[IdentityRef]) {
        let vouched = self.identities.iter_mut().filter(|identity| ids.contains(&identity.id));
        vouched.filter_map(|identity| identity.moved.as_mut()).for_each(|moved| moved.vouched = true);
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

    /// Refuses tokens issued before `time`, but for the one that is spared; never accepts again what was refused
    /// already.
    pub fn refuse_tokens_before(&mut self, time: DateTime<Utc>, spared: Option<TokenHash>) {
        self.tokens_valid_from = self.tokens_valid_from.max(Some(time));
        self.spared_token = spared;
    }
}

/// What a rule needs to know of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenStamp {
    /// When it was issued, in whole seconds.
    pub issued_at: DateTime<Utc>,
    /// What names it.
    pub hash: TokenHash,
}

/// How somebody is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// As the owner of an identity.
    Identity(IdentityRef),
    /// By a user id, current or absorbed.
    UserId(UserId),
}

/// Tokens tell time in whole seconds (RFC 7519 §2), so the comparison is in whole seconds too.
pub(super) fn is_before(issued_at: DateTime<Utc>, time: DateTime<Utc>) -> bool {
    issued_at < time.trunc_subsecs(0)
}

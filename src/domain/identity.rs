//! An identity in the form that the rules use, with its state at its owner.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{IdentityEmail, IdentityRef, Metadata, UserId, token_stamp::is_before};

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
    /// Tokens that name it are refused if they were issued before this second: its provider ended
    /// its session. `None` for no bound.
    pub tokens_valid_from: Option<DateTime<Utc>>,
}

impl Identity {
    /// Whether its provider ended the session of a sign-in, or of a token, of this time.
    pub fn has_ended(&self, time: DateTime<Utc>) -> bool {
        self.tokens_valid_from.is_some_and(|from| is_before(time, from))
    }

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

    /// When its email was verified; `None` if it is another email, or the verification does not
    /// count today.
    pub fn verify_time_of(&self, canonical: &str) -> Option<DateTime<Utc>> {
        let email = self.email.as_ref().filter(|email| email.is_verified());
        let email = email.filter(|email| email.canonical.as_deref() == Some(canonical))?;
        email.verified.as_ref().map(|verified| verified.time)
    }
}

/// An identity that got another subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenamedIdentity {
    /// The identity as it is named now.
    pub identity: IdentityRef,
    /// Its name before.
    pub former: IdentityRef,
}

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

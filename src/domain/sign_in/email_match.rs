//! A user that has the email of an account that signs in.

use chrono::{DateTime, Utc};

use crate::domain::{Identity, IdentityRef, LinkingPolicy, User};

/// A user that has the email, verified by providers that are trusted with it.
pub(in crate::domain) struct EmailMatch<'a> {
    pub user: &'a User,
    /// The accounts that have the verified email.
    pub proofs: Vec<&'a Identity>,
    /// The most restrictive policy of their providers.
    pub linking: LinkingPolicy,
}

impl<'a> EmailMatch<'a> {
    /// The match of a user with this email; `None` if no provider that is trusted with it has
    /// verified it.
    pub(in crate::domain) fn of(user: &'a User, canonical: &'a str) -> Option<Self> {
        let linking = user.linking_by(canonical)?;
        let proofs = identities_with(user, canonical)
            .filter(|of| of.verify_time_of(canonical).is_some())
            .collect();
        Some(Self { user, proofs, linking })
    }

    /// Whether each account that proves the email had another email before. The person with such an
    /// account may have had the owner of the address confirm it (Sudhodanan and Paverd 2022,
    /// "Pre-hijacked accounts", unexpired email change).
    pub(in crate::domain) fn has_only_changed_proofs(&self) -> bool {
        self.proofs.iter().all(|proof| proof.email_changed)
    }

    /// Whether the user has, or had when the email was first proven on it, an account that is older
    /// than that proof and has not proven the email. Such an account may belong to another person
    /// that waited for the owner of the address (the same paper, trojan identifier).
    pub(in crate::domain) fn is_joined_by_older_account(&self) -> bool {
        let first = self.unchanged_proofs().min_by_key(|proof| proof.proven_here_since());
        first.is_none_or(|first| {
            self.other_identities()
                .any(|other| first.email_proven_among || other.came_before_proof(first))
        })
    }

    /// The proofs of accounts that had no other address before.
    fn unchanged_proofs(&self) -> impl Iterator<Item = &Identity> {
        self.proofs.iter().copied().filter(|proof| !proof.email_changed)
    }

    /// The identities that are no unchanged proofs.
    fn other_identities(&self) -> impl Iterator<Item = &Identity> {
        self.user
            .identities
            .iter()
            .filter(|of| self.unchanged_proofs().all(|proof| proof.id != of.id))
    }

    /// The accounts that have not proven the email, or have proven it only since they changed to
    /// it, each with the time since which the user has it.
    pub(super) fn others(&self) -> Vec<(IdentityRef, DateTime<Utc>)> {
        self.other_identities().map(|other| (other.id.clone(), other.here_since())).collect()
    }

    /// The time of the latest proof.
    pub(super) fn verify_time(&self) -> DateTime<Utc> {
        let times =
            self.proofs.iter().filter_map(|of| Some(of.email.as_ref()?.verified.as_ref()?.time));
        times.max().unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// The user's identities with this email.
pub(super) fn identities_with<'a>(
    user: &'a User,
    canonical: &'a str,
) -> impl Iterator<Item = &'a Identity> {
    let has = move |identity: &&Identity| {
        identity.email.as_ref().and_then(|email| email.canonical.as_deref()) == Some(canonical)
    };
    user.identities.iter().filter(has)
}

//! The further addresses of a newcomer that its provider verified: they suggest users, and link none.

use std::collections::BTreeSet;

use super::{Decision, Evidence, MAX_EVIDENCE, SignInFacts, SignInOutcome, SignInRule, linkable};
use crate::domain::{
    DomainError, User,
    candidates::{self, Candidate},
    linking::UnownedIdentity,
};

impl SignInFacts<'_> {
    /// Turns the decision to create a user into candidates, if users have proven another address of
    /// the account. The provider verified such an address at some time, and does not say when, so
    /// none links.
    pub(super) fn decide_by_other_emails(
        &self,
        created: Decision,
    ) -> Result<Decision, DomainError> {
        let emails = suggesting_emails(self.account);
        let released = |user: &User| self.history.released_by.contains(&user.id);
        let holders = self.holders.iter().filter(|user| user.absorbed.is_none() && !released(user));
        let found: Vec<(&User, Candidate)> =
            holders.filter_map(|user| Some((user, candidates::sharing(&emails, user)?))).collect();
        if found.is_empty() {
            return Ok(created);
        }
        let open = found.iter().filter(|(user, _)| !user.blocked);
        let open: Vec<Candidate> = open.map(|(_, candidate)| candidate.clone()).collect();
        if open.is_empty() {
            return Err(DomainError::UserBlocked);
        }
        let shared = |email: &str| found.iter().any(|(_, of)| of.shared_emails.contains(email));
        let own = self.account.other_emails.iter().filter_map(|email| {
            let canonical = email.canonical.as_deref().filter(|canonical| shared(canonical))?;
            Some(Evidence {
                identity: self.account.id.clone(),
                owner: None,
                email: canonical.to_owned(),
                verified: email.verified.clone(),
                counts: true,
            })
        });
        let of_users = found.iter().flat_map(|(user, of)| {
            of.shared_emails.iter().flat_map(|email| Self::evidence_of(user, email))
        });
        let evidence = created.evidence.into_iter().chain(own);
        Ok(Decision {
            outcome: SignInOutcome::Candidates(candidates::ranked(open)),
            rule: SignInRule::OtherEmailVerified,
            evidence: evidence.chain(of_users).take(1 + MAX_EVIDENCE).collect(),
        })
    }
}

/// The canonical addresses, besides [`super::linking_email`], by which a decision on an account without an
/// owner suggests users. The account must have been [`super::judged`].
pub fn suggesting_emails(account: &UnownedIdentity) -> BTreeSet<&str> {
    let own = account.email.as_ref().and_then(|email| email.canonical.as_deref());
    let others = account.other_emails.iter().filter_map(linkable);
    others.filter(|email| Some(*email) != own).collect()
}

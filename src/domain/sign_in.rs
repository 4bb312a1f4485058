//! Decides which user signs in, for all entry points.
//!
//! The rules are the rows of a table (`docs/reference/sign-in-rules.md`), and the first row that
//! fits decides. What is not proven counts as unproven: an email links only if providers that the
//! operator trusts with it have verified it on both sides.

mod email_match;
mod other_emails;
mod refreshing;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{
    DomainError, EmailVerification, IdentityEmail, IdentityRef, LinkingPolicy, ProviderPolicy,
    Registration, RequiredEmail, User, UserId,
    candidates::{self, Candidate},
    linking::UnownedIdentity,
};

pub(in crate::domain) use self::email_match::EmailMatch;
use self::email_match::identities_with;
pub use self::other_emails::suggesting_emails;
pub use self::refreshing::{proves_address, refreshed, vouched_for};

/// The largest age of a sign-in for an irreversible call, in any tenant.
pub const RECENT_SIGN_IN: TimeDelta = TimeDelta::minutes(10);
/// How long a proven email links automatically. Addresses change hands, so the person that proved
/// one may have lost it since.
pub const MAX_VERIFICATION_AGE: TimeDelta = TimeDelta::days(180);
/// The most accounts of other users that a decision lists.
const MAX_EVIDENCE: usize = 20;

/// The facts about a sign-in.
pub struct SignInFacts<'a> {
    /// The account.
    pub account: &'a UnownedIdentity,
    /// The user that owns it.
    pub owner: Option<&'a User>,
    /// Live users with an identity that has the account's email, verified or not, and those that
    /// have proven one of its other emails.
    pub holders: &'a [User],
    /// What is kept of the users that had this account before.
    pub history: &'a AccountHistory,
    /// The time of the decision.
    pub now: DateTime<Utc>,
    /// The policy of the account's provider. Other policies are noted on the emails of their
    /// identities.
    pub policy: &'a ProviderPolicy,
}

/// What is kept of the users that had an account before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountHistory {
    /// Whether the account had a user that was deleted. That user, and the users from which it was
    /// separated, are not kept.
    pub was_deleted: bool,
    /// Those of the users with the account's email that must not get the account back: the users
    /// that released it or had it before the release, the holders of such users, and the users that
    /// unlinks made from any of these.
    pub released_by: Vec<UserId>,
}

/// The outcome of a sign-in, and its reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The outcome.
    pub outcome: SignInOutcome,
    /// The row of the table that fitted.
    pub rule: SignInRule,
    /// The emails on which the decision rests: the account's own first.
    pub evidence: Vec<Evidence>,
}

/// The outcome of a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub enum SignInOutcome {
    /// The account belongs to this user.
    SignedIn(UserId),
    /// The account becomes a new user.
    Created,
    /// The account is attached to this user.
    Linked(UserId),
    /// The account may belong to one of these users, and the person must choose.
    Candidates(Vec<Candidate>),
    /// The account would become a new user, if the caller wants one.
    RegistrationNeeded,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInRule {
    /// Signed in: the account belongs to a user.
    IdentityKnown,
    /// Created: the provider sent no email.
    EmailMissing,
    /// Created: the email is not verified, or not by a provider that is trusted with it.
    EmailUnverified,
    /// Created: the part before the `@` is not ASCII, which is easily confused with other
    /// addresses.
    EmailNotAscii,
    /// Created: one of the two sides must not be linked by email.
    LinkingOff,
    /// Created: no user has the email.
    EmailUnclaimed,
    /// Created: other users have the email, but unverified, or verified by a provider that is not
    /// trusted with it.
    EmailUnverifiedOnOtherUsers,
    /// Created: the response listed candidates, and the caller chose a new user.
    NewUserChosen,
    /// Linked: one user has the email, verified on both sides.
    EmailVerifiedOnBothSides,
    /// Candidates: the one user already has another account of this provider.
    ProviderAlreadyLinked,
    /// Candidates: the account had a user that was deleted, and may have been separated from the
    /// one user.
    DeletedBefore,
    /// Candidates: the one user proved the email so long ago that it may be another person's now.
    EmailVerifiedLongAgo,
    /// Candidates: the account with which the one user proved the email had another address when it
    /// was added.
    EmailChanged,
    /// Candidates: the one user has an account from before the email was proven that has not proven
    /// it.
    AccountOlderThanEmail,
    /// Created: only users that released the account have proven the email.
    ReleasedBefore,
    /// Candidates: several users have the email.
    SeveralUsers,
    /// Candidates: the policy leaves the decision to the person.
    LinkingSuggested,
    /// Candidates: users have proven another address that the account's provider verified.
    OtherEmailVerified,
}

impl SignInOutcome {
    /// The outcome as text, for the metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SignedIn(_) => "signed_in",
            Self::Created => "created",
            Self::Linked(_) => "linked",
            Self::Candidates(_) => "candidates",
            Self::RegistrationNeeded => "registration_needed",
        }
    }
}

impl SignInRule {
    /// Whether sign-ins are linked by this row, without being asked.
    pub fn links(self) -> bool {
        matches!(self, Self::EmailVerifiedOnBothSides)
    }

    /// The row as text, for the metrics, and as links and events store it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdentityKnown => "identity_known",
            Self::EmailMissing => "email_missing",
            Self::EmailUnverified => "email_unverified",
            Self::EmailNotAscii => "email_not_ascii",
            Self::LinkingOff => "linking_off",
            Self::EmailUnclaimed => "email_unclaimed",
            Self::EmailUnverifiedOnOtherUsers => "email_unverified_on_other_users",
            Self::NewUserChosen => "new_user_chosen",
            Self::EmailVerifiedOnBothSides => "email_verified_on_both_sides",
            Self::ProviderAlreadyLinked => "provider_already_linked",
            Self::DeletedBefore => "deleted_before",
            Self::EmailVerifiedLongAgo => "email_verified_long_ago",
            Self::EmailChanged => "email_changed",
            Self::AccountOlderThanEmail => "account_older_than_email",
            Self::ReleasedBefore => "released_before",
            Self::SeveralUsers => "several_users",
            Self::LinkingSuggested => "linking_suggested",
            Self::OtherEmailVerified => "other_email_verified",
        }
    }
}

/// An email on which a decision rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The account that has it.
    pub identity: IdentityRef,
    /// The user that owns the account.
    pub owner: Option<UserId>,
    /// The email, canonical.
    pub email: String,
    /// When and by which verifier the email was verified; `None` if it is not.
    pub verified: Option<EmailVerification>,
    /// Whether the verification counts by today's configuration.
    pub counts: bool,
}

impl SignInFacts<'_> {
    /// Decides by the first row that fits.
    ///
    /// # Errors
    /// [`DomainError::ProviderUnknown`], [`DomainError::ProviderDisabled`],
    /// [`DomainError::UserBlocked`], [`DomainError::EmailMissing`] and
    /// [`DomainError::EmailUnverified`].
    pub fn decide(&self) -> Result<Decision, DomainError> {
        let decision = self.decide_by_account()?;
        match decision.outcome {
            SignInOutcome::Created => self.decide_by_other_emails(decision),
            _ => Ok(decision),
        }
    }

    /// The rows above those of the account's other emails.
    fn decide_by_account(&self) -> Result<Decision, DomainError> {
        let policy = self.policy;
        policy.expect_sign_in()?;
        if let Some(owner) = self.owner {
            if owner.blocked {
                return Err(DomainError::UserBlocked);
            }
            let outcome = SignInOutcome::SignedIn(owner.id.clone());
            return Ok(Decision { outcome, rule: SignInRule::IdentityKnown, evidence: Vec::new() });
        }
        let Some((email, canonical)) = address(self.account.email.as_ref()) else {
            let is_refused = policy.required_email != RequiredEmail::None;
            return if is_refused {
                Err(DomainError::EmailMissing)
            } else {
                Ok(created(SignInRule::EmailMissing, Vec::new()))
            };
        };
        let own = Evidence {
            identity: self.account.id.clone(),
            owner: None,
            email: canonical.to_owned(),
            verified: email.verified.clone(),
            counts: email.is_verified(),
        };
        if !own.counts {
            let is_refused = policy.required_email == RequiredEmail::Verified;
            let created = created(SignInRule::EmailUnverified, vec![own]);
            return if is_refused { Err(DomainError::EmailUnverified) } else { Ok(created) };
        }
        if !canonical.is_ascii() {
            return Ok(created(SignInRule::EmailNotAscii, vec![own]));
        }
        match linking_email(self.account) {
            Some(canonical) => self.decide_by_email(policy.linking, canonical, own),
            None => Ok(created(SignInRule::LinkingOff, vec![own])),
        }
    }

    /// Decides on an account without an owner whose email is proven.
    fn decide_by_email(
        &self,
        linking: LinkingPolicy,
        canonical: &str,
        own: Evidence,
    ) -> Result<Decision, DomainError> {
        let holders = self.holders.iter().filter(|user| user.absorbed.is_none());
        let holders: Vec<&User> =
            holders.filter(|user| identities_with(user, canonical).next().is_some()).collect();
        let evidence = holders.iter().flat_map(|user| Self::evidence_of(user, canonical));
        let evidence: Vec<Evidence> =
            [own].into_iter().chain(evidence.take(MAX_EVIDENCE)).collect();

        let matches = holders.iter().filter_map(|user| EmailMatch::of(user, canonical));
        let (released, matches): (Vec<EmailMatch<'_>>, Vec<EmailMatch<'_>>) =
            matches.partition(|found| self.history.released_by.contains(&found.user.id));
        if matches.is_empty() {
            let rule = match (holders.is_empty(), released.is_empty()) {
                (true, _) => SignInRule::EmailUnclaimed,
                (false, true) => SignInRule::EmailUnverifiedOnOtherUsers,
                (false, false) => SignInRule::ReleasedBefore,
            };
            return Ok(created(rule, evidence));
        }
        let open: Vec<&EmailMatch<'_>> =
            matches.iter().filter(|found| found.linking != LinkingPolicy::Off).collect();
        let Some(first) = open.first() else {
            return Ok(created(SignInRule::LinkingOff, evidence));
        };
        // A user that must not be linked counts too: it makes the match no less ambiguous.
        let rule = match matches.len() {
            1 if self.has_another_account_here(first.user) => SignInRule::ProviderAlreadyLinked,
            1 if self.history.was_deleted => SignInRule::DeletedBefore,
            1 if first.has_only_changed_proofs() => SignInRule::EmailChanged,
            1 if first.is_joined_by_older_account() => SignInRule::AccountOlderThanEmail,
            1 if first.verify_time() < self.now - MAX_VERIFICATION_AGE => {
                SignInRule::EmailVerifiedLongAgo
            }
            1 if linking.min(first.linking) == LinkingPolicy::Automatic => {
                SignInRule::EmailVerifiedOnBothSides
            }
            1 => SignInRule::LinkingSuggested,
            _ => SignInRule::SeveralUsers,
        };
        // Otherwise a blocked user would only have to sign in at another provider.
        if open.iter().all(|found| found.user.blocked) {
            return Err(DomainError::UserBlocked);
        }
        let outcome = match rule.links() {
            true => SignInOutcome::Linked(first.user.id.clone()),
            false => SignInOutcome::Candidates(self.candidates(&open, canonical)),
        };
        Ok(Decision { outcome, rule, evidence })
    }

    fn has_another_account_here(&self, user: &User) -> bool {
        user.identities.iter().any(|identity| identity.id.provider == self.account.id.provider)
    }

    fn evidence_of<'u>(user: &'u User, canonical: &'u str) -> impl Iterator<Item = Evidence> + 'u {
        identities_with(user, canonical).map(|identity| Evidence {
            identity: identity.id.clone(),
            owner: Some(user.id.clone()),
            email: canonical.to_owned(),
            verified: identity.email.as_ref().and_then(|email| email.verified.clone()),
            counts: identity.verify_time_of(canonical).is_some(),
        })
    }

    fn candidates(&self, matches: &[&EmailMatch<'_>], canonical: &str) -> Vec<Candidate> {
        let matches = matches.iter().filter(|found| !found.user.blocked);
        let candidates = matches.map(|found| Candidate {
            user: found.user.id.clone(),
            shared_emails: BTreeSet::from([canonical.to_owned()]),
            providers: found.proofs.iter().map(|identity| identity.id.provider.clone()).collect(),
            verify_time: found.verify_time(),
            was_linked_before: false,
            others: found.others(),
        });
        candidates::ranked(candidates.collect())
    }
}

/// Applies the tenant's registration setting to a decision.
///
/// # Errors
/// [`DomainError::RegistrationClosed`].
pub fn apply_registration(
    decision: Decision,
    registration: Registration,
) -> Result<Decision, DomainError> {
    match (&decision.outcome, registration) {
        (SignInOutcome::Created, Registration::Closed) => Err(DomainError::RegistrationClosed),
        (SignInOutcome::Created, Registration::Ask) => {
            Ok(Decision { outcome: SignInOutcome::RegistrationNeeded, ..decision })
        }
        _ => Ok(decision),
    }
}

/// The canonical email by which the decision looks for other users of an account without an owner;
/// `None` if it looks for none. The account must have been [`judged`].
pub fn linking_email(account: &UnownedIdentity) -> Option<&str> {
    linkable(account.email.as_ref()?)
}

/// The canonical form of an email, if users may be linked or suggested by it.
fn linkable(email: &IdentityEmail) -> Option<&str> {
    let canonical = email.canonical.as_deref()?;
    let links = email.counts.is_some_and(|linking| linking != LinkingPolicy::Off);
    (links && canonical.is_ascii()).then_some(canonical)
}

/// The account with its email judged by today's policy.
pub fn judged(mut account: UnownedIdentity, policy: &ProviderPolicy) -> UnownedIdentity {
    for email in account.email.iter_mut().chain(&mut account.other_emails) {
        email.judge(policy, &account.profile_data);
    }
    account
}

fn created(rule: SignInRule, evidence: Vec<Evidence>) -> Decision {
    Decision { outcome: SignInOutcome::Created, rule, evidence }
}

/// An email that is a valid address, with its canonical form.
fn address(email: Option<&IdentityEmail>) -> Option<(&IdentityEmail, &str)> {
    let email = email?;
    Some((email, email.canonical.as_deref()?))
}

#[cfg(test)]
mod tests;

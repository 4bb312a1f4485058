//! Who is signing in? The one decision, the same for every entrance.
//!
//! Rows of a table, of which the first that fits decides (`docs/SIGN_IN.md`). Whatever is not known to be
//! proven counts as not proven: an email links only if providers that the operator trusts with it have
//! verified it on both sides.

mod refreshing;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Identity, IdentityEmail, IdentityRef, LinkingPolicy, ProviderPolicy, Refusal, Registration, RequiredEmail, User,
    UserId, Verified,
    candidates::{self, Candidate},
    linking::UnownedIdentity,
};

pub use self::refreshing::{proves_an_address, refreshed, vouched_for};

/// How fresh a sign-in must be for what cannot be taken back, whatever a tenant says.
pub const RECENT_SIGN_IN: TimeDelta = TimeDelta::minutes(10);
/// For how long a proven email links by itself: addresses change hands, and whoever proved one may have lost it
/// since.
pub const MAX_VERIFICATION_AGE: TimeDelta = TimeDelta::days(180);
/// Of so many accounts of others a decision tells at most.
const MAX_EVIDENCE: usize = 20;

/// What is known when somebody signs in.
pub struct Facts<'a> {
    /// The account.
    pub account: &'a UnownedIdentity,
    /// The user that owns it.
    pub owner: Option<&'a User>,
    /// Live users of whom an identity has the account's email, verified or not.
    pub holders: &'a [User],
    /// What stays of the users that this very account had before.
    pub past: &'a Past,
    /// When it is decided.
    pub now: DateTime<Utc>,
    /// What is decided about the account's provider. What is decided about others is noted at their emails.
    pub policy: &'a ProviderPolicy,
}

/// What stays of the users that an account had before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Whether the account was here before, and its user was deleted. Who that was, and from whom it was taken apart, is
    /// forgotten.
    pub was_deleted: bool,
    /// Of the users that have its email, those that released the account or had it before that, hold such a user, or
    /// were made from one by unlinks.
    pub released_by: Vec<UserId>,
}

/// What a sign-in comes to, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What it comes to.
    pub outcome: Outcome,
    /// Which row of the table fitted.
    pub rule: Rule,
    /// The emails that it rests on: the account's own first.
    pub evidence: Vec<Evidence>,
}

/// What a sign-in comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is this user.
    SignedIn(UserId),
    /// It is a new user.
    Created,
    /// It is this user, to whom the account is attached.
    Linked(UserId),
    /// It may be one of these: whoever it is has to say so.
    Candidates(Vec<Candidate>),
    /// It would be a new user, if the caller wants one.
    RegistrationNeeded,
}

/// Which row of the table fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Signed in: the account is known.
    IdentityKnown,
    /// Created: the provider tells no email.
    EmailMissing,
    /// Created: the email is not verified, or not by a provider that is trusted with it.
    EmailUnverified,
    /// Created: what is before the `@` is not ASCII, and looks like other addresses too easily.
    EmailNotAscii,
    /// Created: one of the two sides is not to be linked by email.
    LinkingOff,
    /// Created: nobody has the email.
    EmailUnclaimed,
    /// Created: others have the email, but unverified, or verified by a provider that is not trusted with it.
    EmailUnprovenElsewhere,
    /// Created: whoever signed in was told of candidates and wants to be a user of its own.
    OwnUserWanted,
    /// Linked: one user has the email, verified on both sides.
    EmailVerifiedOnBothSides,
    /// Candidates: the one user has another account of this provider.
    ProviderAlreadyThere,
    /// Candidates: the account was here before, and may have been taken apart from the one user.
    DeletedBefore,
    /// Candidates: when the one user proved the email is so long ago that it may be another person's by now.
    EmailVerifiedLongAgo,
    /// Candidates: the account by which the one user has the email had another address when it came to the user.
    EmailChanged,
    /// Candidates: the one user has an account that was there before the email was proven, and has not proven it.
    AccountBeforeEmail,
    /// Created: only users that released the account have proven the email.
    ReleasedBefore,
    /// Candidates: several users have the email.
    SeveralUsers,
    /// Candidates: it is for the person to decide.
    LinkingSuggested,
}

/// An email that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The account that has it.
    pub identity: IdentityRef,
    /// The user that owns the account.
    pub owner: Option<UserId>,
    /// The email, canonical.
    pub email: String,
    /// When and on whose word it was verified.
    pub verified: Option<Verified>,
    /// Whether that counts, by today's configuration.
    pub counts: bool,
}

impl Match<'_> {
    /// Whether each account that proves the email had another one before: that person may have had the owner of the
    /// address confirm it (Sudhodanan and Paverd 2022, "Pre-hijacked accounts", unexpired email change).
    fn has_only_changed_proofs(&self) -> bool {
        self.proofs.iter().all(|proof| proof.email_changed)
    }

    /// Whether the user has an account that was there before the email was first proven on it, and has not proven it, or
    /// had one then that has left since: it may be that of another person who waited for the owner of the address (the same paper, trojan identifier).
    fn is_joined_by_older_account(&self) -> bool {
        let first = self.unchanged_proofs().min_by_key(|proof| proof.proven_here_since());
        first.is_none_or(|first| {
            self.other_identities().any(|other| first.email_proven_among || other.came_before_proof(first))
        })
    }

    /// The proofs of accounts that had no other address here before.
    fn unchanged_proofs(&self) -> impl Iterator<Item = &Identity> {
        self.proofs.iter().copied().filter(|proof| !proof.email_changed)
    }

    /// The identities that are none of these.
    fn other_identities(&self) -> impl Iterator<Item = &Identity> {
        self.user.identities.iter().filter(|of| self.unchanged_proofs().all(|proof| proof.id != of.id))
    }

    /// The accounts that have not proven the email, or only since they changed to it, and since when they have been the user's.
    fn others(&self) -> Vec<(IdentityRef, DateTime<Utc>)> {
        self.other_identities().map(|other| (other.id.clone(), other.here_since())).collect()
    }

    /// When the last of the proofs was made.
    fn verify_time(&self) -> DateTime<Utc> {
        let times = self.proofs.iter().filter_map(|of| Some(of.email.as_ref()?.verified.as_ref()?.time));
        times.max().unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// A user who has the email, verified by providers that are trusted with it.
struct Match<'a> {
    user: &'a User,
    /// The accounts that have it.
    proofs: Vec<&'a Identity>,
    /// The most closed of what is decided about their providers.
    linking: LinkingPolicy,
}

impl Facts<'_> {
    /// Decides.
    ///
    /// # Errors
    /// [`Refusal::ProviderUnknown`], [`Refusal::ProviderDisabled`], [`Refusal::UserBlocked`],
    /// [`Refusal::EmailMissing`] and [`Refusal::EmailUnverified`].
    pub fn decide(&self) -> Result<Decision, Refusal> {
        let policy = self.policy;
        policy.expect_sign_in()?;
        if let Some(owner) = self.owner {
            if owner.blocked {
                return Err(Refusal::UserBlocked);
            }
            let outcome = Outcome::SignedIn(owner.id.clone());
            return Ok(Decision { outcome, rule: Rule::IdentityKnown, evidence: Vec::new() });
        }
        let Some((email, canonical)) = address(self.account.email.as_ref()) else {
            let is_refused = policy.required_email != RequiredEmail::None;
            return if is_refused { Err(Refusal::EmailMissing) } else { Ok(created(Rule::EmailMissing, Vec::new())) };
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
            let created = created(Rule::EmailUnverified, vec![own]);
            return if is_refused { Err(Refusal::EmailUnverified) } else { Ok(created) };
        }
        if !canonical.is_ascii() {
            return Ok(created(Rule::EmailNotAscii, vec![own]));
        }
        match telling_email(self.account) {
            Some(canonical) => self.decide_by_email(policy.linking, canonical, own),
            None => Ok(created(Rule::LinkingOff, vec![own])),
        }
    }

    /// Decides about an account that nobody owns, whose email is proven.
    fn decide_by_email(&self, linking: LinkingPolicy, canonical: &str, own: Evidence) -> Result<Decision, Refusal> {
        let holders = self.holders.iter().filter(|user| user.absorbed.is_none());
        let holders: Vec<&User> = holders.filter(|user| holdings(user, canonical).next().is_some()).collect();
        let evidence = holders.iter().flat_map(|user| Self::evidence_of(user, canonical));
        let evidence: Vec<Evidence> = [own].into_iter().chain(evidence.take(MAX_EVIDENCE)).collect();

        let matches = holders.iter().filter_map(|user| Self::matched(user, canonical));
        let (released, matches): (Vec<Match<'_>>, Vec<Match<'_>>) =
            matches.partition(|found| self.past.released_by.contains(&found.user.id));
        if matches.is_empty() {
            let rule = match (holders.is_empty(), released.is_empty()) {
                (true, _) => Rule::EmailUnclaimed,
                (false, true) => Rule::EmailUnprovenElsewhere,
                (false, false) => Rule::ReleasedBefore,
            };
            return Ok(created(rule, evidence));
        }
        let open: Vec<&Match<'_>> = matches.iter().filter(|found| found.linking != LinkingPolicy::Off).collect();
        let Some(first) = open.first() else { return Ok(created(Rule::LinkingOff, evidence)) };
        // Somebody who is not to be linked makes it no clearer who it is.
        let rule = match matches.len() {
            1 if self.has_another_account_here(first.user) => Rule::ProviderAlreadyThere,
            1 if self.past.was_deleted => Rule::DeletedBefore,
            1 if first.has_only_changed_proofs() => Rule::EmailChanged,
            1 if first.is_joined_by_older_account() => Rule::AccountBeforeEmail,
            1 if first.verify_time() < self.now - MAX_VERIFICATION_AGE => Rule::EmailVerifiedLongAgo,
            1 if linking.min(first.linking) == LinkingPolicy::Automatic => Rule::EmailVerifiedOnBothSides,
            1 => Rule::LinkingSuggested,
            _ => Rule::SeveralUsers,
        };
        // Else whoever is blocked would only have to sign in somewhere else.
        if open.iter().all(|found| found.user.blocked) {
            return Err(Refusal::UserBlocked);
        }
        let outcome = match rule {
            Rule::EmailVerifiedOnBothSides => Outcome::Linked(first.user.id.clone()),
            _ => Outcome::Candidates(self.candidates(&open, canonical)),
        };
        Ok(Decision { outcome, rule, evidence })
    }

    fn matched<'u>(user: &'u User, canonical: &'u str) -> Option<Match<'u>> {
        let linking = user.linking_by(canonical)?;
        let proofs = holdings(user, canonical).filter(|of| of.verify_time_of(canonical).is_some()).collect();
        Some(Match { user, proofs, linking })
    }

    fn has_another_account_here(&self, user: &User) -> bool {
        user.identities.iter().any(|identity| identity.id.provider == self.account.id.provider)
    }

    fn evidence_of<'u>(user: &'u User, canonical: &'u str) -> impl Iterator<Item = Evidence> + 'u {
        holdings(user, canonical).map(|identity| Evidence {
            identity: identity.id.clone(),
            owner: Some(user.id.clone()),
            email: canonical.to_owned(),
            verified: identity.email.as_ref().and_then(|email| email.verified.clone()),
            counts: identity.verify_time_of(canonical).is_some(),
        })
    }

    fn candidates(&self, matches: &[&Match<'_>], canonical: &str) -> Vec<Candidate> {
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

/// What becomes of a decision by what the tenant says of newcomers.
///
/// # Errors
/// [`Refusal::RegistrationClosed`].
pub fn admitted(decision: Decision, registration: Registration) -> Result<Decision, Refusal> {
    match (&decision.outcome, registration) {
        (Outcome::Created, Registration::Closed) => Err(Refusal::RegistrationClosed),
        (Outcome::Created, Registration::Ask) => Ok(Decision { outcome: Outcome::RegistrationNeeded, ..decision }),
        _ => Ok(decision),
    }
}

/// The canonical email by which the decision about an account that nobody owns has to look for others, if it
/// has to. The account has been [`judged`].
pub fn telling_email(account: &UnownedIdentity) -> Option<&str> {
    let (email, canonical) = address(account.email.as_ref())?;
    let links = email.counts.is_some_and(|linking| linking != LinkingPolicy::Off);
    (links && canonical.is_ascii()).then_some(canonical)
}

/// The account with what a policy, of today, makes of its provider's word on its email. The word itself is kept, if it is
/// about an address.
pub fn judged(mut account: UnownedIdentity, policy: &ProviderPolicy) -> UnownedIdentity {
    if let Some(email) = &mut account.email {
        email.verified = email.verified.take().filter(|_| email.canonical.is_some());
        policy.judge(email, &account.profile_data);
    }
    account
}

fn created(rule: Rule, evidence: Vec<Evidence>) -> Decision {
    Decision { outcome: Outcome::Created, rule, evidence }
}

/// An email that is an address, and its canonical form.
fn address(email: Option<&IdentityEmail>) -> Option<(&IdentityEmail, &str)> {
    let email = email?;
    Some((email, email.canonical.as_deref()?))
}

/// A user's accounts that have this email.
fn holdings<'a>(user: &'a User, canonical: &'a str) -> impl Iterator<Item = &'a Identity> {
    let has = move |identity: &&Identity| {
        identity.email.as_ref().and_then(|email| email.canonical.as_deref()) == Some(canonical)
    };
    user.identities.iter().filter(has)
}

#[cfg(test)]
mod tests;

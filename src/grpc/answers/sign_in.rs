//! The result of a sign-in as a message.

use chrono::{DateTime, Utc};

use super::{identity_ref, link, nameless, time, user};
use crate::{
    domain::{
        IdentityRef, Verifier,
        candidates::Candidate,
        sign_in::{Evidence, Outcome, Rule},
    },
    grpc::proto as pb,
    linking::SignInAnswer,
};

/// The decision, for the backend that sent the call, without the text of its ticket.
pub(in crate::grpc) fn decision(answer: SignInAnswer, validate_only: bool) -> pb::SignInDecision {
    use pb::sign_in_decision::Outcome as PbOutcome;
    let SignInAnswer { decision, account, user: who, link: made, ticket_expire_time } = answer;
    let joined = account.id.as_user_id();
    let (outcome, candidates) = match &decision.outcome {
        Outcome::SignedIn(_) => (PbOutcome::SignedIn, Vec::new()),
        Outcome::Created => (PbOutcome::Created, Vec::new()),
        Outcome::Linked(_) => (PbOutcome::Linked, Vec::new()),
        Outcome::Candidates(candidates) => (PbOutcome::Candidates, candidates.iter().map(candidate).collect()),
        Outcome::RegistrationNeeded => (PbOutcome::RegistrationNeeded, Vec::new()),
    };
    let is_to_come = |id| validate_only && outcome == PbOutcome::Created && joined != Some(id);
    pb::SignInDecision {
        outcome: outcome.into(),
        user: who.map(|who| if is_to_come(who.id.clone()) { nameless(&who) } else { user(&who) }),
        identity: Some(identity_ref(&account.id)),
        rule: rule(decision.rule).into(),
        evidence: decision.evidence.iter().map(evidence).collect(),
        candidates,
        // The ticket's text is set in the response only; this message is stored for retries without it.
        ticket: String::new(),
        ticket_expire_time: ticket_expire_time.map(time),
        link: made.map(|made| link(&made, validate_only)),
    }
}

fn rule(rule: Rule) -> pb::SignInRule {
    match rule {
        Rule::IdentityKnown => pb::SignInRule::IdentityKnown,
        Rule::EmailMissing => pb::SignInRule::EmailMissing,
        Rule::EmailUnverified => pb::SignInRule::EmailUnverified,
        Rule::EmailNotAscii => pb::SignInRule::EmailNotAscii,
        Rule::LinkingOff => pb::SignInRule::LinkingOff,
        Rule::EmailUnclaimed => pb::SignInRule::EmailUnclaimed,
        Rule::EmailUnprovenElsewhere => pb::SignInRule::EmailUnprovenElsewhere,
        Rule::ProviderAlreadyThere => pb::SignInRule::ProviderAlreadyThere,
        Rule::DeletedBefore => pb::SignInRule::DeletedBefore,
        Rule::EmailVerifiedLongAgo => pb::SignInRule::EmailVerifiedLongAgo,
        Rule::EmailVerifiedOnBothSides => pb::SignInRule::EmailVerifiedOnBothSides,
        Rule::LinkingSuggested => pb::SignInRule::LinkingSuggested,
        Rule::EmailChanged => pb::SignInRule::EmailChanged,
        Rule::AccountBeforeEmail => pb::SignInRule::AccountBeforeEmail,
        Rule::ReleasedBefore => pb::SignInRule::ReleasedBefore,
        Rule::SeveralUsers => pb::SignInRule::SeveralUsers,
        Rule::OwnUserWanted => pb::SignInRule::OwnUserWanted,
    }
}

fn evidence(evidence: &Evidence) -> pb::EmailEvidence {
    let verified = evidence.verified.as_ref();
    let (verifier_issuer, verifier_subject) = match verified.map(|verified| &verified.by) {
        None => Default::default(),
        Some(Verifier::Issuer(issuer)) => (issuer.clone(), String::new()),
        Some(Verifier::Service { issuer, subject }) => (issuer.clone(), subject.clone()),
    };
    pb::EmailEvidence {
        identity: Some(identity_ref(&evidence.identity)),
        user_id: evidence.owner.as_ref().map(ToString::to_string).unwrap_or_default(),
        email: evidence.email.clone(),
        counts: evidence.counts,
        verify_time: verified.map(|verified| time(verified.time)),
        verifier_issuer,
        verifier_subject,
    }
}

/// An account that a link with a candidate would bring along.
pub(in crate::grpc) fn other_account((identity, since): &(IdentityRef, DateTime<Utc>)) -> pb::OtherAccount {
    pb::OtherAccount { identity: Some(identity_ref(identity)), since: Some(time(*since)) }
}

fn candidate(candidate: &Candidate) -> pb::SignInCandidate {
    pb::SignInCandidate {
        user_id: candidate.user.to_string(),
        providers: candidate.providers.iter().map(ToString::to_string).collect(),
        verify_time: Some(time(candidate.verify_time)),
        other_accounts: candidate.others.iter().map(other_account).collect(),
    }
}

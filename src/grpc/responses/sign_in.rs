//! The result of a sign-in as a message.

use chrono::{DateTime, Utc};

use super::{identity_ref, link, time, user, verifier, without_id};
use crate::{
    domain::{
        IdentityRef,
        candidates::Candidate,
        sign_in::{Evidence, SignInOutcome, SignInRule},
    },
    grpc::proto as pb,
    use_cases::SignInResult,
};

/// The decision, for the backend that sent the call, without the text of its ticket.
pub(in crate::grpc) fn decision(result: SignInResult, validate_only: bool) -> pb::SignInDecision {
    use pb::sign_in_decision::Outcome as PbOutcome;
    let SignInResult { decision, account, user: signed_in, link: made, ticket_expire_time } =
        result;
    let joined = account.id.as_user_id();
    let (outcome, candidates) = match &decision.outcome {
        SignInOutcome::SignedIn(_) => (PbOutcome::SignedIn, Vec::new()),
        SignInOutcome::Created => (PbOutcome::Created, Vec::new()),
        SignInOutcome::Linked(_) => (PbOutcome::Linked, Vec::new()),
        SignInOutcome::Candidates(candidates) => {
            (PbOutcome::Candidates, candidates.iter().map(candidate).collect())
        }
        SignInOutcome::RegistrationNeeded => (PbOutcome::RegistrationNeeded, Vec::new()),
    };
    let is_to_come = |id| validate_only && outcome == PbOutcome::Created && joined != Some(id);
    pb::SignInDecision {
        outcome: outcome.into(),
        user: signed_in.map(|signed_in| {
            if is_to_come(signed_in.id.clone()) { without_id(&signed_in) } else { user(&signed_in) }
        }),
        identity: Some(identity_ref(&account.id)),
        rule: rule(decision.rule).into(),
        evidence: decision.evidence.iter().map(evidence).collect(),
        candidates,
        // The ticket's text is set in the response only; this message is stored for retries without
        // it.
        ticket: String::new(),
        ticket_expire_time: ticket_expire_time.map(time),
        link: made.map(|made| link(&made, validate_only)),
    }
}

pub(super) fn rule(rule: SignInRule) -> pb::SignInRule {
    match rule {
        SignInRule::IdentityKnown => pb::SignInRule::IdentityKnown,
        SignInRule::EmailMissing => pb::SignInRule::EmailMissing,
        SignInRule::EmailUnverified => pb::SignInRule::EmailUnverified,
        SignInRule::EmailNotAscii => pb::SignInRule::EmailNotAscii,
        SignInRule::LinkingOff => pb::SignInRule::LinkingOff,
        SignInRule::EmailUnclaimed => pb::SignInRule::EmailUnclaimed,
        SignInRule::EmailUnverifiedOnOtherUsers => pb::SignInRule::EmailUnverifiedOnOtherUsers,
        SignInRule::ProviderAlreadyLinked => pb::SignInRule::ProviderAlreadyLinked,
        SignInRule::DeletedBefore => pb::SignInRule::DeletedBefore,
        SignInRule::EmailVerifiedLongAgo => pb::SignInRule::EmailVerifiedLongAgo,
        SignInRule::EmailVerifiedOnBothSides => pb::SignInRule::EmailVerifiedOnBothSides,
        SignInRule::LinkingSuggested => pb::SignInRule::LinkingSuggested,
        SignInRule::OtherEmailVerified => pb::SignInRule::OtherEmailVerified,
        SignInRule::EmailChanged => pb::SignInRule::EmailChanged,
        SignInRule::AccountOlderThanEmail => pb::SignInRule::AccountOlderThanEmail,
        SignInRule::ReleasedBefore => pb::SignInRule::ReleasedBefore,
        SignInRule::SeveralUsers => pb::SignInRule::SeveralUsers,
        SignInRule::NewUserChosen => pb::SignInRule::NewUserChosen,
    }
}

fn evidence(evidence: &Evidence) -> pb::EmailEvidence {
    let verified = evidence.verified.as_ref();
    let (verifier_issuer, verifier_subject) = verifier(verified.map(|verified| &verified.by));
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
pub(in crate::grpc) fn other_account(
    (identity, since): &(IdentityRef, DateTime<Utc>),
) -> pb::OtherAccount {
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

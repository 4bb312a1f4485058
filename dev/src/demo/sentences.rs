//! What the demo says instead of the names of reasons and rules, in sentences for the person.

use identity_link_proto::v1::{
    LinkProof, Reason, SignInRule, link_proof::Proof, sign_in_decision::Outcome,
};
use tonic::Status;
use tonic_types::StatusExt as _;

/// A path without a page.
pub(super) const NO_PAGE: &str = "There is no such page here. Go back to the start.";
/// An authorization request of another client than the service.
pub(super) const NOT_OURS: &str = "This sign-in was not started by this demo, so it does not go on. Start it \
    from the login page.";
/// A fault of the demo itself.
pub(super) const FAULT: &str =
    "The demo failed, and the terminal in which it runs says why. Start it again.";
/// A request for a host at which the demo does not answer.
pub(super) const OTHER_HOST: &str = "This demo is not served at this address. Open the one that its terminal shows. \
    If you forward a port to it, start it with --demo-url and the address that your browser shows.";
/// A form that another site's page sends.
pub(super) const OTHER_SITE: &str = "This form was not sent by a page of this demo, so nothing was done. Open \
    the page here, and repeat it.";
/// A form or a query that cannot be read.
pub(super) const WRONG_FORM: &str =
    "This form or address is not as this demo writes it, so nothing was done. Begin again.";

const SIGN_IN_AGAIN: &str =
    "This needs a sign-in of the last minutes. Sign out, sign in again, and repeat it.";
const BEGIN_AGAIN: &str =
    "This sign-in has ended, or began in another browser. Nothing was changed. Begin again.";
const CHANGED: &str =
    "Your accounts have changed meanwhile, so nothing was done. Look at them, and begin again.";
const LATER: &str =
    "The service has no room right now, so nothing was done. Try again in a moment.";
const UNSURE: &str = "The connection was lost, so it may or may not be done. Look at your settings before you \
    repeat it.";
const METADATA: &str =
    "The metadata of the two users does not fit together, so nothing was done. Keep the two apart.";
const NOT_FOR_PEOPLE: &str = "The demo asked the service for something that it refuses, so nothing was done. \
    Please report it.";

/// The sentence for the reason of a refusal.
pub(super) fn refused(status: &Status) -> &'static str {
    let info = status.get_details_error_info();
    let named = info.and_then(|info| Reason::from_str_name(&format!("REASON_{}", info.reason)));
    named.map_or("The service does not answer. Look at your settings before you repeat it.", reason)
}

/// The sentence for a reason: what it means here, and what the person can do.
fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::ReauthenticationRequired | Reason::TokenInvalid => SIGN_IN_AGAIN,
        Reason::LinkTicketInvalid => {
            "The account that waited cannot be joined to this user: it waited too long, or is not offered to \
            it. Begin again."
        }
        Reason::LinkTokenInvalid | Reason::RequestInvalid | Reason::SignInInvalid => BEGIN_AGAIN,
        Reason::ConflictRetry
        | Reason::IdentityNotFound
        | Reason::IdentityTaken
        | Reason::LinkNotFound
        | Reason::NotYourUser
        | Reason::UserAbsorbed
        | Reason::VersionMismatch => CHANGED,
        Reason::LinkNotUndoable => {
            "This can no longer be undone, because what it joined has left since. Nothing was changed."
        }
        Reason::SameUser => "These are one user already. There is nothing to do.",
        Reason::UserNotFound => {
            "This user was deleted meanwhile. Sign in again to become a new one."
        }
        Reason::UserBlocked => {
            "This user is blocked and cannot sign in. Sign in as another person, or unblock it."
        }
        Reason::LastIdentity => {
            "This is the only account with which you can sign in, so it stays. Add another one first."
        }
        Reason::PrimaryIdentity => {
            "This is your primary account, so it stays. Make another one primary first."
        }
        Reason::TooManyIdentities => {
            "A user can have 100 accounts, and you have them. Unlink one first."
        }
        Reason::EmailNotShared => "The two users share no verified email, so they stay apart.",
        Reason::EmailMissing => {
            "This account has no email, and new users need one. Choose another."
        }
        Reason::EmailUnverified => {
            "The email of this account is not verified, and new users need one that is. Choose another."
        }
        Reason::RegistrationClosed => {
            "There are no new users here. Sign in with an account that you used before."
        }
        Reason::ProviderDisabled => {
            "This provider signs no user in. Sign in with another one, then add this one in your settings."
        }
        Reason::ProviderUnknown => {
            "There is no such provider here. Choose one from the login page."
        }
        Reason::ProviderRejected => {
            "The provider did not sign you in. Begin again, or choose another one."
        }
        Reason::ProviderUnavailable => {
            "The provider does not answer. Try again later, or choose another one."
        }
        Reason::MetadataConflict | Reason::MetadataTooLarge => METADATA,
        Reason::RateLimited | Reason::Overloaded | Reason::ServerStopping => LATER,
        Reason::StoreUnavailable | Reason::KeysUnavailable => {
            "The service cannot reach its database or its keys. Nothing was changed. Try again in a moment."
        }
        Reason::CommitUnknown | Reason::Deadline => UNSURE,
        Reason::Internal => {
            "The service failed, and the terminal in which it runs says why. Start the demo again."
        }
        Reason::Unspecified
        | Reason::TokenMissing
        | Reason::ScopeInsufficient
        | Reason::UserExists
        | Reason::AbsorbedUsersExist
        | Reason::RequestIdReused
        | Reason::PositionInvalid
        | Reason::PositionExpired
        | Reason::WatchExpired
        | Reason::RpcUnknown
        | Reason::EncodingUnsupported
        | Reason::MessageTooLarge
        | Reason::OperationNotFound
        | Reason::OperationUnfinished
        | Reason::OperationCancelled
        | Reason::PlanIncomplete
        | Reason::TooManyOperations
        | Reason::ProviderTokenGone
        | Reason::ProviderScopesMissing
        | Reason::ProviderEventsOff
        | Reason::EventTokenInvalid => NOT_FOR_PEOPLE,
    }
}

/// What a sign-in did; `None` for an outcome that signs no user in.
pub(super) fn outcome(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::SignedIn => Some("You are signed in."),
        Outcome::Created => Some("You are a new user."),
        Outcome::Linked => Some("You are signed in, and this account is now one of yours."),
        // Only `registration = "ask"` needs a registration, and the demo's tenant does not set it.
        Outcome::Unspecified | Outcome::Candidates | Outcome::RegistrationNeeded => None,
    }
}

/// Why a sign-in had its outcome.
pub(super) fn rule(rule: SignInRule) -> &'static str {
    match rule {
        SignInRule::Unspecified => "The service did not say why.",
        SignInRule::IdentityKnown => "This account was yours before.",
        SignInRule::EmailMissing => "This account has no email by which it could belong to a user.",
        SignInRule::EmailUnverified => {
            "The email of this account counts for nothing, because no trusted provider has verified it."
        }
        SignInRule::EmailNotAscii => {
            "The email of this account looks too much like others, so it does not count."
        }
        SignInRule::LinkingOff => "Accounts of this provider are not joined by their email.",
        SignInRule::EmailUnclaimed => "No other user has the email of this account.",
        SignInRule::EmailUnverifiedOnOtherUsers => {
            "Other users claim this email, but none of them has proven it."
        }
        SignInRule::ProviderAlreadyLinked => {
            "A user with this email has another account of the same provider already."
        }
        SignInRule::DeletedBefore => {
            "A user with this email exists, and this account was deleted once before."
        }
        SignInRule::EmailVerifiedOnBothSides => {
            "A user has proven the same email with another trusted provider. You can undo this in your settings."
        }
        SignInRule::LinkingSuggested => {
            "A user has proven the same email, and this provider asks before it joins."
        }
        SignInRule::SeveralUsers => "Several users have proven this email, so only you can decide.",
        SignInRule::NewUserChosen => "You chose to keep the two apart.",
        SignInRule::EmailVerifiedLongAgo => {
            "A user has proven this email, but more than 180 days ago."
        }
        SignInRule::EmailChanged => {
            "A user has this email by an account that had another one before."
        }
        SignInRule::AccountOlderThanEmail => {
            "A user has proven this email, and has an older account that has not proven it."
        }
        SignInRule::ReleasedBefore => {
            "The user with this email gave this account up, so the two are not joined by an email."
        }
        SignInRule::OtherEmailVerified => "A user has proven another email of this account.",
    }
}

/// Why an account is the user's, or a user part of it: what proved the link.
pub(super) fn proof(proof: Option<&LinkProof>) -> &'static str {
    match proof.and_then(|proof| proof.proof.as_ref()) {
        Some(Proof::Token(_)) => "You proved both by a sign-in token.",
        Some(Proof::Service(_)) => "A service of this site said that they are one person.",
        Some(Proof::Ticket(_)) => "You signed in with it, and said that it is yours.",
        Some(Proof::VerifiedEmail(_)) => "Both providers had verified the same email.",
        Some(Proof::SignIn(_)) => "You signed in with it to add it, and confirmed.",
        Some(Proof::Plan(_)) => "The operator of this site joined duplicates by a plan.",
        None => "The service does not say why.",
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    /// The value of an enum by each number that the protos may use.
    fn all<T: TryFrom<i32>>() -> Vec<T> {
        (0..1000).filter_map(|number| T::try_from(number).ok()).collect()
    }

    /// It begins as a sentence does, ends as one, and has no name of the protos in it.
    fn is_sentence(text: &str) -> bool {
        let is_name = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase());
        text.starts_with(char::is_uppercase)
            && text.ends_with('.')
            && !text.contains('_')
            && !text.split(|c: char| !c.is_alphanumeric()).any(is_name)
    }

    #[test]
    fn each_reason_has_a_sentence() {
        let reasons = all::<Reason>();
        assert!(reasons.len() > 50, "{reasons:?}");
        for each in reasons {
            let name = each.as_str_name().trim_start_matches("REASON_");
            let details = ErrorDetails::with_error_info(name, "identity-link", []);
            let status = Status::with_error_details(Code::Unknown, "REASON_OF_PROGRAMS", details);
            assert_eq!(refused(&status), reason(each), "{name}");
            assert!(is_sentence(refused(&status)), "{name}: {}", refused(&status));
        }
        assert!(is_sentence(refused(&Status::unavailable("tcp connect error"))));
    }

    #[test]
    fn each_rule_and_each_outcome_has_a_sentence() {
        let rules = all::<SignInRule>();
        assert!(rules.len() > 15, "{rules:?}");
        for each in rules {
            assert!(is_sentence(rule(each)), "{each:?}: {}", rule(each));
        }
        for said in all::<Outcome>().into_iter().filter_map(outcome) {
            assert!(is_sentence(said), "{said}");
        }
        assert!(!is_sentence("OUTCOME_LINKED") && !is_sentence("It is LINKED."));
    }
}

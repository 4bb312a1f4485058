//! What a person reads instead of a refusal's reason.

use identity_link_client::Reason;

pub(crate) const BEGIN_AGAIN: &str =
    "This sign-in has ended, or began in another browser. Begin again.";
pub(crate) const SIGN_IN_AGAIN: &str =
    "Sign in again first: this needs a sign-in of the last minutes.";
pub(crate) const CHANGED: &str =
    "Your accounts have changed meanwhile. Look at them, and begin again.";
pub(crate) const UNAVAILABLE: &str = "Signing in does not work at the moment. Try again later.";
pub(crate) const OTHER_SITE: &str = "That form was not sent from a page of this site.";
pub(crate) const TOO_LONG: &str = "That form is too long.";
pub(crate) const NO_PAGE: &str = "There is no such page.";
const NOT_HERE: &str = "There is no sign-in with that provider. Choose another one.";

/// The sentence for a reason; `None` if no person can do anything about it.
pub(crate) fn sentence(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::ConflictRetry
        | Reason::IdentityNotFound
        | Reason::IdentityTaken
        | Reason::UserAbsorbed
        | Reason::VersionMismatch => CHANGED,
        Reason::LinkTicketInvalid | Reason::RequestInvalid | Reason::SignInInvalid => BEGIN_AGAIN,
        Reason::ProviderDisabled | Reason::ProviderUnknown => NOT_HERE,
        Reason::EmailMissing => "That account has no email. Choose one that has.",
        Reason::EmailUnverified => {
            "The email of that account is not verified. Verify it there, and begin again."
        }
        Reason::LastIdentity => {
            "This is the only account with which you can sign in. Link another one first."
        }
        Reason::PrimaryIdentity => {
            "This is the account with which you began, so it stays. Unlink another one."
        }
        Reason::ProviderRejected => {
            "The provider did not sign you in. Begin again, or choose another one."
        }
        Reason::ProviderUnavailable => {
            "The provider does not answer. Try again later, or choose another one."
        }
        Reason::RegistrationClosed => {
            "There are no new users here. Sign in with an account that you used before."
        }
        Reason::TooManyIdentities => {
            "You have too many accounts to link one more. Unlink one first."
        }
        Reason::UserBlocked => "This user is blocked. Write to the support.",
        _ => return None,
    })
}

//! Why a call failed, in words.

use std::fmt::Write as _;

use identity_link_client::{Error, Failure as ClientFailure, Reason};

use super::{super::Failure, shown::plain};

/// The failure of a command whose call failed: the reason, what is wrong on a line each, and what a
/// person can do about it.
pub(super) fn refused(error: Error) -> Failure {
    let text = match error {
        Error::Call(failure) => of_call(&failure),
        error => error.to_string(),
    };
    Failure { text: plain_lines(&text), code: 1 }
}

fn of_call(failure: &ClientFailure) -> String {
    let mut text = failure.to_string();
    let violations = match failure.violations() {
        // The sentence has it already.
        [only] if failure.message().ends_with(&only.description) => &[],
        violations => violations,
    };
    for wrong in violations {
        let _ = match wrong.field.is_empty() {
            true => write!(text, "\n  {}", wrong.description),
            false => write!(text, "\n  {}: {}", wrong.field, wrong.description),
        };
    }
    for wrong in failure.preconditions() {
        let _ = match wrong.subject.is_empty() {
            true => write!(text, "\n  {}", wrong.description),
            false => write!(text, "\n  {}: {}", wrong.subject, wrong.description),
        };
    }
    let advice = match failure.reason() {
        Some(Reason::TokenInvalid) => {
            "--token-file or --token-command must give a token of a service that the server trusts"
        }
        Some(Reason::UserAbsorbed) => "`identity-link resolve` says which user holds it now",
        Some(Reason::VersionMismatch) => {
            "the user has changed since the preview: run the command again, and look at the new one"
        }
        Some(Reason::PositionExpired | Reason::PositionInvalid) => {
            "begin again without --from, or with --from-oldest"
        }
        None if failure.reason_name().is_empty() => {
            "no server answered: check --server, and --ca if its certificate is of an authority of your own"
        }
        _ => return text,
    };
    text.push('\n');
    text.push_str(advice);
    text
}

/// The same lines, each as a terminal may show it.
fn plain_lines(text: &str) -> String {
    Vec::from_iter(text.lines().map(plain)).join("\n")
}

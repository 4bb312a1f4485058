//! Refusals as text that a test can compare.

use std::fmt::Debug;

use tonic::Status;
use tonic_types::StatusExt as _;

/// `Code REASON`, and a line per violation: `field: description` for a bad request, the subject for
/// a precondition.
pub fn refusal<T: Debug>(outcome: Result<T, Status>) -> String {
    let status = outcome.expect_err("the call should have been refused");
    let details = status.get_error_details();
    let reason = details.error_info().map_or("-", |info| {
        assert_eq!(info.domain, "identity-link");
        info.reason.as_str()
    });
    let mut text = format!("{:?} {reason}", status.code());
    for violation in details.bad_request().iter().flat_map(|bad| &bad.field_violations) {
        text.push_str(&format!("\n{}: {}", violation.field, violation.description));
    }
    for violation in details.precondition_failure().iter().flat_map(|failure| &failure.violations) {
        text.push_str(&format!("\n{}", violation.subject));
    }
    text
}

//! Maps each error to its status: code, stable reason, details, and a sentence that says what to
//! do. A client never sees SQL, file paths, or another user's id.

use std::{collections::HashMap, time::Duration};

use http::Response;
use tonic::{Code, Status, body::Body};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::proto::Reason;
use crate::{
    auth::AuthError,
    calls::telemetry::CallOutcome,
    domain::{DomainError, Violation, metadata::printable_path},
    store::StoreError,
    use_cases::Error,
};

/// `ErrorInfo.domain` of each refusal.
pub const DOMAIN: &str = "identity-link";
/// How long a client should wait before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The most bytes of paths and descriptions in one refusal. It travels in headers in base64, and
/// many clients accept 8 KiB of headers: a longer refusal would not arrive at all.
const MAX_DETAILS: usize = 4 * 1024;
/// The overhead of an entry, in bytes.
const ENTRY: usize = 24;
/// The last entry of a list that did not fit.
const MORE: &str = "there are more: correct these first";

/// The stable reason as it goes over the wire.
pub fn reason_name(reason: Reason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix("REASON_").unwrap_or(name)
}

/// The status of an error. Internal faults are logged here, once.
pub fn from_error(error: Error) -> Status {
    match error {
        Error::Auth(denial) => from_auth_error(denial),
        Error::Domain(refusal) => from_domain_error(refusal),
        Error::Store(error) => from_store_error(error),
        Error::Fault(text) => internal(&text),
        Error::Panicked => fault(),
        Error::Stale | Error::Retried(_) => internal("a write ended without a result"),
    }
}

/// The status of a caller that is refused.
pub fn from_auth_error(denial: AuthError) -> Status {
    match denial {
        AuthError::TokenMissing => plain(
            Code::Unauthenticated,
            Reason::TokenMissing,
            "this call needs a bearer token: send one in the authorization metadata as \"Bearer <token>\"",
        ),
        AuthError::TokenInvalid(cause) => {
            tracing::debug!(cause, "a token was not accepted");
            plain(
                Code::Unauthenticated,
                Reason::TokenInvalid,
                "the bearer token was not accepted: get a new one from a trusted issuer",
            )
        }
        AuthError::ScopeInsufficient(text) => {
            plain(Code::PermissionDenied, Reason::ScopeInsufficient, &text)
        }
        AuthError::NotYourUser => plain(
            Code::PermissionDenied,
            Reason::NotYourUser,
            "a user token acts on its own user only: leave user_id empty",
        ),
        AuthError::ReauthenticationRequired => plain(
            Code::PermissionDenied,
            Reason::ReauthenticationRequired,
            "the sign-in behind this token is too old for this call: let the person sign in again",
        ),
        AuthError::CallerBlocked => plain(
            Code::PermissionDenied,
            Reason::UserBlocked,
            "the user of this token is blocked: a service can unblock it",
        ),
        AuthError::KeysUnavailable => retry(
            Code::Unavailable,
            Reason::KeysUnavailable,
            "the keys of the token's issuer are unavailable right now: try again later",
        ),
        AuthError::Domain(refusal) => from_domain_error(refusal),
    }
}

/// The status of a request that the rules refuse.
pub fn from_domain_error(refusal: DomainError) -> Status {
    use Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound};
    match refusal {
        DomainError::Invalid(violations) => invalid(&violations),
        DomainError::RequestIdReused => plain(
            InvalidArgument,
            Reason::RequestIdReused,
            "this request_id was used for another request: make a new one for each request, and keep it for its retries",
        ),
        DomainError::SameUser => plain(
            InvalidArgument,
            Reason::SameUser,
            "both sides name the same identity or user: name two different ones",
        ),
        DomainError::LinkTokenInvalid(_) => plain(
            FailedPrecondition,
            Reason::LinkTokenInvalid,
            "link_with was not accepted: let the person sign in to the secondary account again and send its new token, once",
        ),
        DomainError::LinkTicketInvalid => plain(
            FailedPrecondition,
            Reason::LinkTicketInvalid,
            "link_ticket was not accepted: let the person sign in again, and link as the candidate that the ticket was given for",
        ),
        DomainError::SignInInvalid => plain(
            FailedPrecondition,
            Reason::SignInInvalid,
            "this sign-in cannot continue: it has expired, was used, or is not this caller's; begin it again",
        ),
        DomainError::ProviderDisabled => plain(
            FailedPrecondition,
            Reason::ProviderDisabled,
            "no user can sign in with this provider: it is disabled or link-only; choose another",
        ),
        DomainError::ProviderUnknown => plain(
            NotFound,
            Reason::ProviderUnknown,
            "this tenant has no such provider, or none at which a sign-in can start: check the name, or have the operator declare it",
        ),
        DomainError::ProviderRejected => plain(
            FailedPrecondition,
            Reason::ProviderRejected,
            "the provider did not accept this sign-in, or its response is invalid: begin it again",
        ),
        DomainError::ProviderUnavailable => retry(
            Code::Unavailable,
            Reason::ProviderUnavailable,
            "the provider is unavailable right now: repeat a call that has a request_id, or begin the sign-in again later",
        ),
        DomainError::EmailMissing => plain(
            FailedPrecondition,
            Reason::EmailMissing,
            "the provider sends no email, and a new user needs one: let the person add one there and sign in again",
        ),
        DomainError::EmailUnverified => plain(
            FailedPrecondition,
            Reason::EmailUnverified,
            "the email is not verified by a provider that is trusted with it: let the person verify it there and sign in again",
        ),
        DomainError::RegistrationClosed => plain(
            FailedPrecondition,
            Reason::RegistrationClosed,
            "no user has this account, and a sign-in creates no user in this tenant: let a service create the user first",
        ),
        DomainError::EmailNotShared => plain(
            FailedPrecondition,
            Reason::EmailNotShared,
            "the two users share no email that is verified on both sides: verify one, or link with a token of each",
        ),
        DomainError::UserNotFound => plain(
            NotFound,
            Reason::UserNotFound,
            "there is no such user in this tenant: check the id, or create a user with the identity of this token",
        ),
        DomainError::IdentityNotFound => plain(
            NotFound,
            Reason::IdentityNotFound,
            "there is no such identity here: check provider and subject",
        ),
        DomainError::LinkNotFound => plain(
            NotFound,
            Reason::LinkNotFound,
            "there is no such link in this tenant: check the id",
        ),
        DomainError::UserAbsorbed => plain(
            FailedPrecondition,
            Reason::UserAbsorbed,
            "this user was absorbed into another: resolve its id and name the current user",
        ),
        DomainError::UserBlocked => {
            plain(FailedPrecondition, Reason::UserBlocked, "the user is blocked: unblock it first")
        }
        DomainError::IdentityTaken => plain(
            AlreadyExists,
            Reason::IdentityTaken,
            "the identity belongs to a user already: find it, and link the two users instead",
        ),
        DomainError::UserExists => plain(
            AlreadyExists,
            Reason::UserExists,
            "the requested user id is in use: request a random one",
        ),
        DomainError::LastIdentity => plain(
            FailedPrecondition,
            Reason::LastIdentity,
            "this is the last identity with which the user can sign in: link another first",
        ),
        DomainError::PrimaryIdentity => plain(
            FailedPrecondition,
            Reason::PrimaryIdentity,
            "this is the primary identity: make another identity primary first",
        ),
        DomainError::LinkNotUndoable(why) => plain(
            FailedPrecondition,
            Reason::LinkNotUndoable,
            &format!("the link cannot be undone: {why}"),
        ),
        DomainError::TooManyIdentities => plain(
            FailedPrecondition,
            Reason::TooManyIdentities,
            "a user holds at most 100 identities: unlink some first",
        ),
        DomainError::MetadataConflict(paths) => conflict(&paths),
        DomainError::MetadataTooLarge { namespace, bytes } => plain(
            FailedPrecondition,
            Reason::MetadataTooLarge,
            &format!(
                "{namespace} or the list of its changes would have {bytes} bytes, which is too many: remove some first"
            ),
        ),
        DomainError::AbsorbedUsersExist => plain(
            FailedPrecondition,
            Reason::AbsorbedUsersExist,
            "this user has absorbed others: unlink them first, or set include_absorbed",
        ),
        DomainError::VersionMismatch => plain(
            Code::Aborted,
            Reason::VersionMismatch,
            "a user does not have the expected version: read it and decide again",
        ),
        DomainError::PositionInvalid => plain(
            InvalidArgument,
            Reason::PositionInvalid,
            "the position is not one of this feed: list the users again, and continue from the position in that response",
        ),
        DomainError::PositionExpired { oldest } => {
            let metadata = HashMap::from([("oldest_position".to_owned(), oldest)]);
            Status::with_error_details(
                Code::OutOfRange,
                "events after this position have been removed: list the users again, and continue from the position in that response",
                ErrorDetails::with_error_info(
                    reason_name(Reason::PositionExpired),
                    DOMAIN,
                    metadata,
                ),
            )
        }
        DomainError::ConflictRetry => retry(
            Code::Aborted,
            Reason::ConflictRetry,
            "other calls kept changing the same users: try again",
        ),
        DomainError::CallUnderWay => retry(
            Code::Aborted,
            Reason::ConflictRetry,
            "this call is still in progress: repeat it with the same request_id",
        ),
    }
}

/// The status of an error of the database.
fn from_store_error(error: StoreError) -> Status {
    match error {
        StoreError::Overloaded => overloaded(),
        StoreError::Unavailable(text) => {
            tracing::error!(error = text, "the database is unavailable");
            retry(
                Code::Unavailable,
                Reason::StoreUnavailable,
                "the database cannot be reached right now, and nothing was changed: try again later",
            )
        }
        StoreError::CommitUnknown(text) => {
            tracing::error!(error = text, "the outcome of a commit is unknown");
            plain(
                Code::Unavailable,
                Reason::CommitUnknown,
                "the change may or may not have been made: repeat the call with its request_id, or read before you try again",
            )
        }
        StoreError::Conflict(_) | StoreError::Busy(_) => {
            from_domain_error(DomainError::ConflictRetry)
        }
        StoreError::Fault(text) => internal(&text),
    }
}

/// How a call ended, for the log.
pub fn outcome(response: Option<&Response<Body>>) -> CallOutcome {
    // A refusal is in the headers. Otherwise the headers begin a response, which for a unary call
    // is complete by now.
    let status = match response {
        None => Status::cancelled(""),
        // Refused before it was a gRPC call: clients derive this code from the HTTP status.
        Some(response) if !response.status().is_success() => Status::unknown(""),
        Some(response) => {
            Status::from_header_map(response.headers()).unwrap_or_else(|| Status::ok(""))
        }
    };
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    CallOutcome { code: format!("{:?}", status.code()), reason }
}

/// Replaces a status that tonic sets to INTERNAL: such a call, without a message or with one that
/// does not decode, is the caller's error, and the text of prost names messages and fields. A
/// status of identity-link has details with its reason.
pub fn replace_foreign_status(response: Response<Body>) -> Response<Body> {
    let status = Status::from_header_map(response.headers());
    match status.filter(|status| status.code() == Code::Internal && status.details().is_empty()) {
        Some(_) => undecodable().into_http(),
        None => response,
    }
}

/// The status of a call above the limit of concurrent calls.
pub fn overloaded() -> Status {
    retry(Code::ResourceExhausted, Reason::Overloaded, "the server is at capacity: try again later")
}

/// The status of a call that exceeded its deadline.
pub fn deadline() -> Status {
    plain(
        Code::DeadlineExceeded,
        Reason::Deadline,
        "the call did not finish in time, and its change may still be made: read before you try again, and allow more time",
    )
}

/// The status of a stream that ends because the server stops.
pub fn stopping() -> Status {
    retry(
        Code::Unavailable,
        Reason::ServerStopping,
        "the server is stopping: call again to reach another one",
    )
}

/// The status of a watch that has lasted as long as it may.
pub fn watch_expired() -> Status {
    let text = "a watch lasts ten minutes at most: call again, with the last position";
    plain(Code::Unavailable, Reason::WatchExpired, text)
}

/// The status of a message that does not decode.
pub fn undecodable() -> Status {
    let text =
        "the message does not decode: send what the proto describes, nested at most 16 levels deep";
    plain(Code::InvalidArgument, Reason::RequestInvalid, text)
}

fn invalid(violations: &[Violation]) -> Status {
    let mut details = details(Reason::RequestInvalid);
    let fitting =
        fitting(violations, |violation| violation.field.len() + violation.description.len());
    for violation in fitting {
        details.add_bad_request_violation(&violation.field, &violation.description);
    }
    if fitting.len() < violations.len() {
        details.add_bad_request_violation("", MORE);
    }
    let text = match violations {
        [one] => format!("{}: {}", one.field, one.description),
        _ => format!("{} fields are invalid: see the details", violations.len()),
    };
    Status::with_error_details(Code::InvalidArgument, text, details)
}

fn conflict(paths: &[String]) -> Status {
    const CONFLICT: &str = "the two sides have different values";
    let mut details = details(Reason::MetadataConflict);
    let paths: Vec<String> = paths.iter().map(|path| printable_path(path)).collect();
    let fitting = fitting(&paths, |path| path.len() + CONFLICT.len());
    for path in fitting {
        details.add_precondition_failure_violation("METADATA_CONFLICT", path, CONFLICT);
    }
    if fitting.len() < paths.len() {
        details.add_precondition_failure_violation("METADATA_CONFLICT", "", MORE);
    }
    let text = format!(
        "the metadata differs at {} paths: decide each, or choose which side wins",
        paths.len()
    );
    Status::with_error_details(Code::FailedPrecondition, text, details)
}

/// The first entries, as many as fit.
fn fitting<T>(all: &[T], bytes: impl Fn(&T) -> usize) -> &[T] {
    let mut left = MAX_DETAILS;
    let fits = |item: &&T| match left.checked_sub(bytes(item) + ENTRY) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    all.get(..all.iter().take_while(fits).count()).unwrap_or(all)
}

fn internal(text: &str) -> Status {
    tracing::error!(error = text, "internal fault");
    fault()
}

/// The status of an internal fault that was logged already.
pub fn fault() -> Status {
    plain(Code::Internal, Reason::Internal, "the server failed internally and has logged the cause")
}

fn plain(code: Code, reason: Reason, text: &str) -> Status {
    Status::with_error_details(code, text, details(reason))
}

fn retry(code: Code, reason: Reason, text: &str) -> Status {
    let mut details = details(reason);
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(code, text, details)
}

fn details(reason: Reason) -> ErrorDetails {
    ErrorDetails::with_error_info(reason_name(reason), DOMAIN, HashMap::new())
}

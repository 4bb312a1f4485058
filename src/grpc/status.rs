//! Maps each error to its status: code, stable reason, details, and a sentence that says what to
//! do. A client never sees SQL, file paths, or another user's id.

mod refusals;

use std::{borrow::Cow, collections::HashMap, time::Duration};

use http::Response;
use tonic::{Code, Status, body::Body, metadata::MetadataValue};
use tonic_types::{ErrorDetails, StatusExt as _};

pub use self::refusals::from_domain_error;
use super::proto::Reason;
use crate::{
    auth::AuthError, calls::telemetry::CallOutcome, domain::DomainError, rate_limits::Exceeded,
    store::StoreError, telemetry::Label, use_cases::Error,
};

/// `ErrorInfo.domain` of each refusal.
pub const DOMAIN: &str = "identity-link";
/// The metadata key of the compressions that a server accepts.
const ACCEPT_ENCODING: &str = "grpc-accept-encoding";
/// The metadata key of the delay before the next attempt, in milliseconds (gRFC A6).
const RETRY_PUSHBACK: &str = "grpc-retry-pushback-ms";
/// How long a client should wait before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The same after a refused transfer: those in progress take seconds to minutes.
const RETRY_TRANSFER_AFTER: Duration = Duration::from_secs(10);

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

/// The status of an error of the database.
fn from_store_error(error: StoreError) -> Status {
    match error {
        StoreError::Overloaded => overloaded(),
        StoreError::Unavailable(text) | StoreError::OtherIssuer(text) => {
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
    let refusal = response.and_then(refusal);
    let code = match (response, &refusal) {
        (None, _) => Code::Cancelled,
        // Refused before it was a gRPC call: clients derive this code from the HTTP status.
        (Some(response), _) if !response.status().is_success() => Code::Unknown,
        (Some(_), Some(refusal)) => refusal.code(),
        // The headers begin a response, which for a unary call is complete by now.
        (Some(_), None) => Code::Ok,
    };
    let info = refusal.and_then(|refusal| refusal.get_details_error_info());
    CallOutcome {
        code: Label::Static(code_name(code)),
        reason: info.map(|info| info.reason.into()).unwrap_or_default(),
    }
}

/// The name of a code, as the log and the metrics have it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "Ok",
        Code::Cancelled => "Cancelled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

/// The status of a response that is a refusal. tonic keeps it beside the headers that it makes of
/// it, which then need not be decoded.
fn refusal(response: &Response<Body>) -> Option<Cow<'_, Status>> {
    let kept = response.extensions().get::<Status>().map(Cow::Borrowed);
    kept.or_else(|| Status::from_header_map(response.headers()).map(Cow::Owned))
}

/// The status of a response that has ended with its headers; `None` for one whose status follows
/// its messages.
pub fn of_response(response: &Response<Body>) -> Option<Status> {
    refusal(response).map(Cow::into_owned)
}

/// Whether a status refuses a compressed message.
pub fn is_of_encoding(status: &Status) -> bool {
    status.metadata().contains_key(ACCEPT_ENCODING)
}

/// How long the client should wait before it tries again, if the status says so.
pub fn retry_delay(status: &Status) -> Option<Duration> {
    status.get_details_retry_info()?.retry_delay
}

/// Replaces a status of tonic, which has no details, by one with a reason. A call without a message,
/// or with one that does not decode, is the caller's error and not INTERNAL, and the text of prost
/// names messages and fields.
pub fn replace_foreign_status(response: Response<Body>) -> Response<Body> {
    let replaced = refusal(&response).and_then(|status| replaced(&status));
    replaced.map_or(response, Status::into_http)
}

/// The status in place of one with which tonic refuses a message of a client's stream.
pub fn of_message(status: Status) -> Status {
    replaced(&status).unwrap_or(status)
}

/// The status in place of one of tonic's; `None` for one that stays.
fn replaced(status: &Status) -> Option<Status> {
    if !status.details().is_empty() {
        return None;
    }
    match status.code() {
        Code::Internal => Some(undecodable()),
        Code::OutOfRange => Some(message_too_large()),
        // tonic adds it to this refusal only.
        Code::Unimplemented if status.metadata().contains_key(ACCEPT_ENCODING) => {
            Some(encoding_unsupported())
        }
        Code::Unimplemented => Some(rpc_unknown()),
        _ => None,
    }
}

/// The status of a call above the limit of concurrent calls.
pub fn overloaded() -> Status {
    retry(Code::ResourceExhausted, Reason::Overloaded, "the server is at capacity: try again later")
}

/// The status of a call above a limit of its caller.
pub fn rate_limited(exceeded: &Exceeded) -> Status {
    let Exceeded { class, rate, retry_after } = exceeded;
    let metadata = HashMap::from([
        ("class".to_owned(), class.name().to_owned()),
        ("limit".to_owned(), rate.to_string()),
    ]);
    let details = ErrorDetails::with_error_info(reason_name(Reason::RateLimited), DOMAIN, metadata);
    let text = format!(
        "this caller may make {rate} {}: wait as the details say, or have the operator allow more",
        class.name()
    );
    repeatable(Code::ResourceExhausted, &text, details, *retry_after)
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

/// The error of an operation that a caller has cancelled.
pub fn cancelled() -> Status {
    let text = "a caller cancelled the operation: what it did before stays";
    plain(Code::Cancelled, Reason::OperationCancelled, text)
}

/// The status of a watch that has lasted as long as it may.
pub fn watch_expired() -> Status {
    let text =
        "a watch ends so that its caller is judged again: call again, with the last position";
    plain(Code::Unavailable, Reason::WatchExpired, text)
}

/// The status of a transfer whose caller has to be judged again.
pub fn transfer_expired() -> Status {
    let text = "the call ends so that its caller is judged again: send the same again";
    plain(Code::Unavailable, Reason::WatchExpired, text)
}

/// The status of an import above the limit of imports.
pub fn imports_busy() -> Status {
    retry_after(
        Code::ResourceExhausted,
        Reason::Overloaded,
        "as many imports as this server carries out at once are in progress: try again later",
        RETRY_TRANSFER_AFTER,
    )
}

/// The status of an upload above the limit of uploads.
pub fn uploads_busy() -> Status {
    retry_after(
        Code::ResourceExhausted,
        Reason::Overloaded,
        "as many plans as this server takes at once are on their way: try again later",
        RETRY_TRANSFER_AFTER,
    )
}

/// The status of an upload whose client pauses for too long.
pub fn upload_stalled() -> Status {
    let text = "the client sent no message for too long: nothing was stored, send the plan again";
    plain(Code::DeadlineExceeded, Reason::Deadline, text)
}

/// The status of an export above the limit of exports.
pub fn exports_busy() -> Status {
    retry_after(
        Code::ResourceExhausted,
        Reason::Overloaded,
        "as many exports as this server carries out at once are in progress: try again later",
        RETRY_TRANSFER_AFTER,
    )
}

/// The status of an export since a position after which users were imported.
pub fn imported_since() -> Status {
    let text = "users were imported after this position, and the feed does not name each of them: export all users, and go on from the position of that export";
    plain(Code::OutOfRange, Reason::PositionExpired, text)
}

/// The status of an import whose rows are longer than the server keeps.
pub fn rows_too_long(max: u64) -> Status {
    let text = format!(
        "the rows of one import have at most {max} bytes: have the operator allow more, or use the command"
    );
    plain(Code::OutOfRange, Reason::MessageTooLarge, &text)
}

/// The status of a transfer whose client neither sends nor takes a message.
pub fn stalled() -> Status {
    let text = "the client sent or took no message for too long: what was written stays, send the same again";
    plain(Code::DeadlineExceeded, Reason::Deadline, text)
}

/// The status of a message that does not decode.
pub fn undecodable() -> Status {
    let text =
        "the message does not decode: send what the proto describes, nested at most 16 levels deep";
    plain(Code::InvalidArgument, Reason::RequestInvalid, text)
}

/// The status of a message that is to be JSON and is not.
pub fn json_undecodable() -> Status {
    let text = "the message is not a JSON object in UTF-8, nested at most 128 levels deep: send the message that the proto describes, as the JSON of protobuf";
    plain(Code::InvalidArgument, Reason::RequestInvalid, text)
}

/// The status of a message that is longer than the server reads.
pub fn message_too_large() -> Status {
    let text = "the message is longer than the server reads: send less at once";
    plain(Code::OutOfRange, Reason::MessageTooLarge, text)
}

/// The status of a message that is compressed (gRPC compression, "Compression Method Asymmetry").
pub fn encoding_unsupported() -> Status {
    let text = "the server accepts no compressed message: send it without a content encoding";
    let mut status = plain(Code::Unimplemented, Reason::EncodingUnsupported, text);
    status.metadata_mut().insert(ACCEPT_ENCODING, MetadataValue::from_static("identity"));
    status
}

/// The status of a call to a path that no rpc has.
pub fn rpc_unknown() -> Status {
    let text = "there is no such rpc: check its name, and whether the server serves it";
    plain(Code::Unimplemented, Reason::RpcUnknown, text)
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
    retry_after(code, reason, text, RETRY_AFTER)
}

fn retry_after(code: Code, reason: Reason, text: &str, delay: Duration) -> Status {
    repeatable(code, text, details(reason), delay)
}

/// The status of a call that may succeed after a delay, in both places where clients look for it:
/// the details, and the metadata that a retry policy obeys.
fn repeatable(code: Code, text: &str, mut details: ErrorDetails, delay: Duration) -> Status {
    details.set_retry_info(Some(delay));
    let mut status = Status::with_error_details(code, text, details);
    let millis = i32::try_from(delay.as_micros().div_ceil(1000)).unwrap_or(i32::MAX);
    status.metadata_mut().insert(RETRY_PUSHBACK, millis.into());
    status
}

fn details(reason: Reason) -> ErrorDetails {
    ErrorDetails::with_error_info(reason_name(reason), DOMAIN, HashMap::new())
}

//! What a failed call returns.

use std::{collections::HashMap, error::Error as StdError, fmt, time::Duration};

use tonic::{Code, Status, TimeoutExpired};
use tonic_types::StatusExt as _;

use crate::{reason::Reason, tokens::TokenError};

/// `ErrorInfo.domain` of each refusal of the server. A reason of another domain, such as of a proxy, is
/// none of these.
const DOMAIN: &str = "identity-link";
const PAST_DEADLINE: &str = "there was no response before the deadline of the call";

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused the call, or could not be reached.
    #[error(transparent)]
    Call(Box<Failure>),
    /// There is no token to call with.
    #[error("there is no token: {source}")]
    #[non_exhaustive]
    Token {
        /// The error of the token source.
        source: TokenError,
        /// That of the write that was to be made: see [`Error::request_id`].
        request_id: Option<String>,
    },
}

impl Error {
    /// Why the server refused the call. `None` if it did not, and for a reason of a newer server: see
    /// [`Failure::reason_name`].
    pub fn reason(&self) -> Option<Reason> {
        self.failure().and_then(Failure::reason)
    }

    /// The failure of the call; `None` if there was no token to call with.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Call(failure) => Some(failure),
            Self::Token { .. } => None,
        }
    }

    /// The `request_id` of the write that failed, also if the client made it. Set it in the same request to
    /// repeat the call: if the write was made, the first response comes again. `None` for a call that
    /// changes nothing, and for a stream of requests.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Call(failure) => failure.request_id(),
            Self::Token { request_id, .. } => request_id.as_deref(),
        }
    }

    pub(crate) fn of_source(source: TokenError) -> Self {
        Self::Token { source, request_id: None }
    }

    /// The error of a call under this request id; empty if it has none.
    pub(crate) fn under(mut self, id: &str) -> Self {
        let request_id = match &mut self {
            Self::Call(failure) => &mut failure.request_id,
            Self::Token { request_id, .. } => request_id,
        };
        *request_id = (!id.is_empty()).then(|| id.to_owned());
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Call(Box::new(failure))
    }
}

/// A field of the request that is wrong in any state of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldViolation {
    /// The field, such as `user_metadata/a/0`; empty if there are more violations than were sent.
    pub field: String,
    /// A sentence for people.
    pub description: String,
}

/// What keeps the server from carrying out the request now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreconditionViolation {
    /// The kind of precondition.
    pub kind: String,
    /// What it concerns, such as the path of a conflict; empty if there are more than were sent.
    pub subject: String,
    /// A sentence for people.
    pub description: String,
}

impl From<tonic_types::FieldViolation> for FieldViolation {
    fn from(violation: tonic_types::FieldViolation) -> Self {
        Self { field: violation.field, description: violation.description }
    }
}

impl From<tonic_types::PreconditionViolation> for PreconditionViolation {
    fn from(violation: tonic_types::PreconditionViolation) -> Self {
        let tonic_types::PreconditionViolation { r#type: kind, subject, description } = violation;
        Self { kind, subject, description }
    }
}

/// A call that has failed. Decide by the reason; the text is for people and may change.
pub struct Failure {
    status: Status,
    code: Code,
    message: String,
    reason: String,
    /// Whether the server sent the reason.
    is_refusal: bool,
    metadata: HashMap<String, String>,
    violations: Vec<FieldViolation>,
    preconditions: Vec<PreconditionViolation>,
    retry_delay: Option<Duration>,
    request_id: Option<String>,
}

impl Failure {
    /// Reads a status. Details that do not decode are left out.
    pub(crate) fn new(status: Status) -> Self {
        let (code, message) = code_and_message(&status);
        let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
        let (mut reason, metadata) =
            info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
        let is_refusal = !reason.is_empty();
        // The client and the server see the same deadline pass: which one is first is chance.
        if !is_refusal && code == Code::DeadlineExceeded {
            Reason::Deadline.name().clone_into(&mut reason);
        }
        let wrong = status.get_details_bad_request().map(|details| details.field_violations);
        let failed = status.get_details_precondition_failure().map(|details| details.violations);
        // Only the server itself says when it can be asked again.
        let retry = status.get_details_retry_info().filter(|_| is_refusal);
        Self {
            violations: wrong.into_iter().flatten().map(FieldViolation::from).collect(),
            preconditions: failed.into_iter().flatten().map(PreconditionViolation::from).collect(),
            retry_delay: retry.and_then(|retry| retry.retry_delay),
            code,
            message,
            metadata,
            reason,
            is_refusal,
            request_id: None,
            status,
        }
    }

    /// There was no response before the deadline of the call.
    pub(crate) fn deadline() -> Self {
        Self::new(Status::deadline_exceeded(PAST_DEADLINE))
    }

    /// Whether the server refused the call, for a reason.
    pub(crate) fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// The same failure, with what to check.
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.message = format!("{}; {hint}", self.message);
        self
    }

    /// The status code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The server's sentence, which says what to do, or what happened to the connection.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why the server refused the call. `None` if it gave no reason, such as when there is no
    /// connection, and for a reason that this version does not know. A call that has reached its
    /// deadline has [`Reason::Deadline`], also if the client saw it first.
    pub fn reason(&self) -> Option<Reason> {
        Reason::from_name(&self.reason)
    }

    /// The reason as the server names it, such as `IDENTITY_TAKEN`; empty if there is none. A newer
    /// server may send one that [`Reason`] does not have.
    pub fn reason_name(&self) -> &str {
        &self.reason
    }

    /// Values that belong to the reason, such as the `limit` of `RATE_LIMITED`.
    pub fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    /// The wrong fields of `REQUEST_INVALID`.
    pub fn violations(&self) -> &[FieldViolation] {
        &self.violations
    }

    /// What `METADATA_CONFLICT` and `PROVIDER_SCOPES_MISSING` list.
    pub fn preconditions(&self) -> &[PreconditionViolation] {
        &self.preconditions
    }

    /// After which delay the same call may succeed; `None` if the server did not say.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_delay
    }

    /// The `request_id` of the write that failed: see [`Error::request_id`].
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The status as tonic has it, with all its details. For a connection that failed it has another
    /// code than [`Self::code`].
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// Leaves out what is empty, and the status, whose details are bytes.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Failure");
        shown.field("code", &self.code).field("reason", &self.reason);
        shown.field("message", &self.message);
        if !self.metadata.is_empty() {
            shown.field("metadata", &self.metadata);
        }
        if !self.violations.is_empty() {
            shown.field("violations", &self.violations);
        }
        if !self.preconditions.is_empty() {
            shown.field("preconditions", &self.preconditions);
        }
        if let Some(delay) = &self.retry_delay {
            shown.field("retry_delay", delay);
        }
        if let Some(id) = &self.request_id {
            shown.field("request_id", id);
        }
        shown.finish_non_exhaustive()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&*self.reason, self.code()) {
            ("", code) => write!(f, "{code:?}: {}", self.message()),
            (reason, _) => write!(f, "{reason}: {}", self.message()),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.status.source()
    }
}

/// The code of a status, and its text. tonic has UNKNOWN or CANCELLED for a connection that is lost, and
/// CANCELLED for a deadline of its own, where other clients of gRPC have UNAVAILABLE and
/// DEADLINE_EXCEEDED. A status that the server sent has no source, and stays as it is.
fn code_and_message(status: &Status) -> (Code, String) {
    let Some(mut cause) = status.source() else {
        return (status.code(), status.message().to_owned());
    };
    let mut is_late = cause.is::<TimeoutExpired>();
    while let Some(source) = cause.source() {
        cause = source;
        is_late |= cause.is::<TimeoutExpired>();
    }
    match status.code() {
        _ if is_late => (Code::DeadlineExceeded, PAST_DEADLINE.to_owned()),
        Code::Unknown | Code::Cancelled => {
            (Code::Unavailable, format!("the connection failed: {cause}"))
        }
        Code::Unavailable => (Code::Unavailable, format!("there is no connection: {cause}")),
        code => (code, status.message().to_owned()),
    }
}

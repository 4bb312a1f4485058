//! Refusals: each has the status, the code and the message that Auth0's documents have for it. Where
//! they have none, the message is ours. A response never contains SQL, a path of the server, or
//! another user's id.
//!
//! Sources: the messages are those of Auth0's OpenAPI description. Its documents show the codes
//! `invalid_uri`, `invalid_body`, `invalid_query_string`, `insufficient_scope`; the tests of its
//! clients `unowned_resource`, `inexistent_connection`, `too_many_requests`; users' reports
//! `inexistent_user`, `auth0_idp_error`, `invalid_paging`. **Unsure**, since no public source shows
//! them: `identity_conflict`, `inexistent_identity`, `operation_not_supported` of a main identity,
//! and the `invalid_body` of a `link_with` or of a user that is linked to itself. All other codes
//! are ours.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Violation;

/// The media type of every response.
pub(super) const JSON: &str = "application/json; charset=utf-8";
/// The bound on the list of violations in one refusal, in bytes.
const MAX_DETAIL: usize = 4 * 1024;

/// The response to a refused call.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    /// The HTTP status of the response.
    #[serde(rename = "statusCode")]
    status_code: u16,
    /// The standard name of that status.
    error: &'static str,
    /// What is wrong, in a sentence.
    message: String,
    /// A stable code for what is wrong; absent for a refusal without one.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error_code: Option<&'static str>,
}

/// A refusal, in Auth0's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    code: Option<&'static str>,
    message: String,
}

/// The code of a refusal, for the log: an extension of its response.
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorCode(pub &'static str);

impl ApiError {
    pub(super) fn new(
        status: StatusCode,
        code: impl Into<Option<&'static str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    pub(super) fn bad(code: impl Into<Option<&'static str>>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// A path that is not valid in a URI.
    pub(super) fn uri() -> Self {
        Self::bad(
            "invalid_uri",
            "Path validation error: 'it is not UTF-8 in percent-encoding (RFC 3986)'.",
        )
    }

    /// A wrong path parameter.
    pub(super) fn path(what: &str) -> Self {
        Self::bad("invalid_uri", format!("Path validation error: '{what}'."))
    }

    /// A wrong query.
    pub(super) fn query(what: &str) -> Self {
        Self::bad("invalid_query_string", format!("Query validation error: '{what}'."))
    }

    /// A wrong body.
    pub(super) fn body(what: &str) -> Self {
        Self::bad("invalid_body", format!("Payload validation error: '{what}'."))
    }

    /// A body that is not JSON.
    pub(super) fn json() -> Self {
        Self::bad("invalid_body", "Invalid request payload JSON format")
    }

    /// All wrong fields of a body.
    pub(super) fn violations(violations: &[Violation]) -> Self {
        Self::body(&joined(violations))
    }

    /// A page behind the last reachable one.
    pub(super) fn paging(reachable: usize) -> Self {
        let message = format!(
            "You can only page through the first {reachable} records. Use from and take to see all of them."
        );
        Self::bad("invalid_paging", message)
    }

    /// A response that would be too large.
    pub(super) fn too_much() -> Self {
        Self::bad(
            "invalid_paging",
            "The response would be too large: ask for fewer users, or for fewer fields.",
        )
    }

    /// A connection that no provider of the tenant has.
    pub(super) fn connection() -> Self {
        Self::bad("inexistent_connection", "The connection does not exist.")
    }

    /// A provider that the tenant does not have.
    pub(super) fn provider() -> Self {
        Self::bad("inexistent_connection", "The provider/connection is not configured.")
    }

    /// A link of a user with itself.
    pub(super) fn same_identity() -> Self {
        Self::bad("invalid_body", "Main identity and the new one are the same.")
    }

    /// An identity that a user already has.
    pub(super) fn identity_exists() -> Self {
        Self::new(StatusCode::CONFLICT, "identity_conflict", "Specified identity already exists.")
    }

    /// A body that is longer than `max` bytes.
    pub(super) fn too_long(max: usize) -> Self {
        let message = format!("Payload content length greater than maximum allowed: {max}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, None, message)
    }

    /// Whether it is of a body that is too long.
    pub(super) fn is_too_long(&self) -> bool {
        self.status == StatusCode::PAYLOAD_TOO_LARGE
    }

    /// A body of a media type that is not accepted.
    pub(super) fn media_type(expected: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            None,
            format!("Unsupported Media Type: send {expected}."),
        )
    }

    /// A body that did not arrive in time.
    pub(super) fn body_timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            None,
            "Request Timeout: the body did not arrive in time.",
        )
    }

    /// A path of this surface without a route.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, None, "Not Found")
    }

    /// A path outside this surface, and the service that it belongs to.
    pub(super) fn elsewhere(path: &str, service: &str) -> Self {
        let message = format!(
            "{path} belongs to {service}. This is identity-link, which serves /api/v2 only."
        );
        Self::new(StatusCode::NOT_FOUND, None, message)
    }

    /// A method that the path does not have.
    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, None, "Method Not Allowed")
    }

    /// A call for which no slot is free, or above its caller's limit.
    pub(super) fn too_many_requests() -> Self {
        let message = "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message)
    }

    /// A job that the tenant does not have, or that the caller may not read.
    pub(super) fn job_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "inexistent_job", "The job does not exist.")
    }

    /// A job, while too many others of the tenant have not ended.
    pub(super) fn too_many_jobs() -> Self {
        let message =
            "There are too many active jobs: wait until some of them have ended, and try again.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_jobs", message)
    }

    /// A link of an export that is not valid, or not any more.
    pub(super) fn link() -> Self {
        let message = "This link is not valid, or has expired: get the job again, and its location is a new one.";
        Self::new(StatusCode::FORBIDDEN, "invalid_link", message)
    }

    /// A download, while too many others are in progress.
    pub(super) fn too_many_exports() -> Self {
        Self::unavailable("Other exports are in progress: get the job again later for a new link.")
    }

    /// A search over all users, while too many others run.
    pub(super) fn too_many_scans() -> Self {
        Self::unavailable(
            "Too many other searches read many users right now: try again later, or ask for a whole email, a user_id, or provider and user_id of an identity.",
        )
    }

    /// A call that did not finish in time.
    pub(super) fn deadline_exceeded() -> Self {
        let message = "The call did not finish in time, and its change may still be made: read before you try again.";
        Self::new(StatusCode::GATEWAY_TIMEOUT, "deadline", message)
    }

    /// An internal fault that is already logged.
    pub(super) fn fault() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server failed internally and has logged the cause.",
        )
    }

    /// A token of a tenant that the `[auth0]` table does not list.
    pub(super) fn tenant() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "tenant_not_served",
            "The users of this tenant are not served here.",
        )
    }

    /// A call that a later retry may get through.
    pub(super) fn unavailable(message: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", message)
    }

    /// Logs an internal fault, and refuses the call.
    pub(super) fn log_fault(text: &str) -> Self {
        tracing::error!(error = text, "internal fault");
        Self::fault()
    }
}

/// The violations as one text, as many as fit the bound. A note replaces the rest.
pub(super) fn joined(violations: &[Violation]) -> String {
    let mut text = String::new();
    for Violation { field, description } in violations {
        if text.len() + field.len() + description.len() > MAX_DETAIL {
            text.push_str("; there are more: correct these first");
            break;
        }
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str(&format!("{field}: {description}"));
    }
    text
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message } = self;
        let error = status.canonical_reason().unwrap_or("Error");
        let body = ErrorBody { status_code: status.as_u16(), error, message, error_code: code };
        // Texts and numbers always serialise.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, JSON)], body).into_response();
        let headers = response.headers_mut();
        match status {
            // RFC 6750 §3.
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // Not where a retry would get the same refusal, or make another change.
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::CONFLICT
                if !matches!(
                    code,
                    Some("commit_unknown" | "identity_conflict" | "auth0_idp_error")
                ) =>
            {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response.extensions_mut().insert(ErrorCode(code.unwrap_or_default()));
        response
    }
}

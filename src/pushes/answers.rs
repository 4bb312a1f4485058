//! What a provider gets for an answer: the forms of Back-Channel Logout 1.0 §2.8 and of RFC 8935 §2.3.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    auth::EventTokenKind,
    calls::{Body, telemetry::CallOutcome},
    domain::{DomainError, error::EventTokenProblem},
    store::StoreError,
    telemetry::Label,
    use_cases::Error,
};

/// The answers to tokens of one kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer(EventTokenKind);

/// Why a token was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    /// The stable reason, for the log.
    reason: &'static str,
    /// A sentence that says what to do.
    text: &'static str,
}

/// The reason of a refusal, for the log: an extension of its response.
#[derive(Debug, Clone, Copy)]
struct Reason(&'static str);

impl Refusal {
    /// The same for a path without a route, and for a tenant or a provider that takes no tokens here:
    /// a stranger does not learn which there are.
    pub(super) const NOT_HERE: Self = Self {
        status: StatusCode::NOT_FOUND,
        reason: "not_here",
        text: "no tokens are accepted at this URL: check the tenant and the provider in it",
    };
    /// Another method than POST.
    pub(super) const METHOD: Self = Self {
        status: StatusCode::METHOD_NOT_ALLOWED,
        reason: "method",
        text: "send the token with POST",
    };
    /// A body of another type.
    pub(super) const MEDIA_TYPE: Self = Self::bad(
        "media_type",
        "send a logout token as application/x-www-form-urlencoded, and a security event token as application/secevent+jwt",
    );
    /// A body that is too long, incomplete or no text.
    pub(super) const BODY: Self =
        Self::bad("body", "the body is too long, incomplete or not text: send one token");
    /// A form without the token.
    pub(super) const FORM: Self =
        Self::bad("form", "send the token once, in the field logout_token");
    /// More tokens in the name of the provider than a server looks at.
    pub(super) const ABOVE_LIMIT: Self = Self {
        status: StatusCode::TOO_MANY_REQUESTS,
        reason: "above_limit",
        text: "more tokens of this provider arrive than the server looks at: send the token again later",
    };
    /// At capacity, or too slow.
    pub(super) const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        reason: "busy",
        text: "the server is at capacity: send the token again later",
    };
    /// A fault that is logged.
    pub(super) const FAULT: Self = Self {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        reason: "internal",
        text: "the server failed internally and has logged the cause",
    };

    const fn bad(reason: &'static str, text: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason, text }
    }

    /// Whether the same token may be accepted later.
    fn may_pass_later(self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS
    }

    fn log_fault(text: &str) -> Self {
        tracing::error!(error = text, "internal fault");
        Self::FAULT
    }

    fn of_store(error: StoreError) -> Self {
        let unavailable = Self { reason: "store", ..Self::BUSY };
        match error {
            // The provider sends it again, and a token is carried out once.
            StoreError::Overloaded
            | StoreError::Conflict(_)
            | StoreError::Busy(_)
            | StoreError::CommitUnknown(_) => Self::BUSY,
            StoreError::Unavailable(text) | StoreError::OtherIssuer(text) => {
                tracing::error!(error = text, "the database is unavailable");
                unavailable
            }
            StoreError::Fault(text) => Self::log_fault(&text),
        }
    }
}

impl From<DomainError> for Refusal {
    fn from(refusal: DomainError) -> Self {
        match refusal {
            DomainError::ProviderUnknown | DomainError::ProviderEventsOff => Self::NOT_HERE,
            DomainError::EventTokenInvalid(problem) => {
                let reason = match problem {
                    EventTokenProblem::Invalid => "token_invalid",
                    EventTokenProblem::SessionOnly => "session_only",
                    EventTokenProblem::SubjectFormat => "subject_format",
                    EventTokenProblem::SubjectIssuer => "subject_issuer",
                    EventTokenProblem::JtiReused => "jti_reused",
                };
                Self::bad(reason, problem.advice())
            }
            DomainError::ProviderUnavailable => Self { reason: "keys", ..Self::BUSY },
            DomainError::ConflictRetry => Self::BUSY,
            other => Self::log_fault(&format!("{other:?} where it cannot occur")),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Domain(refusal) => refusal.into(),
            Error::Store(error) => Self::of_store(error),
            Error::Fault(text) => Self::log_fault(&text),
            Error::Panicked => Self::FAULT,
            Error::Auth(_) | Error::Stale | Error::Retried(_) => {
                Self::log_fault("a provider's token ended without a result")
            }
        }
    }
}

impl Answer {
    pub(super) fn of(kind: EventTokenKind) -> Self {
        Self(kind)
    }

    /// The token was carried out.
    pub(super) fn accept(self) -> Response {
        match self.0 {
            EventTokenKind::Logout => StatusCode::OK,
            EventTokenKind::SecurityEvents => StatusCode::ACCEPTED,
        }
        .into_response()
    }

    /// The token was not carried out. The causes of a bad signature are all the same to a stranger.
    pub(super) fn refuse(self, refusal: Refusal) -> Response {
        let Refusal { status, reason, text } = refusal;
        let error =
            if refusal.may_pass_later() { "temporarily_unavailable" } else { "invalid_request" };
        let body = match self.0 {
            EventTokenKind::Logout => json!({"error": error, "error_description": text}),
            EventTokenKind::SecurityEvents => json!({"err": error, "description": text}),
        };
        let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        let mut response = (status, json, body.to_string()).into_response();
        if refusal.may_pass_later() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response.extensions_mut().insert(Reason(reason));
        response
    }
}

/// The outcome of a call for the log and the metrics. Without a response, the client is gone.
pub fn outcome(response: Option<&http::Response<Body>>) -> CallOutcome {
    let code = response.map_or(Label::Static("gone"), |response| {
        Label::from(response.status().as_u16().to_string())
    });
    let reason = response.and_then(|response| response.extensions().get::<Reason>());
    CallOutcome {
        code,
        reason: reason.map(|Reason(reason)| Label::Static(reason)).unwrap_or_default(),
    }
}

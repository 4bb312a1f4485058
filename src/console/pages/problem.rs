//! Pages that say what is wrong.

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use tonic::{Code, Status};

use super::Chrome;
use crate::{
    console::{Reason, sign_in::path_again, texts::Texts},
    domain::StaffRole,
    store::StoreError,
};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Problem {
    /// There is no such page, or no such tenant.
    NotHere,
    /// There is no such user.
    NoUser,
    /// There is no such job.
    NoJob,
    /// The feed has no such position, or not any more.
    Position,
    /// The form was not sent by a page of this session.
    Form,
    /// The session has ended.
    SessionEnded,
    /// The role is lower than this one, which it needs.
    Role(StaffRole),
    /// The account has no role.
    NoRole,
    /// The sign-in took too long, or was begun in another browser.
    SignInExpired,
    /// The provider refused the sign-in, or it could not be verified.
    SignInFailed,
    /// The server or the database is at capacity, or cannot be reached.
    Busy,
    /// A fault that is logged.
    Fault,
}

#[derive(Template)]
#[template(path = "console/problem.html")]
struct ProblemPage<'a> {
    chrome: Chrome<'a>,
    title: &'static str,
    text: String,
    /// Where to sign in, if that helps; else empty.
    sign_in: String,
    /// Whether that opens another tab, so that this page stays.
    is_beside: bool,
}

impl Problem {
    /// Logs a fault.
    pub(in crate::console) fn fault(text: &str) -> Self {
        tracing::error!(error = text, "internal fault");
        Self::Fault
    }

    /// Why the database gave no result.
    pub(in crate::console) fn of_store(error: StoreError) -> Self {
        match error {
            StoreError::Fault(text) => Self::fault(&text),
            StoreError::Unavailable(text) | StoreError::OtherIssuer(text) => {
                tracing::error!(error = text, "the database is unavailable");
                Self::Busy
            }
            StoreError::Overloaded
            | StoreError::Conflict(_)
            | StoreError::Busy(_)
            | StoreError::CommitUnknown(_) => Self::Busy,
        }
    }

    /// Why a call gave no result.
    pub(in crate::console) fn of_call(status: &Status) -> Self {
        match status.code() {
            Code::NotFound | Code::InvalidArgument => Self::NoUser,
            // The pages ask for the role first.
            Code::PermissionDenied => Self::Role(StaffRole::Operator),
            Code::Unavailable
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::DeadlineExceeded => Self::Busy,
            _ => Self::fault(status.message()),
        }
    }

    /// Why a call about the feed gave no result.
    pub(in crate::console) fn of_feed(status: &Status) -> Self {
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange => Self::Position,
            _ => Self::of_call(status),
        }
    }

    /// The page, with its status.
    pub(in crate::console) fn page(self, t: &'static Texts) -> Response {
        let (status, reason, (title, text)) = match self {
            Self::NotHere => (StatusCode::NOT_FOUND, "not_here", t.not_here),
            Self::NoUser => (StatusCode::NOT_FOUND, "no_user", t.no_user),
            Self::NoJob => (StatusCode::NOT_FOUND, "no_job", t.jobs.no_job),
            Self::Position => (StatusCode::NOT_FOUND, "position", t.no_position),
            Self::Form => (StatusCode::BAD_REQUEST, "form", t.wrong_form),
            Self::SessionEnded => (StatusCode::UNAUTHORIZED, "session_ended", t.session_ended),
            Self::Role(_) => (StatusCode::FORBIDDEN, "role", t.wrong_role),
            Self::NoRole => (StatusCode::FORBIDDEN, "no_role", t.no_role),
            Self::SignInExpired => (StatusCode::BAD_REQUEST, "sign_in_expired", t.sign_in_expired),
            Self::SignInFailed => (StatusCode::BAD_GATEWAY, "sign_in_failed", t.sign_in_failed),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", t.busy),
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, "internal", t.fault),
        };
        let text = match self {
            Self::Role(role) => format!("{text} {}", t.role(&role)),
            _ => text.to_owned(),
        };
        let is_beside = self == Self::SessionEnded;
        let sign_in = if is_beside { "/sign-in".to_owned() } else { String::new() };
        let page = ProblemPage { chrome: Chrome::of(t, None), title, text, sign_in, is_beside };
        page.response(status, reason)
    }
}

impl ProblemPage<'_> {
    fn response(self, status: StatusCode, reason: &'static str) -> Response {
        let html = self.render().unwrap_or(self.text);
        let mut response = (status, Html(html)).into_response();
        response.extensions_mut().insert(Reason(reason));
        response
    }
}

/// The page that has a person sign in again before a change, and then shows the page at `to`.
pub(in crate::console) fn sign_in_again(t: &'static Texts, to: &str) -> Response {
    let (title, text) = t.sign_in_old;
    let page = ProblemPage {
        chrome: Chrome::of(t, None),
        title,
        text: text.to_owned(),
        sign_in: path_again(to),
        is_beside: false,
    };
    page.response(StatusCode::FORBIDDEN, "sign_in_old")
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::of_store(error)
    }
}

impl From<Status> for Problem {
    fn from(status: Status) -> Self {
        Self::of_call(&status)
    }
}

//! The pages. Their templates are in `templates/console/`; askama checks them when it compiles, and
//! escapes each value that they show.

pub(super) mod change;
pub(super) mod feed;
pub(super) mod find;
pub(super) mod health;
pub(super) mod jobs;
pub(super) mod problem;
mod streams;
pub(super) mod timeline;
pub(super) mod user;
pub(super) mod why;

use askama::Template;
use axum::{
    extract::{FromRequest, Request},
    response::{Html, IntoResponse as _, Response},
};
use http::header;
use serde::de::DeserializeOwned;

pub(super) use self::problem::Problem;
use super::{sessions::Staff, texts::Texts};
use crate::{calls::admitted, domain::StaffRole};

/// What each page has around its content.
pub(super) struct Chrome<'a> {
    /// The texts.
    pub t: &'static Texts,
    /// The person that is signed in; `None` before that.
    pub staff: Option<&'a Staff>,
}

impl<'a> Chrome<'a> {
    /// For a person, if one is signed in.
    pub(super) fn of(t: &'static Texts, staff: Option<&'a Staff>) -> Self {
        Self { t, staff }
    }

    /// Whether the person is of the support, whose pages then have links.
    fn may_support(&self) -> bool {
        self.staff.is_some_and(|staff| staff.needs(StaffRole::Support).is_ok())
    }

    /// The same for the pages of operators.
    fn may_operate(&self) -> bool {
        self.staff.is_some_and(|staff| staff.needs(StaffRole::Operator).is_ok())
    }
}

/// The page on which a sign-in begins.
#[derive(Template)]
#[template(path = "console/sign_in.html")]
pub(super) struct SignInPage<'a> {
    pub chrome: Chrome<'a>,
    /// The path that begins it.
    pub start: String,
}

/// The response with a page.
pub(super) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => admitted(Html(html).into_response()),
        Err(error) => Problem::fault(&error.to_string()).page(Texts::ENGLISH),
    }
}

/// The style of all pages.
pub(super) async fn style() -> impl axum::response::IntoResponse {
    ([(header::CONTENT_TYPE, "text/css")], include_str!("../../../templates/console/style.css"))
}

/// The fields of a form. A form that lacks one was not sent by one of these pages.
pub(super) struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let texts = Texts::of(request.headers());
        match axum::extract::Form::<T>::from_request(request, state).await {
            Ok(axum::extract::Form(fields)) => Ok(Self(fields)),
            Err(_) => Err(Problem::Form.page(texts)),
        }
    }
}

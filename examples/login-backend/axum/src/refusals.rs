//! What a person reads who is refused, and which requests are refused at all routes.

use std::sync::Arc;

use axum::{
    extract::{
        Request, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, IntoResponseParts, Response},
};
use identity_link_client::Error;

use crate::{
    App,
    pages::{Page, View},
    sentences::{BEGIN_AGAIN, NO_PAGE, OTHER_SITE, TOO_LONG, UNAVAILABLE, sentence},
};

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ),
    // With "no-referrer" a browser would send "Origin: null" with this site's own forms.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// A request that is refused with one sentence for the person.
pub(crate) struct Refusal {
    status: StatusCode,
    sentence: &'static str,
}

impl Refusal {
    /// A refusal that asks the person to do something else.
    pub(crate) fn asking(sentence: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, sentence }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Page::of(View::Refusal(self.sentence))).into_response()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Some(sentence) = error.reason().and_then(sentence) {
            return Self::asking(sentence);
        }
        match error.failure() {
            // The reason only: a message may name what the person sent.
            Some(failure) => {
                eprintln!("identity-link refused: {:?} {}", failure.code(), failure.reason_name());
            }
            None => eprintln!("a call was not made: is the token's file right?"),
        }
        Self { status: StatusCode::SERVICE_UNAVAILABLE, sentence: UNAVAILABLE }
    }
}

impl From<FormRejection> for Refusal {
    fn from(rejection: FormRejection) -> Self {
        match rejection.status() {
            status @ StatusCode::PAYLOAD_TOO_LARGE => Self { status, sentence: TOO_LONG },
            _ => Self::asking(BEGIN_AGAIN),
        }
    }
}

impl From<QueryRejection> for Refusal {
    fn from(_: QueryRejection) -> Self {
        Self::asking(BEGIN_AGAIN)
    }
}

/// Refuses a form that is not of the backend's own pages, and sets the headers of all responses.
pub(crate) async fn guard(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> (impl IntoResponseParts, Response) {
    let origin = request.headers().get(header::ORIGIN);
    // A browser sends Origin with each form. A form of another site's page has another one, or "null".
    let is_own = origin.is_some_and(|origin| origin == app.settings.base_url.as_str());
    let response = if request.method() == Method::POST && !is_own {
        Refusal { status: StatusCode::FORBIDDEN, sentence: OTHER_SITE }.into_response()
    } else {
        next.run(request).await
    };
    (HEADERS, response)
}

/// The response to a path without a page, and to another method.
pub(crate) async fn no_page() -> Refusal {
    Refusal { status: StatusCode::NOT_FOUND, sentence: NO_PAGE }
}

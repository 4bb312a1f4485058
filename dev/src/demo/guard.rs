//! What protects the demo in a browser that also shows pages of other sites.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use super::{pages, sentences::OTHER_SITE};

/// The header that says which site's page sends a request.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The headers of each response, beside the policy.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// The policy of the pages: they have no script and no inline style, are in no frame, and their forms go
/// to the demo only. The form of the provider of the staff leads on to the console.
pub(super) fn policy(console: SocketAddr) -> String {
    format!(
        "default-src 'none'; style-src 'self'; form-action 'self' http://{console}; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// Refuses a request for another host, and a form that another site's page sends.
///
/// The check of `Host` stops DNS rebinding: another site's name that suddenly resolves to this
/// machine appears there.
pub(super) async fn check_sender(
    State(host): State<Arc<str>>,
    request: Request,
    next: Next,
) -> Response {
    let is_for_us = text(request.headers(), &header::HOST) == &*host;
    let is_from_us =
        matches!(text(request.headers(), &SEC_FETCH_SITE), "" | "none" | "same-origin");
    if is_for_us && (is_from_us || request.method() != Method::POST) {
        next.run(request).await
    } else {
        pages::problem(StatusCode::BAD_REQUEST, OTHER_SITE).into_response()
    }
}

/// The text of a header; empty if there is none.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Adds the headers that each response of the demo has.
pub(super) async fn add_headers(
    State(policy): State<Arc<str>>,
    mut response: Response,
) -> Response {
    response.headers_mut().extend(HEADERS);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

//! What protects the demo in a browser that also shows pages of other sites.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse as _, Redirect, Response},
};

use super::{
    pages,
    sentences::{OTHER_HOST, OTHER_SITE},
};

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

/// The hosts at which the demo answers.
pub(super) struct Hosts {
    /// The values of `Host` with which its pages are served.
    own: BTreeSet<String>,
    /// Its port by the name `localhost`.
    localhost: String,
    /// The URL at which browsers reach it.
    url: String,
}

impl Hosts {
    /// Those of a demo that listens on this address and that browsers reach at this URL. The one is not
    /// the other if a port is forwarded: some forwarders then send the browser's `Host`, and some their
    /// own.
    pub(super) fn new(address: SocketAddr, url: &str) -> Self {
        let listener = address.to_string();
        let localhost = format!("localhost:{}", address.port());
        let authority = url.split_once("://").map_or(url, |(_, authority)| authority).to_owned();
        let is_forwarded = authority != listener;
        let own = [Some(listener), Some(authority), is_forwarded.then(|| localhost.clone())];
        Self { own: own.into_iter().flatten().collect(), localhost, url: url.to_owned() }
    }
}

/// Refuses a request for another host, and a form that another site's page sends.
///
/// The check of `Host` stops DNS rebinding: another site's name that suddenly resolves to this
/// machine appears there. `localhost` is no such name, so its visitors are redirected to the URL at
/// which the providers return.
pub(super) async fn check_sender(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let host = text(request.headers(), &header::HOST);
    let is_post = request.method() == Method::POST;
    if !hosts.own.contains(host) {
        if host != hosts.localhost || is_post {
            return pages::problem(StatusCode::BAD_REQUEST, OTHER_HOST).into_response();
        }
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        return Redirect::temporary(&format!("{}{path}", hosts.url)).into_response();
    }
    let is_from_us =
        matches!(text(request.headers(), &SEC_FETCH_SITE), "" | "none" | "same-origin");
    if is_from_us || !is_post {
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

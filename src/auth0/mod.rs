//! Auth0's Management API over HTTP, as far as linking needs it, on the same use cases as gRPC: a client of Auth0 that
//! is given another domain finds its users here. What differs, and why, is in the README.

mod body;
mod elsewhere;
mod gate;
mod i_json;
mod identities;
mod looks;
mod messages;
mod openapi;
mod params;
mod query;
mod rate_limit;
mod search;
mod shapes;
mod users;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header},
    middleware::from_fn_with_state,
    response::IntoResponse as _,
    routing::get,
};
use hyper::body::Bytes;
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::rate_limit::told as rate_limited;
use self::{
    gate::{Gate, access_table},
    looks::Looks,
    messages::{ErrorCode, JSON, Refused},
    search::Scans,
};
use crate::{
    auth::{AbsorbedId, Permit, Rule, Target},
    calls::{Body, admission, capacity::Places, telemetry::Outcome},
    config::Auth0,
    linking::Linking,
};

/// Below which everything is.
const BASE: &str = "/api/v2";
/// The longest answer, in bytes: a user with a hundred identities that are as large as can be fits.
const MAX_ANSWER: usize = 8 * 1024 * 1024;
/// For how long a browser need not ask again what a page may do, in seconds.
const PREFLIGHT_AGE: u64 = 600;
/// What pages may send: whose data it is about, and what Auth0's clients say of themselves, beside the usual.
const PAGES_SEND: [HeaderName; 5] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("auth0-client"),
    HeaderName::from_static(admission::TENANT),
];
/// What pages may see: how long to wait, as Auth0's clients look for it, and why they are turned away.
const PAGES_SEE: [HeaderName; 5] =
    [header::RETRY_AFTER, header::WWW_AUTHENTICATE, rate_limit::LIMIT, rate_limit::REMAINING, rate_limit::RESET];
/// An answer loads nothing, and no page shows it.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// What the routes answer by.
#[derive(Clone)]
struct Surface {
    linking: Arc<Linking>,
    scans: Scans,
    looks: Looks,
}

/// Whether a path is one of this surface, or would be.
pub fn serves(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The routes, each behind the gate. At most `max_scans` searches look at everybody at once. An error if a route stands
/// on no rpc.
pub fn routes(settings: &Auth0, linking: &Arc<Linking>, places: Places, max_scans: usize) -> Result<Router, String> {
    let routes = OpenApiRouter::new()
        .routes(routes!(search::list, users::create))
        .routes(routes!(search::by_email))
        .routes(routes!(users::read, users::update, users::delete))
        .routes(routes!(identities::link))
        .routes(routes!(identities::unlink));
    let (routes, mut api) = OpenApiRouter::with_openapi(openapi::about()).nest(BASE, routes).split_for_parts();
    let table = access_table(&mut api)?;
    let document = serde_json::to_string(&openapi::complete(api, &table)).map_err(|error| error.to_string())?;
    let document = ([(header::CONTENT_TYPE, JSON)], Bytes::from(document));
    let gate = Gate {
        linking: Arc::clone(linking),
        tenants: Arc::new(settings.tenants.clone()),
        places,
        table: Arc::new(table),
    };
    let looks = Looks::new(settings.picture.as_deref());
    Ok(routes
        .route_layer(from_fn_with_state(gate, gate::pass))
        // Behind no gate: it tells nothing about anybody.
        .route(&format!("{BASE}/openapi.json"), get(move || async move { document }))
        .fallback(
            async |uri: Uri| if serves(uri.path()) { Refused::not_found() } else { elsewhere::refused(uri.path()) },
        )
        .method_not_allowed_fallback(async || Refused::method())
        .with_state(Surface { linking: Arc::clone(linking), scans: Scans::new(max_scans), looks }))
}

/// Lets pages of these origins call from a browser, and no others. There are no cookies, so none are let through.
pub fn cors(settings: &Auth0) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(settings.allowed_origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(PAGES_SEND)
        .expose_headers(PAGES_SEE)
        .max_age(Duration::from_secs(PREFLIGHT_AGE))
}

/// What a browser is told of every answer: that it is nobody's to keep, and nothing to show.
pub fn secured(is_tls: bool) -> impl Fn(Response<Body>) -> Response<Body> + Clone {
    move |mut answer| {
        let headers = answer.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(NOTHING));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        if is_tls {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        answer
    }
}

/// How a call ended.
pub fn outcome(answer: Option<&Response<Body>>) -> Outcome {
    let code = answer.map_or_else(|| "gone".to_owned(), |answer| answer.status().as_u16().to_string());
    let reason = answer.and_then(|answer| answer.extensions().get::<ErrorCode>());
    Outcome { code, reason: reason.map(|ErrorCode(code)| (*code).to_owned()).unwrap_or_default() }
}

/// What a fault of ours is answered with, that has been logged.
pub fn fault() -> Response<Body> {
    Refused::fault().into_response().map(Body::new)
}

/// What a call is answered that took longer than it may.
pub fn over() -> Response<Body> {
    Refused::over().into_response().map(Body::new)
}

/// Whose data a call is about.
fn target(permit: &Permit, rule: &Rule, id: &str, absorbed_id: AbsorbedId) -> Result<Target, Refused> {
    permit.target_of_account(id, absorbed_id).map_err(|denial| Refused::denied(rule, denial))
}

/// An answer of JSON.
fn json(status: StatusCode, body: &impl Serialize) -> Result<Response<axum::body::Body>, Refused> {
    let body = serde_json::to_vec(body).map_err(|error| Refused::logged(&error.to_string()))?;
    if body.len() > MAX_ANSWER {
        return Err(Refused::too_much());
    }
    Ok((status, [(header::CONTENT_TYPE, JSON)], body).into_response())
}

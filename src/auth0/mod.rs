//! The part of Auth0's Management API over HTTP that linking needs, on the same use cases as gRPC.
//! A client of Auth0 uses it after a change of its domain. `docs/reference/auth0-differences.md`
//! lists the differences and their reasons.

mod access_table;
mod body;
mod connections;
mod elsewhere;
mod error;
mod export;
mod gate;
mod identities;
mod jobs;
mod looks;
mod openapi;
mod params;
mod query;
mod rate_limit;
#[cfg(test)]
mod reference;
mod refusals;
mod search;
mod shapes;
mod users;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderName, Method, Response, StatusCode, Uri, header},
    middleware::from_fn_with_state,
    response::IntoResponse as _,
    routing::get,
};
use hyper::body::Bytes;
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    access_table::{Route, access_table},
    error::{ApiError, ErrorCode, JSON},
    gate::Gate,
    looks::Looks,
    search::Scans,
};
pub use self::{
    export::UserLines,
    jobs::form::{FormProblem, form_parts},
    rate_limit::with_rate_limit,
};
use crate::{
    auth::{AbsorbedId, Permit, Target},
    calls::{Body, admission, concurrency::ConcurrencyLimit, telemetry::CallOutcome},
    config::Auth0,
    domain::TenantId,
    rate_limits::RateLimits,
    telemetry::Label,
    transfer::limits::TransferLimits,
    use_cases::UseCases,
};

/// The common prefix of all paths.
const BASE: &str = "/api/v2";
/// The longest response, in bytes: a user with a hundred identities of the largest size fits.
const MAX_RESPONSE: usize = 8 * 1024 * 1024;
/// How long a browser may cache a preflight response, in seconds.
const PREFLIGHT_AGE: u64 = 600;
/// The request headers that pages may send: the usual ones, the tenant, and the header in which
/// Auth0's clients describe themselves.
const ALLOWED_HEADERS: [HeaderName; 5] = [
    header::ACCEPT,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("auth0-client"),
    HeaderName::from_static(admission::TENANT),
];
/// The response headers that pages may read: the time to wait, as Auth0's clients look for it, and
/// the reason of a 401.
const EXPOSED_HEADERS: [HeaderName; 5] = [
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    rate_limit::LIMIT,
    rate_limit::REMAINING,
    rate_limit::RESET,
];

/// The state that the routes share.
#[derive(Clone)]
struct AppState {
    use_cases: Arc<UseCases>,
    scans: Scans,
    looks: Looks,
    /// The tenants that are served.
    tenants: Arc<BTreeSet<TenantId>>,
    /// The URL of this surface for links; `None` for that of each request.
    url: Option<Arc<str>>,
    transfers: TransferLimits,
}

/// Whether a path is under this surface's prefix, with or without a route.
pub fn serves(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The routes, each behind the gate. Each call counts for the `rate_limits` of its caller; at most
/// `max_scans` searches over all users run at once. Downloads are within the bounds of `transfers`.
///
/// # Errors
/// A text that names the route without an rpc.
pub fn routes(
    settings: &Auth0,
    use_cases: &Arc<UseCases>,
    rate_limits: Arc<RateLimits>,
    (limit, max_scans, transfers): (ConcurrencyLimit, usize, TransferLimits),
) -> Result<Router, String> {
    let routes = OpenApiRouter::new()
        .routes(routes!(search::list, users::create))
        .routes(routes!(search::by_email))
        .routes(routes!(users::read, users::update, users::delete))
        .routes(routes!(identities::link))
        .routes(routes!(identities::unlink))
        .routes(routes!(connections::list))
        .routes(routes!(jobs::import::import))
        .routes(routes!(jobs::export::export))
        .routes(routes!(jobs::read))
        .routes(routes!(jobs::errors));
    let (routes, mut api) =
        OpenApiRouter::with_openapi(openapi::about()).nest(BASE, routes).split_for_parts();
    let table = access_table(&mut api)?;
    let document = serde_json::to_string(&openapi::complete(api, &table))
        .map_err(|error| error.to_string())?;
    let document = ([(header::CONTENT_TYPE, JSON)], Bytes::from(document));
    let tenants = Arc::new(settings.tenants.clone());
    let gate = Gate {
        use_cases: Arc::clone(use_cases),
        tenants: Arc::clone(&tenants),
        rate_limits,
        limit,
        table: Arc::new(table),
    };
    let looks = Looks::new(settings.picture.as_deref());
    Ok(routes
        .route_layer(from_fn_with_state(gate, gate::pass))
        // Without the gate: it contains nothing about any user.
        .route(&format!("{BASE}/openapi.json"), get(move || async move { document }))
        // Without the gate: the link itself is the permission.
        .route(jobs::download::PATH, get(jobs::download::download))
        .fallback(async |uri: Uri| {
            if serves(uri.path()) { ApiError::not_found() } else { elsewhere::refused(uri.path()) }
        })
        .method_not_allowed_fallback(async || ApiError::method())
        .with_state(AppState {
            use_cases: Arc::clone(use_cases),
            scans: Scans::new(max_scans),
            looks,
            tenants,
            url: settings.url.as_deref().map(Arc::from),
            transfers,
        }))
}

/// The CORS rules: only pages of the configured origins may call from a browser. Credentials are
/// not allowed, since the surface uses no cookies.
pub fn cors(settings: &Auth0) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(settings.allowed_origins.iter().cloned()))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(ALLOWED_HEADERS)
        .expose_headers(EXPOSED_HEADERS)
        .max_age(Duration::from_secs(PREFLIGHT_AGE))
}

/// The outcome of a call for the log and the metrics. Without a response, the client is gone.
pub fn outcome(response: Option<&Response<Body>>) -> CallOutcome {
    let code = response.map_or(Label::Static("gone"), |response| {
        Label::from(response.status().as_u16().to_string())
    });
    let reason = response.and_then(|response| response.extensions().get::<ErrorCode>());
    CallOutcome {
        code,
        reason: reason.map(|ErrorCode(code)| Label::Static(code)).unwrap_or_default(),
    }
}

/// The response after an internal fault that is already logged.
pub fn fault() -> Response<Body> {
    ApiError::fault().into_response().map(Body::new)
}

/// The response to a call that did not finish in time.
pub fn deadline_exceeded() -> Response<Body> {
    ApiError::deadline_exceeded().into_response().map(Body::new)
}

/// The user that a call is about.
fn target(
    permit: &Permit,
    route: Route,
    id: &str,
    absorbed_id: AbsorbedId,
) -> Result<Target, ApiError> {
    permit
        .target_of_account(id, absorbed_id)
        .map_err(|denial| ApiError::from_auth_error(route, denial))
}

/// A JSON response.
fn json(status: StatusCode, body: &impl Serialize) -> Result<Response<axum::body::Body>, ApiError> {
    let body = serde_json::to_vec(body).map_err(|error| ApiError::log_fault(&error.to_string()))?;
    if body.len() > MAX_RESPONSE {
        return Err(ApiError::too_much());
    }
    Ok((status, [(header::CONTENT_TYPE, JSON)], body).into_response())
}

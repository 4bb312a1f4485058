//! The console: pages on a listener of their own, on which support staff find users, look at
//! them and change them.
//!
//! A person signs in at a provider of the operator, and a claim of the ID token gives the role. What a
//! page shows comes from the same calls that services make, by the same access table: the person's role
//! stands for the scopes of a token. A change needs a recent sign-in and a reason. Each page of a user is
//! recorded.

mod calls;
mod changes;
mod masked;
mod pages;
mod sessions;
mod sign_in;
mod texts;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tonic::service::Routes;

use self::{
    pages::{Problem, change, feed, find, health, jobs, timeline, user, why},
    texts::Texts,
};
use crate::{
    calls::{Body, concurrency::ConcurrencyLimit, telemetry::CallOutcome},
    config::{CALLBACK, Console},
    domain::TenantId,
    management::ServerState,
    telemetry::{CallRecord, Label},
    use_cases::UseCases,
};

/// The longest form that is read, in bytes.
const MAX_FORM: usize = 16 * 1024;

/// What all pages share.
#[derive(Clone)]
struct App {
    settings: Arc<Console>,
    /// The first tenant of the console, under which its sessions are stored.
    home: TenantId,
    use_cases: Arc<UseCases>,
    calls: Routes,
    limit: ConcurrencyLimit,
    state: ServerState,
}

/// The pages of a console. `calls` are the services that its pages call, without a gate; each call takes
/// one of `limit`, and `state` is what is shown of the server. `None` for a console without a tenant,
/// which no configuration has.
pub fn routes(
    settings: &Console,
    use_cases: &Arc<UseCases>,
    calls: Routes,
    limit: ConcurrencyLimit,
    state: ServerState,
) -> Option<Router> {
    let (settings, use_cases) = (Arc::new(settings.clone()), Arc::clone(use_cases));
    let home = settings.tenants.first()?.clone();
    let app = App { settings, home, use_cases, calls, limit, state };
    let routes = Router::new()
        .route("/", get(find::form))
        .route("/find", post(find::find))
        .route("/sign-in", get(sign_in::button))
        .route(sign_in::START, get(sign_in::start))
        .route(CALLBACK, get(sign_in::end))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/why", get(why::form).post(why::why))
        .route("/users/{tenant}/{user}", get(user::page_of_user).post(user::say_why))
        .route("/users/{tenant}/{user}/change", post(change::change))
        .route("/users/{tenant}/{user}/timeline", get(timeline::page_of_timeline))
        .route("/jobs", get(jobs::page_of_jobs).post(jobs::find))
        .route("/jobs/{tenant}/{job}", get(jobs::page_of_job).post(jobs::act))
        .route("/jobs/{tenant}/{job}/live", get(jobs::live))
        .route("/job.js", get(jobs::script))
        .route("/feed", get(feed::page_of_feed))
        .route("/feed/live", get(feed::live))
        .route("/feed.js", get(feed::script))
        .route("/health", get(health::page_of_health))
        .route("/style.css", get(pages::style))
        .fallback(async |headers: HeaderMap| Problem::NotHere.page(Texts::of(&headers)))
        .method_not_allowed_fallback(async |headers: HeaderMap| {
            Problem::Form.page(Texts::of(&headers))
        })
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn_with_state(app.clone(), check_sender))
        .layer(middleware::from_fn(name_call))
        .layer(middleware::map_response_with_state(app.clone(), add_headers));
    Some(routes.with_state(app))
}

/// The reason of a page that says what is wrong, for the log: an extension of its response.
#[derive(Debug, Clone, Copy)]
struct Reason(&'static str);

/// The page has a script of the console: an extension of its response.
#[derive(Debug, Clone, Copy)]
struct Scripted;

/// How a request ended, for the log.
pub fn outcome(response: Option<&http::Response<Body>>) -> CallOutcome {
    let Some(response) = response else {
        return CallOutcome { code: Label::from("Cancelled"), reason: Label::default() };
    };
    let reason = response.extensions().get::<Reason>().map_or("", |Reason(reason)| reason);
    CallOutcome { code: response.status().as_str().to_owned().into(), reason: reason.into() }
}

/// The page after an internal fault that is already logged.
pub fn fault() -> http::Response<Body> {
    Problem::Fault.page(Texts::ENGLISH).map(Body::new)
}

/// The page of a request that did not end in time.
pub fn deadline_exceeded() -> http::Response<Body> {
    Problem::Busy.page(Texts::ENGLISH).map(Body::new)
}

/// Names the call for the log: by the route, because a path has the id of a user.
async fn name_call(request: Request, next: Next) -> Response {
    if let Some(record) = request.extensions().get::<CallRecord>() {
        let mut parts = request.uri().path().split('/').skip(1);
        let first = parts.next().unwrap_or_default();
        let route = match first {
            "users" => match parts.nth(2) {
                Some("change") => "/console/users/change",
                Some("timeline") => "/console/users/timeline",
                _ => "/console/users",
            },
            "jobs" => match (parts.next(), parts.nth(1)) {
                (None, _) => "/console/jobs",
                (_, Some("live")) => "/console/jobs/live",
                (_, _) => "/console/jobs/job",
            },
            "job.js" => "/console/job.js",
            "feed" if parts.next() == Some("live") => "/console/feed/live",
            "feed" => "/console/feed",
            "feed.js" => "/console/feed.js",
            "find" => "/console/find",
            "why" => "/console/why",
            "health" => "/console/health",
            "sign-in" => "/console/sign-in",
            "sign-out" => "/console/sign-out",
            "callback" => "/console/callback",
            "style.css" => "/console/style.css",
            "" => "/console",
            _ => "/console/unknown",
        };
        let method = if request.method() == Method::POST { "POST" } else { "GET" };
        record.set_name(format!("{method} {route}"));
    }
    next.run(request).await
}

/// Refuses a request for another host, and a form or the start of a sign-in by a page of another site.
///
/// The check of `Host` stops DNS rebinding: the name of another site that suddenly resolves to this
/// server appears there.
async fn check_sender(State(app): State<App>, request: Request, next: Next) -> Response {
    match refused(&app.settings, &request) {
        None => next.run(request).await,
        Some(problem) => problem.page(Texts::of(request.headers())),
    }
}

/// Why a request is not from a page of the console; `None` if it may be.
fn refused(settings: &Console, request: &Request) -> Option<Problem> {
    const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    let text = |name: &HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let host = settings.base_url.split_once("://").map(|(_, host)| host);
    // HTTP/2 has it in the URI.
    let asked_for = request.uri().authority().map_or_else(|| text(&header::HOST), |it| it.as_str());
    if host != Some(asked_for) {
        return Some(Problem::NotHere);
    }
    let is_from_here = matches!(text(&SEC_FETCH_SITE), "" | "none" | "same-origin");
    let may_come_from_elsewhere =
        request.method() == Method::GET && request.uri().path() != sign_in::START;
    (!is_from_here && !may_come_from_elsewhere).then_some(Problem::Form)
}

/// The headers of each response. The pages have no inline style, are in no frame, and their forms go to
/// the console alone. Only a page that needs it has a script, from a file of the console.
async fn add_headers(State(app): State<App>, mut response: Response) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    const SCRIPTED_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    const HEADERS: [(HeaderName, HeaderValue); 5] = [
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::VARY, HeaderValue::from_static("accept-language, cookie")),
    ];
    response.headers_mut().extend(HEADERS);
    if response.extensions().get::<Scripted>().is_some() {
        let policy = HeaderValue::from_static(SCRIPTED_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if app.settings.is_https() {
        let year = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}

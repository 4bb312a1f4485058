//! Tokens that providers send themselves, over HTTP: logout tokens (OpenID Connect Back-Channel Logout
//! 1.0 §2.5) and security event tokens (RFC 8935). The token is the only credential: no caller needs
//! another, and none is looked at. There are these routes only if a provider is configured for them.

mod answers;

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body as RequestBody,
    extract::{Path, Request, State},
    response::Response,
    routing::post,
};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

pub use self::answers::outcome;
use self::answers::{Answer, Refusal};
use crate::{
    auth::EventTokenKind,
    calls::{Body, admitted, concurrency::ConcurrencyLimit},
    clock,
    domain::{Provider, TenantId},
    rate_limits::PushLimits,
    telemetry::CallRecord,
    use_cases::{NotStored, UseCases},
};

/// The common prefix of all paths.
const BASE: &str = "/providers/";
/// The route of logout tokens.
const LOGOUT: &str = "/providers/{tenant}/{provider}/backchannel-logout";
/// The route of security event tokens.
const EVENTS: &str = "/providers/{tenant}/{provider}/security-events";
/// The longest body, in bytes: a token of 8 KiB, with each character of a form encoded.
const MAX_BODY: usize = 25 * 1024;
/// The time in which a whole body must arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What the routes share.
#[derive(Clone)]
struct AppState {
    use_cases: Arc<UseCases>,
    limit: ConcurrencyLimit,
    push_limits: Arc<PushLimits>,
}

/// Whether a path is under the prefix of these routes, with or without a route.
pub fn serves(path: &str) -> bool {
    path.starts_with(BASE)
}

/// The routes. What was verified takes a slot of the calls that the server carries out at once.
pub fn routes(use_cases: &Arc<UseCases>, limit: ConcurrencyLimit) -> Router {
    let state = AppState { use_cases: Arc::clone(use_cases), limit, push_limits: Arc::default() };
    Router::new()
        .route(LOGOUT, post(logout_token))
        .route(EVENTS, post(security_events))
        .fallback(async || Answer::of(EventTokenKind::SecurityEvents).refuse(Refusal::NOT_HERE))
        .method_not_allowed_fallback(async || {
            Answer::of(EventTokenKind::SecurityEvents).refuse(Refusal::METHOD)
        })
        .with_state(state)
}

/// The response after an internal fault that is already logged.
pub fn fault() -> http::Response<Body> {
    Answer::of(EventTokenKind::SecurityEvents).refuse(Refusal::FAULT).map(Body::new)
}

/// The response to a call that did not finish in time.
pub fn deadline_exceeded() -> http::Response<Body> {
    Answer::of(EventTokenKind::SecurityEvents).refuse(Refusal::BUSY).map(Body::new)
}

async fn logout_token(
    State(state): State<AppState>,
    Path(names): Path<(String, String)>,
    request: Request,
) -> Response {
    receive(&state, names, (EventTokenKind::Logout, LOGOUT), request).await
}

async fn security_events(
    State(state): State<AppState>,
    Path(names): Path<(String, String)>,
    request: Request,
) -> Response {
    receive(&state, names, (EventTokenKind::SecurityEvents, EVENTS), request).await
}

async fn receive(
    state: &AppState,
    names: (String, String),
    (kind, route): (EventTokenKind, &str),
    request: Request,
) -> Response {
    let record = request.extensions().get::<CallRecord>().cloned().unwrap_or_default();
    record.set_name(format!("POST {route}"));
    let answer = Answer::of(kind);
    match carry_out(state, names, kind, request, &record).await {
        Ok(()) => admitted(answer.accept()),
        Err(refusal) => answer.refuse(refusal),
    }
}

async fn carry_out(
    state: &AppState,
    (tenant, provider): (String, String),
    kind: EventTokenKind,
    request: Request,
    record: &CallRecord,
) -> Result<(), Refusal> {
    let AppState { use_cases, limit, push_limits } = state;
    let named = TenantId::parse(&tenant).zip(Provider::parse(&provider));
    let named = named.filter(|(tenant, provider)| use_cases.takes_pushes(tenant, provider));
    let (tenant, provider) = named.ok_or(Refusal::NOT_HERE)?;
    // Before the body is read, so that the bodies of a flood take no memory either.
    if !push_limits.passes(&tenant, &provider).await {
        let counted = &use_cases.metrics().provider_events;
        counted.received(tenant.as_str(), provider.as_str(), kind.as_str(), "above_limit");
        return Err(Refusal::ABOVE_LIMIT);
    }
    let (headers, body) = (request.headers().clone(), request.into_body());
    let token = match kind {
        EventTokenKind::Logout => {
            expect_type(&headers, "application/x-www-form-urlencoded")?;
            logout_token_of(&read(body).await?).ok_or(Refusal::FORM)?
        }
        EventTokenKind::SecurityEvents => {
            expect_type(&headers, "application/secevent+jwt")?;
            let body = read(body).await?;
            String::from_utf8(body).map_err(|_| Refusal::BODY)?.trim_ascii().to_owned()
        }
    };
    let mut events = {
        // A token that is not verified yet takes no slot of the calls that have a caller.
        let _turn = push_limits.turn(&tenant, &provider).await.ok_or(Refusal::BUSY)?;
        let named = (&tenant, provider);
        use_cases.verified_events(named, (kind, &token), None, clock::now()).await?
    };
    // From here on it is the provider's own call.
    record.set_caller("provider", None);
    record.set_tenant(tenant.as_str());
    limit.acquire(events.permit_mut()).await.map_err(|_| Refusal::BUSY)?;
    use_cases.run(events, None, |_| NotStored(())).await?;
    Ok(())
}

/// Refuses a body of another media type.
fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), Refusal> {
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(given), None) = (given.next(), given.next()) else {
        return Err(Refusal::MEDIA_TYPE);
    };
    let given = given.to_str().ok().and_then(|given| given.split(';').next());
    match given.is_some_and(|given| given.trim().eq_ignore_ascii_case(expected)) {
        true => Ok(()),
        false => Err(Refusal::MEDIA_TYPE),
    }
}

async fn read(body: RequestBody) -> Result<Vec<u8>, Refusal> {
    let whole = pin!(Limited::new(body, MAX_BODY).collect());
    let whole = timeout(BODY_TIME, whole).await.map_err(|_| Refusal::BODY)?;
    Ok(whole.map_err(|_| Refusal::BODY)?.to_bytes().to_vec())
}

/// The one logout token of a form; `None` if it has none, or several: the signature of one could be
/// verified, and the claims of another read.
pub fn logout_token_of(form: &[u8]) -> Option<String> {
    let mut tokens = form_urlencoded::parse(form).filter(|(name, _)| name == "logout_token");
    match (tokens.next(), tokens.next()) {
        (Some((_, token)), None) => Some(token.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_one_logout_token() {
        assert_eq!(logout_token_of(b"logout_token=a.b.c&more=1"), Some("a.b.c".to_owned()));
        assert_eq!(logout_token_of(b"logout%5Ftoken=a%2Eb"), Some("a.b".to_owned()));
        for bad in ["", "token=a", "logout_token=a&logout_token=b"] {
            assert_eq!(logout_token_of(bad.as_bytes()), None, "{bad}");
        }
    }
}

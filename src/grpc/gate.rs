//! The gate: one layer in front of each path. It verifies the bearer token, looks up the path in
//! the access table, and grants a permit or refuses. It refuses a path that is not in the table.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{
    not_calls,
    paths::{is_long_call, is_open_stream, is_public, is_watch},
    status::{from_auth_error, overloaded, rate_limited, rpc_unknown},
    streams::OpenStreams,
};
use crate::{
    auth::{AccessRule, VerifiedToken},
    calls::{admission, admitted, concurrency::ConcurrencyLimit},
    rate_limits::{RateLimits, Verdict},
    telemetry::CallRecord,
    use_cases::UseCases,
};

/// Puts the gate in front of a service.
#[derive(Clone)]
pub struct GateLayer {
    use_cases: Arc<UseCases>,
    rate_limits: Arc<RateLimits>,
    limit: ConcurrencyLimit,
    streams: OpenStreams,
}

impl GateLayer {
    /// A gate that trusts the issuers of these use cases. Each call counts for the `rate_limits` of
    /// its caller, and takes one of `limit` if it is admitted; calls without a token have at most
    /// `streams` open.
    pub fn new(
        use_cases: Arc<UseCases>,
        rate_limits: Arc<RateLimits>,
        limit: ConcurrencyLimit,
        streams: OpenStreams,
    ) -> Self {
        Self { use_cases, rate_limits, limit, streams }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, gate: self.clone() }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub struct Gate<S> {
    inner: S,
    gate: GateLayer,
}

impl<S, B> Service<Request<B>> for Gate<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // Uses the instance that is ready; a clone need not be.
        let ready = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, ready);
        let GateLayer { use_cases, rate_limits, limit, streams } = self.gate.clone();
        Box::pin(async move {
            if let Some(refused) = not_calls::refuse(&request) {
                return Ok(refused);
            }
            let path = request.uri().path();
            if is_open_stream(path) {
                let Some(slot) = streams.acquire_slot() else {
                    return Ok(overloaded().into_http());
                };
                let is_watch = is_watch(path);
                return Ok(streams.limit(inner.call(request).await?, slot, is_watch));
            }
            if is_public(path) {
                return inner.call(request).await;
            }
            let record = request.extensions().get::<CallRecord>().cloned().unwrap_or_default();
            let (token, rule) = match identify(&use_cases, path, request.headers(), &record).await {
                Ok(identified) => identified,
                Err(status) => return Ok(status.into_http()),
            };
            // Before the access check: a caller that may not make the calls has the same limit.
            if let Verdict::Refused(exceeded) = rate_limits.judge(&token, rule.class).await {
                return Ok(admitted(rate_limited(&exceeded).into_http()));
            }
            match admission::permit(&use_cases, rule, &token, request.headers(), &record) {
                Ok(mut permit) => {
                    // After the access check, so that a call that is refused takes no slot. A call
                    // that lasts takes a slot of its kind instead.
                    if !is_long_call(path) && limit.acquire(&mut permit).await.is_err() {
                        return Ok(admitted(overloaded().into_http()));
                    }
                    // No handler needs the token, and without it none can log it by accident.
                    request.headers_mut().remove(AUTHORIZATION);
                    request.extensions_mut().insert(permit);
                    Ok(admitted(inner.call(request).await?))
                }
                Err(denial) => Ok(from_auth_error(denial).into_http()),
            }
        })
    }
}

/// Who calls, and the rule of the rpc. Which user the call is about is in the message, and judged
/// later.
async fn identify(
    use_cases: &UseCases,
    path: &str,
    headers: &HeaderMap,
    record: &CallRecord,
) -> Result<(Arc<VerifiedToken>, &'static AccessRule), Status> {
    let token = admission::verify(use_cases, headers, record).await.map_err(from_auth_error)?;
    // Only verified callers learn which paths exist.
    let rule = AccessRule::for_path(path).ok_or_else(rpc_unknown)?;
    Ok((token, rule))
}

//! The gate: one layer in front of each path. It verifies the bearer token, looks up the path in
//! the access table, and grants a permit or refuses. It refuses a path that is not in the table.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE},
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{
    paths::{is_grpc, is_long_call, is_open_stream, is_public, is_watch},
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

/// What a person reads who opens the port in a browser.
const SENTENCE: &str = "This port speaks gRPC: call it with a gRPC client such as grpcurl.\n";

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
            if let Some(refused) = reject_non_grpc(&request) {
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

/// Refuses a request of HTTP that is not a gRPC call (gRPC over HTTP2, "Requests"); tonic would
/// respond as if it were.
fn reject_non_grpc<B>(request: &Request<B>) -> Option<Response<Body>> {
    let refusal =
        match (request.version(), request.method() == Method::POST, is_grpc(request.headers())) {
            (Version::HTTP_2, true, true) => return None,
            (Version::HTTP_2, false, _) => {
                Response::builder().status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "POST")
            }
            (Version::HTTP_2, true, false) => {
                Response::builder().status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            }
            // Trailers, which contain the status of a call, get lost in HTTP/1.
            _ => Response::builder().status(StatusCode::HTTP_VERSION_NOT_SUPPORTED),
        };
    // A person with a browser reads the sentence. Other refusals have no body: a gRPC client would
    // take it for a message, and report INTERNAL instead of the status.
    let response = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => {
            refusal.header(CONTENT_TYPE, "text/plain").body(Body::new(SENTENCE.to_owned()))
        }
        _ => refusal.body(Body::empty()),
    };
    Some(response.unwrap_or_default())
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

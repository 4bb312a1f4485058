//! The gate: one layer in front of every path. Bearer, verified; caller; access table; permit, or
//! the refusal. What is not in the table is refused.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE},
};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{
    paths::{is_open_stream, is_public, is_watch},
    status::{denied, overloaded},
    streams::OpenStreams,
    telemetry::CallRecord,
};
use crate::{
    auth::{Denial, Permit, Rule, TokenUse, VerifiedToken, Who},
    clock,
    domain::{Refusal, TenantId},
    linking::Linking,
};

/// The metadata in which a service that serves several tenants names one.
const TENANT: &str = "x-tenant";

/// Puts the gate in front of a service.
#[derive(Clone)]
pub struct GateLayer {
    linking: Arc<Linking>,
    streams: OpenStreams,
}

/// Goes with an answer to somebody who was let in, as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Admitted;

impl GateLayer {
    /// A gate that trusts the issuers of these use cases, and lets nobody else open more than `streams`.
    pub fn new(linking: Arc<Linking>, streams: OpenStreams) -> Self {
        Self { linking, streams }
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, linking: Arc::clone(&self.linking), streams: self.streams.clone() }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub struct Gate<S> {
    inner: S,
    linking: Arc<Linking>,
    streams: OpenStreams,
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
        // The one that is ready; its clone need not be.
        let ready = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, ready);
        let (linking, streams) = (Arc::clone(&self.linking), self.streams.clone());
        Box::pin(async move {
            if let Some(refused) = no_call(request.method(), request.headers()) {
                return Ok(refused);
            }
            let path = request.uri().path();
            if is_open_stream(path) {
                let Some(place) = streams.place() else { return Ok(overloaded().into_http()) };
                let is_watch = is_watch(path);
                return Ok(streams.bound(inner.call(request).await?, place, is_watch));
            }
            if is_public(path) {
                return inner.call(request).await;
            }
            let record = request.extensions().get::<CallRecord>().cloned().unwrap_or_default();
            match admit(&linking, request.uri().path(), request.headers(), &record).await {
                Ok(permit) => {
                    // Nobody behind the gate needs the token, and nobody can log it by accident.
                    request.headers_mut().remove(AUTHORIZATION);
                    request.extensions_mut().insert(permit);
                    let mut answer = inner.call(request).await?;
                    answer.extensions_mut().insert(Admitted);
                    Ok(answer)
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}

/// Turns away what is HTTP but no call (gRPC over HTTP2, "Requests"); tonic would answer it as if it were.
fn no_call(method: &Method, headers: &HeaderMap) -> Option<Response<Body>> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_grpc = content_type
        .strip_prefix("application/grpc")
        .is_some_and(|rest| matches!(rest.get(..1), None | Some("+" | ";")));
    let refusal = match (method == Method::POST, is_grpc) {
        (true, true) => return None,
        (false, _) => Response::builder().status(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, "POST"),
        (true, false) => Response::builder().status(StatusCode::UNSUPPORTED_MEDIA_TYPE),
    };
    Some(refusal.body(Body::empty()).unwrap_or_default())
}

/// Judges a call by its path and its metadata; whose data it is about is in the message.
async fn admit(linking: &Linking, path: &str, headers: &HeaderMap, record: &CallRecord) -> Result<Permit, Status> {
    let token = bearer(headers).map_err(denied)?;
    let token = linking.issuers().verify(token, TokenUse::Bearer, clock::now()).await.map_err(denied)?;
    record.set_caller(match token.who {
        Who::User(_) => "user",
        Who::Service => "service",
    });
    // Only whoever is somebody learns which paths there are.
    let rule = Rule::of(path).ok_or_else(|| Status::unimplemented("there is no such rpc"))?;
    let permit = rule.permit(&token, || tenant(headers, &token)).map_err(denied)?;
    linking.expect_sign_in(&permit).map_err(denied)?;
    Ok(permit)
}

/// The one bearer token (RFC 6750 §2.1). Two credentials could be two callers.
fn bearer(headers: &HeaderMap) -> Result<&str, Denial> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Denial::TokenMissing),
        (Some(value), None) => value.to_str().map_err(|_| Denial::TokenInvalid("not ASCII"))?,
        (Some(_), Some(_)) => return Err(Denial::TokenInvalid("two authorization headers")),
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Denial::TokenInvalid("not a bearer token")),
    }
}

/// The tenant that the call is about: the token's, or the one of several that the call names.
fn tenant(headers: &HeaderMap, token: &VerifiedToken) -> Result<TenantId, Denial> {
    let wrong = |text: &str| Err(Refusal::invalid(TENANT, text).into());
    let mut named = headers.get_all(TENANT).iter();
    let mut own = token.tenants.iter();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => wrong("must be given once"),
        (Some(name), None) => {
            let name = name.to_str().ok().and_then(TenantId::parse);
            match name.filter(|name| token.tenants.contains(name)) {
                Some(tenant) => Ok(tenant),
                None => wrong("must name a tenant that the token serves"),
            }
        }
        (None, _) => match (own.next(), own.next()) {
            (Some(tenant), None) => Ok(tenant.clone()),
            _ => wrong("is required: the token serves several tenants"),
        },
    }
}

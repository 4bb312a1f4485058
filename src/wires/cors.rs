//! Which pages may call from a browser (<https://fetch.spec.whatwg.org/#http-cors-protocol>).

use std::{
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::Either;
use http::{
    HeaderName, HeaderValue, Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE},
};
use tower::{Layer, Service};
use tower_http::cors::{self, AllowOrigin, CorsLayer};

use crate::{
    calls::{Body, admission::TENANT},
    telemetry::TRACEPARENT,
};

/// How long a browser may cache a preflight response.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);
/// The request headers that pages may send: those of Connect and gRPC-Web, the token, the tenant and
/// the trace.
const ALLOWED_HEADERS: [HeaderName; 9] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static(TENANT),
    HeaderName::from_static(TRACEPARENT),
    HeaderName::from_static("connect-protocol-version"),
    HeaderName::from_static("connect-timeout-ms"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];
/// The response headers that pages may read: the status of gRPC-Web, and what a refusal says in
/// headers.
const EXPOSED_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static("grpc-retry-pushback-ms"),
    RETRY_AFTER,
    WWW_AUTHENTICATE,
];

/// Lets pages of the configured origins call.
#[derive(Debug, Clone)]
pub struct PagesLayer(Option<CorsLayer>);

impl PagesLayer {
    /// Pages of these origins may call; without origins, no page. Credentials are not allowed, since
    /// the rpcs use no cookies.
    pub fn new(origins: &[HeaderValue]) -> Self {
        let cors = || {
            CorsLayer::new()
                .allow_origin(AllowOrigin::list(origins.iter().cloned()))
                .allow_methods([Method::GET, Method::POST])
                .allow_headers(ALLOWED_HEADERS)
                .expose_headers(EXPOSED_HEADERS)
                .max_age(PREFLIGHT_AGE)
        };
        Self((!origins.is_empty()).then(cors))
    }
}

impl<S: Clone> Layer<S> for PagesLayer {
    type Service = Pages<S>;

    fn layer(&self, inner: S) -> Pages<S> {
        Pages { cors: self.0.as_ref().map(|cors| cors.layer(inner.clone())), inner }
    }
}

/// A service that pages may call.
#[derive(Debug, Clone)]
pub struct Pages<S> {
    cors: Option<cors::Cors<S>>,
    inner: S,
}

impl<S, B> Service<Request<B>> for Pages<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, <cors::Cors<S> as Service<Request<B>>>::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        if let Some(cors) = &mut self.cors {
            std::task::ready!(cors.poll_ready(cx))?;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match &mut self.cors {
            // Only browsers send it: other clients need no headers for pages.
            Some(cors) if request.headers().contains_key(ORIGIN) => {
                Either::Right(cors.call(request))
            }
            Some(_) | None => Either::Left(self.inner.call(request)),
        }
    }
}

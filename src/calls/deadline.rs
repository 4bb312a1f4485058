//! The time limit of calls: what the client sets, but at most the server's maximum. It covers
//! reading the message, however slowly it arrives, up to the headers of the response. A stream that
//! follows them is not cut. Calls that send a stream before their response have only the client's limit,
//! and bounds of their own.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use tokio::time::timeout;
use tower::{Layer, Service};

use super::Body;

/// Ends the calls of a service at their deadline.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    max: Duration,
    requested: fn(&HeaderMap) -> Option<Duration>,
    lasts: fn(&str) -> bool,
    exceeded: fn() -> Response<Body>,
}

impl DeadlineLayer {
    /// A call takes at most `max`, unless it `lasts` by its path, and less if its headers set a lower
    /// limit. `exceeded` makes the response after the deadline.
    pub fn new(
        max: Duration,
        requested: fn(&HeaderMap) -> Option<Duration>,
        lasts: fn(&str) -> bool,
        exceeded: fn() -> Response<Body>,
    ) -> Self {
        Self { max, requested, lasts, exceeded }
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, bound: *self }
    }
}

/// A service whose calls end at their deadline.
#[derive(Debug, Clone)]
pub struct Deadline<S> {
    inner: S,
    bound: DeadlineLayer,
}

impl<S, B> Service<Request<B>> for Deadline<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let DeadlineLayer { max, requested, lasts, exceeded } = self.bound;
        let max = (!lasts(request.uri().path())).then_some(max);
        let requested = requested(request.headers());
        let Some(allowed) = [max, requested].into_iter().flatten().min() else {
            return Box::pin(self.inner.call(request));
        };
        if allowed.is_zero() {
            // The call is not even begun: a call that is begun may write.
            return Box::pin(async move { Ok(exceeded()) });
        }
        let call = timeout(allowed, self.inner.call(request));
        Box::pin(async move { call.await.unwrap_or_else(|_| Ok(exceeded())) })
    }
}

//! A panic costs only the call that caused it. The hook that `cli/log.rs` sets logs it, and the
//! client gets the response to an internal fault.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, future::ready};
use http::{Request, Response};
use tower::{Layer, Service};

use super::Body;

/// Turns the panics of a service into the response to an internal fault.
#[derive(Debug, Clone, Copy)]
pub struct PanicLayer(pub fn() -> Response<Body>);

impl<S> Layer<S> for PanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner, fault: self.0 }
    }
}

/// A service whose panics become responses.
#[derive(Debug, Clone)]
pub struct CatchPanic<S> {
    inner: S,
    fault: fn() -> Response<Body>,
}

impl<S, B> Service<Request<B>> for CatchPanic<S>
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
        // Calls share connections and counters, and release them when they are dropped, also by
        // unwinding: a panic leaves nothing half done.
        let fault = self.fault;
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(call) => {
                let call = AssertUnwindSafe(call).catch_unwind();
                Box::pin(async move { call.await.unwrap_or_else(|_| Ok(fault())) })
            }
            Err(_) => Box::pin(ready(Ok(fault()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::Ready};

    use http::StatusCode;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    async fn call<S>(service: S) -> StatusCode
    where
        S: Service<Request<()>, Response = Response<Body>, Error = Infallible>,
        S::Future: Send + 'static,
    {
        let fault =
            || Response::builder().status(StatusCode::IM_A_TEAPOT).body(Body::empty()).unwrap();
        PanicLayer(fault).layer(service).oneshot(Request::new(())).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_panic_in_a_call_is_a_fault() {
        async fn later(_: Request<()>) -> Result<Response<Body>, Infallible> {
            tokio::task::yield_now().await;
            panic!("open-sesame")
        }
        fn at_once(_: Request<()>) -> Ready<Result<Response<Body>, Infallible>> {
            panic!("open-sesame")
        }
        assert_eq!(call(service_fn(later)).await, StatusCode::IM_A_TEAPOT);
        assert_eq!(call(service_fn(at_once)).await, StatusCode::IM_A_TEAPOT);
    }

    #[tokio::test]
    async fn an_answer_is_left_as_it_is() {
        let not_found =
            || Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
        assert_eq!(call(service_fn(move |_| ready(Ok(not_found())))).await, StatusCode::NOT_FOUND);
    }
}

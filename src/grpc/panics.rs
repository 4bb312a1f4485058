//! A panic costs the one call that met it. It is logged where it happens, by the hook that `cli/log.rs`
//! sets, and the client is told what it is told of every fault.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, future::ready};
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::status::fault;

/// Turns the panics of a service into refusals.
#[derive(Debug, Clone, Copy)]
pub struct PanicLayer;

impl<S> Layer<S> for PanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}

/// A service whose panics are refusals.
#[derive(Debug, Clone)]
pub struct CatchPanic<S> {
    inner: S,
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
        // Calls share connections and counters, and give them back when they are dropped, however that
        // comes about: there is nothing that unwinding would leave half done.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(call) => {
                let call = AssertUnwindSafe(call).catch_unwind();
                Box::pin(async move { call.await.unwrap_or_else(|_| Ok(fault().into_http())) })
            }
            Err(_) => Box::pin(ready(Ok(fault().into_http()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::Ready};

    use tonic::Status;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    async fn call<S>(service: S) -> Status
    where
        S: Service<Request<()>, Response = Response<Body>, Error = Infallible>,
        S::Future: Send + 'static,
    {
        let response = PanicLayer.layer(service).oneshot(Request::new(())).await.unwrap();
        Status::from_header_map(response.headers()).unwrap_or_else(|| Status::ok(""))
    }

    fn assert_is_a_fault(status: &Status) {
        assert_eq!((status.code(), status.message()), (fault().code(), fault().message()));
        assert_eq!(status.details(), fault().details());
    }

    #[tokio::test]
    async fn a_panic_in_a_call_is_a_fault_without_its_text() {
        async fn later(_: Request<()>) -> Result<Response<Body>, Infallible> {
            tokio::task::yield_now().await;
            panic!("open-sesame")
        }
        fn at_once(_: Request<()>) -> Ready<Result<Response<Body>, Infallible>> {
            panic!("open-sesame")
        }
        assert_is_a_fault(&call(service_fn(later)).await);
        assert_is_a_fault(&call(service_fn(at_once)).await);
    }

    #[tokio::test]
    async fn an_answer_is_left_as_it_is() {
        let refused = call(service_fn(|_| ready(Ok(Status::not_found("not here").into_http())))).await;
        assert_eq!((refused.code(), refused.message()), (tonic::Code::NotFound, "not here"));
    }
}

//! How many calls are carried out at once. One too many is told so at once, instead of waiting for a
//! connection behind all the others until nobody wants its answer any more.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{Request, Response};
use tokio::sync::Semaphore;
use tonic::body::Body;
use tower::{Layer, Service};

use super::status::overloaded;
use crate::auth::Permit;

/// Bounds the calls that are carried out at once. It stands behind the gate, so that whoever may not
/// call takes nobody's place, and counts what comes with a permit: health and reflection are free.
#[derive(Debug, Clone)]
pub struct CapacityLayer(Arc<Semaphore>);

impl CapacityLayer {
    /// At most `max` calls at once.
    pub fn new(max: usize) -> Self {
        Self(Arc::new(Semaphore::new(max)))
    }
}

impl<S> Layer<S> for CapacityLayer {
    type Service = Capacity<S>;

    fn layer(&self, inner: S) -> Capacity<S> {
        Capacity { inner, places: Arc::clone(&self.0) }
    }
}

/// A service that carries out so many calls at once.
#[derive(Debug, Clone)]
pub struct Capacity<S> {
    inner: S,
    places: Arc<Semaphore>,
}

impl<S, B> Service<Request<B>> for Capacity<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(permit) = request.extensions_mut().get_mut::<Permit>() {
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => permit.keep(place),
                Err(_) => return Either::Right(ready(Ok(overloaded().into_http()))),
            }
        }
        Either::Left(self.inner.call(request))
    }
}

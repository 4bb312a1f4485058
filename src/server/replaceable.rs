//! A service that another one replaces while calls are served.

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::{Service, ServiceExt as _, util::Oneshot};

use crate::{
    calls::Body,
    listener::{CallService, RequestBody},
};

/// The service for calls that begin now. Clones share it. A call ends on the service on which it
/// began.
#[derive(Clone)]
pub(super) struct Replaceable<S>(Arc<RwLock<S>>);

impl<S: Clone> Replaceable<S> {
    pub(super) fn new(service: S) -> Self {
        Self(Arc::new(RwLock::new(service)))
    }

    pub(super) fn replace(&self, service: S) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = service;
    }

    fn current(&self) -> S {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<S: CallService<Body = Body>> Service<Request<RequestBody>> for Replaceable<S> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Oneshot<S, Request<RequestBody>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // `call` waits until the service of its time is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        self.current().oneshot(request)
    }
}

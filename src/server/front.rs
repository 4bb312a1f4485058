//! Which of the two surfaces a call is for.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{Request, Response};
use hyper::body::Incoming;
use tower::{Service, ServiceExt as _, util::Oneshot};

use crate::{auth0, calls::Body, grpc::paths};

/// gRPC, and beside it Auth0's HTTP if it is served.
#[derive(Clone)]
pub(super) struct Front<G, A> {
    pub grpc: G,
    pub auth0: Option<A>,
}

impl<G, A> Service<Request<Incoming>> for Front<G, A>
where
    G: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone,
    A: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Oneshot<G, Request<Incoming>>, Oneshot<A, Request<Incoming>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Whichever it is for is waited for with its call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        match &self.auth0 {
            // A request that is for neither is of a client of Auth0 that asks the wrong service: the answer says so.
            Some(auth0) if auth0::serves(request.uri().path()) || !paths::is_meant(&request) => {
                Either::Right(auth0.clone().oneshot(request))
            }
            _ => Either::Left(self.grpc.clone().oneshot(request)),
        }
    }
}

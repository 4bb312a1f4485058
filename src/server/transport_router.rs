//! Routes each request to one of the two surfaces.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{Request, Response};

use tower::{Service, ServiceExt as _, util::Oneshot};

use crate::{
    auth0,
    calls::Body,
    grpc::paths,
    listener::{CallService, RequestBody},
};

/// gRPC and, if it is configured, Auth0's API over HTTP.
#[derive(Clone)]
pub(super) struct TransportRouter<G, A> {
    pub grpc: G,
    pub auth0: Option<A>,
}

impl<G, A> Service<Request<RequestBody>> for TransportRouter<G, A>
where
    G: CallService<Body = Body>,
    A: CallService<Body = Body>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Oneshot<G, Request<RequestBody>>, Oneshot<A, Request<RequestBody>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // `call` waits until the surface of its request is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        match &self.auth0 {
            // A request for neither surface comes from a client of Auth0 that means another
            // service. The response names that service.
            Some(auth0) if auth0::serves(request.uri().path()) || !paths::is_meant(&request) => {
                Either::Right(auth0.clone().oneshot(request))
            }
            _ => Either::Left(self.grpc.clone().oneshot(request)),
        }
    }
}

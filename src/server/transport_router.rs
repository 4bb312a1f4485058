//! Routes each request to one of the surfaces.

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
    pushes,
};

/// gRPC and, if they are configured, Auth0's API and what providers send over HTTP.
#[derive(Clone)]
pub(super) struct TransportRouter<G, A, P> {
    pub grpc: G,
    pub auth0: Option<A>,
    pub pushes: Option<P>,
}

impl<G, A, P> Service<Request<RequestBody>> for TransportRouter<G, A, P>
where
    G: CallService<Body = Body>,
    A: CallService<Body = Body>,
    P: CallService<Body = Body>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        Oneshot<G, Request<RequestBody>>,
        Either<Oneshot<A, Request<RequestBody>>, Oneshot<P, Request<RequestBody>>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // `call` waits until the surface of its request is ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        if let Some(pushes) = &self.pushes
            && pushes::serves(request.uri().path())
        {
            return Either::Right(Either::Right(pushes.clone().oneshot(request)));
        }
        match &self.auth0 {
            // A request for neither surface comes from a client of Auth0 that means another
            // service. The response names that service.
            Some(auth0) if auth0::serves(request.uri().path()) || !paths::is_meant(&request) => {
                Either::Right(Either::Left(auth0.clone().oneshot(request)))
            }
            _ => Either::Left(self.grpc.clone().oneshot(request)),
        }
    }
}

//! The other forms in which calls come over the wire: gRPC-Web, and Connect with protobuf or JSON,
//! over HTTP/1.1 and HTTP/2.
//!
//! They are translated in front of gRPC. A request becomes one of gRPC, and its response takes the
//! form of the request again. So there is one gate, one table of access, one deadline and one log
//! line for a call in any form. What this module refuses, it refuses as the message of the call:
//! the gate has judged the caller before the message is read.
//!
//! Sources: <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>,
//! <https://connectrpc.com/docs/protocol>.

mod body;
mod connect;
pub mod cors;
mod form;
mod frames;
mod json;
mod query;
mod spellings;
mod streamed;

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{
    HeaderValue, Method, Request, Response, Version,
    header::{ACCEPT_ENCODING, CONTENT_TYPE},
};
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service, ServiceExt as _};

pub use self::body::WireBody;
use self::form::Form;
use crate::{
    calls::{Body, secured::secured},
    listener::{CallService, RequestBody},
};

/// The media type of gRPC.
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// Puts the translation in front of the stack of gRPC.
#[derive(Debug, Clone, Copy)]
pub struct WiresLayer {
    longest_message: fn(&str) -> usize,
    is_tls: bool,
}

impl WiresLayer {
    /// A message to a path has at most `longest_message` bytes, in each form. With `is_tls`
    /// browsers are asked to use TLS from then on.
    pub fn new(longest_message: fn(&str) -> usize, is_tls: bool) -> Self {
        Self { longest_message, is_tls }
    }
}

impl<S> Layer<S> for WiresLayer {
    type Service = Wires<S>;

    fn layer(&self, grpc: S) -> Wires<S> {
        Wires { grpc, layer: *self }
    }
}

/// A service of gRPC that takes calls in all forms.
#[derive(Debug, Clone)]
pub struct Wires<S> {
    grpc: S,
    layer: WiresLayer,
}

/// A call in another form than gRPC.
type Translated = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<RequestBody>> for Wires<S>
where
    S: CallService<WireBody, Body = Body>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<S::Future, Translated>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.grpc.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let WiresLayer { longest_message, is_tls } = self.layer;
        let form = Form::of(&request);
        request.extensions_mut().insert(form.wire());
        let translated: Translated = match form {
            Form::Grpc => return Either::Left(self.grpc.call(request.map(WireBody::Grpc))),
            Form::Other => Box::pin(self.grpc.call(request.map(WireBody::Grpc))),
            Form::GrpcWeb => {
                let grpc = self.grpc.clone().map_request(from_grpc_web);
                Box::pin(GrpcWebLayer::new().layer(grpc).oneshot(request))
            }
            Form::Unary(encoding) | Form::Query(encoding) => {
                let uri = request.uri().clone();
                let max = longest_message(uri.path());
                let call = self.grpc.call(connect::unary_request(request, encoding, max));
                Box::pin(async move {
                    Ok(connect::unary_response(uri.path(), encoding, call.await?).await)
                })
            }
            Form::Stream(encoding) => {
                let uri = request.uri().clone();
                let max = longest_message(uri.path());
                let call = self.grpc.call(connect::streamed_request(request, encoding, max));
                Box::pin(async move { Ok(streamed::response(uri, encoding, call.await?)) })
            }
        };
        let secured = secured(is_tls);
        Either::Right(Box::pin(async move { Ok(secured(translated.await?)) }))
    }
}

/// The request of gRPC that tonic-web has made.
fn from_grpc_web(request: Request<Body>) -> Request<WireBody> {
    let mut request = request.map(WireBody::Web);
    request.headers_mut().remove(ACCEPT_ENCODING);
    *request.version_mut() = Version::HTTP_2;
    request
}

/// Makes the head of a request one of gRPC. The gate and the handlers then see no other form.
fn become_grpc<B>(request: &mut Request<B>) {
    *request.method_mut() = Method::POST;
    // In this form the status of a call is in trailers, which HTTP/1.1 cannot carry safely; the
    // translation takes them out before.
    *request.version_mut() = Version::HTTP_2;
    request.headers_mut().insert(CONTENT_TYPE, GRPC);
}

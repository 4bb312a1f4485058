//! The layers in front of the handlers, shared by all transports.

pub mod admission;
pub mod concurrency;
pub mod deadline;
pub mod outdated;
pub mod page;
pub mod secured;
pub mod telemetry;

use http::{Extensions, Response};
use hyper::body::{Body as HttpBody, Bytes};
use tower::BoxError;

/// The body of each response.
pub type Body = tonic::body::Body;

/// The response with the one type of body that the layers share.
pub fn boxed<B>(response: Response<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    response.map(Body::new)
}

/// An extension of a response: the call was admitted.
#[derive(Debug, Clone, Copy)]
struct Admitted;

/// Notes in the response that the call was admitted.
pub fn admitted<B>(mut response: Response<B>) -> Response<B> {
    response.extensions_mut().insert(Admitted);
    response
}

/// Whether the response with these extensions is to a call that was admitted.
pub fn is_admitted(extensions: &Extensions) -> bool {
    extensions.get::<Admitted>().is_some()
}

//! The layers in front of the handlers, shared by all transports.

pub mod admission;
pub mod concurrency;
pub mod deadline;
pub mod page;
pub mod panics;
pub mod telemetry;

use http::Response;

/// The body of each response.
pub type Body = tonic::body::Body;

/// An extension of a response: the call was admitted.
#[derive(Debug, Clone, Copy)]
pub struct Admitted;

/// Notes in the response that the call was admitted.
pub fn admitted<B>(mut response: Response<B>) -> Response<B> {
    response.extensions_mut().insert(Admitted);
    response
}

//! What stands in front of the handlers, whichever transport a call comes by.

pub mod admission;
pub mod capacity;
pub mod deadline;
pub mod page;
pub mod panics;
pub mod telemetry;

use http::Response;

/// What every call is answered with.
pub type Body = tonic::body::Body;

/// Goes with an answer to somebody who was let in, as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Admitted;

/// Notes that whoever called was let in.
pub fn admitted<B>(mut answer: Response<B>) -> Response<B> {
    answer.extensions_mut().insert(Admitted);
    answer
}

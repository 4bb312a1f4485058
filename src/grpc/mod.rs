//! The transport: the gate in front of every path, the handlers, and what they speak.
//! With `server/` the only place that names tonic.

mod answers;
pub mod capacity;
pub mod codec;
pub mod deadline;
pub mod gate;
pub mod health;
mod identity_service;
mod page;
pub mod panics;
mod paths;
pub mod proto;
pub mod requests;
pub mod status;
pub mod streams;
pub mod telemetry;

pub use identity_service::IdentityHandler;

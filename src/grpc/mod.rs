//! The gRPC transport: the gate in front of each path, the handlers, and their messages. Besides
//! `server/` and `wires/`, the only module that uses tonic.

mod event_service;
pub mod gate;
pub mod health;
mod identity_service;
mod job_service;
mod long_calls;
mod not_calls;
mod page;
pub mod paths;
pub mod proto;
pub mod requests;
mod responses;
mod sign_in_service;
pub mod status;
pub mod streams;
pub mod timeouts;
mod transfer_service;

use tonic::{Request, Status};

pub use self::{
    event_service::EventHandler, identity_service::IdentityHandler, job_service::JobHandler,
    sign_in_service::SignInHandler, transfer_service::TransferHandler,
};
use crate::{auth::Permit, use_cases::Error};

/// Splits a request into the message and the permit that the gate left in it.
fn permitted<T>(request: Request<T>) -> Result<(Permit, T), Status> {
    let (_, mut extensions, message) = request.into_parts();
    let permit = extensions.remove::<Permit>().ok_or_else(|| {
        status::from_error(Error::Fault("a call passed the gate without a permit".to_owned()))
    })?;
    Ok((permit, message))
}

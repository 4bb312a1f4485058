//! What the tests stand on.

pub mod callers;
pub mod child;
pub mod cluster;
pub mod refusals;
pub mod server;
pub mod tokens;
pub mod values;

pub use callers::Caller;
pub use refusals::refusal;
pub use server::TestServer;
pub use values::*;

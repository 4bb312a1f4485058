//! What the tests stand on.

pub mod browser;
pub mod callers;
pub mod child;
pub mod cluster;
pub mod cut_commits;
pub mod events;
pub mod fetched;
pub mod fold;
pub mod form;
pub mod frames;
pub mod http2;
pub mod invariants;
pub mod key_server;
pub mod linking;
pub mod model;
pub mod oidc_provider;
pub mod racing;
pub mod raw;
pub mod records;
pub mod refusals;
pub mod server;
pub mod standstill;
pub mod timed;
pub mod tls;
pub mod tls_database;
pub mod tokens;
pub mod values;

pub use callers::Caller;
pub use racing::{Lots, Racer, Races, count, racer, racer_as};
pub use records::*;
pub use refusals::refusal;
pub use server::TestServer;
pub use timed::timed_client;
pub use values::*;

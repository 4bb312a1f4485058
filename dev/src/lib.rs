//! What `identity-link dev` starts around the service: a private Postgres in a data folder, local
//! issuers, two sample users, a demo in the browser, and lines to paste.
//!
//! Nothing of it belongs to the service: this crate calls the service over gRPC only, and the
//! service's crate has it as an optional dependency, which its `cli/dev.rs` wires to `serve`.

pub mod config;
pub mod demo;
pub mod issuers;
mod keys;
pub mod packages;
pub mod postgres;
pub mod sample;
pub mod story;

pub use keys::KeyError;
pub use postgres::{Postgres, PostgresError, SearchPath};

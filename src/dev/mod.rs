//! The `dev` command: a private Postgres in a data folder, local issuers, two sample users, and lines to paste.

mod account;
mod binaries;
pub mod demo;
mod home;
pub mod issuers;
pub mod packages;
pub mod postgres;
pub mod sample;
mod server;
pub mod story;

pub use binaries::Places;
pub use postgres::{Postgres, PostgresError};

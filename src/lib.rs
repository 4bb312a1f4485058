//! identity-link manages which identities belong to which user.
//!
//! `docs/explanation/architecture.md` has the map. Dependencies point one way: from the server to
//! the transport, from there to the use cases, and from there to the rules, the store and the token
//! verification. The rules depend on no other module.

#![forbid(unsafe_code)]

pub mod auth;
pub mod auth0;
pub mod call_slots;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod doctor;
pub mod domain;
pub mod feed;
pub mod grpc;
pub mod http_client;
pub mod i_json;
pub mod listener;
pub mod management;
pub mod oauth;
pub mod outgoing;
pub mod pushes;
pub mod rate_limits;
pub mod sealing;
pub mod secret;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod transfer;
pub mod use_cases;
pub mod version;
pub mod wires;

//! identity-link owns which identities belong to which user.
//!
//! `docs/ARCHITECTURE.md` has the map. Arrows point one way: the server uses the transport, the
//! transport the use cases, the use cases the rules, the store and the proofs; the rules use
//! nothing of ours.

pub mod auth;
pub mod auth0;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dev;
pub mod domain;
pub mod feed;
pub mod grpc;
pub mod http_client;
pub mod linking;
pub mod oauth;
pub mod secret;
pub mod server;
pub mod store;
pub mod tls;

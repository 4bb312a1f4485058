//! What the tests and the benchmarks share: servers, clients, fakes, and short ways to write and
//! read messages.

#![forbid(unsafe_code)]
#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails; a name that says all needs no more words"
)]

pub mod artifacts;
pub mod auth0;
pub mod auth0_domain;
pub mod browser;
pub mod callers;
pub mod cargo;
pub mod child;
pub mod chromium;
pub mod cluster;
pub mod connect_proxy;
pub mod cut_commits;
mod database_front;
pub mod debian;
pub mod dropped_options;
pub mod events;
pub mod fake_codes;
pub mod fake_github;
pub mod fake_oauth;
pub mod fake_oidc;
pub mod fetched;
pub mod fold;
pub mod form;
pub mod frames;
pub mod golang;
pub mod grpc_proxies;
pub mod http1;
pub mod http2;
pub mod imports;
pub mod inspector;
pub mod invariants;
pub mod jobs;
pub mod linking;
pub mod model;
pub mod npm;
pub mod one_domain;
pub mod own_postgres;
pub mod population;
pub mod process;
pub mod proxies;
pub mod python;
pub mod racing;
pub mod raw;
pub mod real_providers;
pub mod records;
pub mod refusals;
pub mod relay;
pub mod round_trips;
pub mod server;
pub mod shifted_clock;
pub mod standstill;
pub mod timed;
pub mod tls;
pub mod tls_database;
pub mod tls_front;
pub mod tokens;
pub mod transfers;
pub mod values;
pub mod web_server;
pub mod wires;

pub use callers::Caller;
pub use racing::{Lots, Racer, Races, count, racer, racer_as};
pub use records::*;
pub use refusals::refusal;
pub use server::{TestServer, policies, without_provider};
pub use timed::timed_client;
pub use values::*;

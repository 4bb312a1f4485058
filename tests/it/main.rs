//! The tests drive the real server on a real socket, on a real Postgres, with a database of its own
//! per test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

use identity_link_test_support as support;

mod access;
mod aliases;
mod auth0;
mod behind_proxies;
mod bounds;
mod candidates;
mod cli;
mod clients;
mod console;
mod contract;
mod dashboard;
mod demo;
mod deploy;
mod described;
mod dev;
mod docs;
mod duplicates;
mod email_trust;
mod erase_list;
mod erasing;
mod export;
mod faults;
mod feed;
mod fences;
mod find;
mod flows;
mod fresh;
mod history;
mod import;
mod jobs;
mod left;
mod limits;
mod link;
mod link_attach;
mod link_attach_only;
mod link_metadata;
mod link_proofs;
mod link_refusals;
mod listener;
mod login_backends;
mod logs;
mod management;
mod metadata;
mod metrics;
mod migrate;
mod migrations;
mod model;
mod moved;
mod outgoing;
mod overtaken;
mod plans;
mod primary;
mod provider_events;
mod provider_move;
mod provider_tokens;
mod purge;
mod python;
mod races;
mod real_provider;
mod references;
mod rekey;
mod release;
mod reload;
mod restore;
mod retries;
mod rolling;
mod schema;
mod search;
mod sign_in;
mod statements;
mod stop;
mod storm;
mod story;
mod takeover;
mod threats;
mod traces;
mod transfers;
mod undeclared;
mod undo;
mod undo_law;
mod unlink;
mod unlink_metadata;
mod unlink_refusals;
mod unlink_takes_back;
mod users;
mod waiting;
mod wellness;
mod wires;
mod withdrawn;
mod words;

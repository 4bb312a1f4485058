//! Faults of the process, the network and the database during calls.

mod bounds;
mod database;
mod network;
mod probes;
mod process;

use std::time::Duration;

const UNAVAILABLE: &str = "Unavailable STORE_UNAVAILABLE";
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn one_connection(toml: &str) -> String {
    toml.replace("max_connections = 8", "max_connections = 1")
}

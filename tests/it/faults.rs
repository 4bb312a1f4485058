//! Faults of the process, the network and the database during calls.
//!
//! A scenario is a fault that happens again and again under a [`load::Load`], and after it the
//! [`ledger::Ledger`] compares what was acknowledged with what is stored. Each scenario has two
//! tests: a brief one, and one in full that only `just faults` runs, which prints a line.

mod bounds;
mod database;
mod failover;
mod full_disk;
mod ledger;
mod load;
mod network;
mod outages;
mod probes;
mod process;
mod seen;
mod writer;

mod clock;
mod descriptors;
mod issuers;
mod overload;

use std::time::Duration;

const UNAVAILABLE: &str = "Unavailable STORE_UNAVAILABLE";
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much of a scenario a test runs.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// A few seconds, for each run of the tests.
    Brief,
    /// As many rounds as the claim of the scenario names.
    Full,
}

impl Extent {
    /// A number of rounds, or a time.
    fn of<T>(self, brief: T, full: T) -> T {
        match self {
            Self::Brief => brief,
            Self::Full => full,
        }
    }
}

fn one_connection(toml: &str) -> String {
    toml.replace("max_connections = 8", "max_connections = 1")
}

//! How many files the server may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    config::Config,
    server::{MAX_CONSOLE_CONNECTIONS, MAX_MANAGEMENT_CONNECTIONS},
    transfer::jobs,
};

/// The connections to the database beside `database.max_connections` and those of jobs.
const FURTHER_DATABASE_CONNECTIONS: usize = 4;
/// Room for all other files: listeners, the log, keys, certificates, requests to issuers and
/// providers. With the defaults, the server needs 1024 files, which is the usual limit.
const OTHER_FILES: usize = 43;

/// Raises the limit of this process as far as the system lets it, and logs a warning if the
/// configured connections may still need more.
pub(super) fn raise_limit(config: &Config) {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
    // A system that forbids it leaves the limit as it was.
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limits.maximum,
        Err(_) => limits.current,
    };
    let needed = needed(config);
    // No limit is one that suffices.
    if let Some(limit) = limit
        && limit < needed
    {
        tracing::warn!(
            limit,
            needed,
            "the configured connections may need more open files than the system permits"
        );
    }
}

/// How many files the server opens at most.
fn needed(config: &Config) -> u64 {
    let management = config.management.map_or(0, |_| MAX_MANAGEMENT_CONNECTIONS);
    let console = config.console.as_ref().map_or(0, |_| MAX_CONSOLE_CONNECTIONS);
    let database = config.database.max_connections
        + FURTHER_DATABASE_CONNECTIONS
        + jobs::connections(config.jobs.at_once);
    let files = config.limits.max_connections + management + console + database + OTHER_FILES;
    u64::try_from(files).unwrap_or(u64::MAX)
}

//! The `[jobs]` table: the work on many users that calls start.

use std::time::Duration;

use super::{
    declare::keys,
    keys::{MINUTE, Number, Time, seconds},
    reader::Reader,
};

/// The settings of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jobs {
    /// How many jobs this server carries out at once.
    pub at_once: usize,
    /// How long the lease of a job holds.
    pub lease: Duration,
}

keys! {
    /// The work on many users that calls of `JobService` start. The table may be missing.
    static KEYS: JobKeys = "jobs" {
        /// How many jobs this server carries out at once, of all tenants. With 0 it carries out none,
        /// and leaves those that its calls start to other servers. Each of them has up to four
        /// connections to the database, and the server one more to look for jobs.
        at_once: Number = Number { default: 1, bounds: 0..=16 },
        /// How long a job waits for a server that was lost, until another one continues it. A server
        /// renews the lease of each of its jobs, and looks for jobs of other servers, three times in
        /// this time.
        lease: Time = Time::within(seconds(30), seconds(1), seconds(10 * MINUTE)),
    }
}

pub(super) fn read(mut r: Reader) -> Jobs {
    let jobs = Jobs { at_once: r.number(&KEYS.at_once), lease: r.time(&KEYS.lease) };
    r.finish(&JobKeys::described());
    jobs
}

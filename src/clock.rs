//! The only module that reads the system clock.

use chrono::{DateTime, SubsecRound, Utc};

/// The time now, in the whole microseconds that Postgres stores, so that a response has the value
/// that a later read returns.
#[expect(clippy::disallowed_methods, reason = "this is the door by which time comes in")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

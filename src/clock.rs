//! The one place that asks what time it is.

use chrono::{DateTime, SubsecRound, Utc};

/// The time now, in the whole microseconds that Postgres keeps, so that what is answered is what
/// will be read again.
#[expect(clippy::disallowed_methods, reason = "this is the door by which time comes in")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

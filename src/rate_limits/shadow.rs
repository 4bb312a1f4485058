//! The log of what limits in shadow would refuse.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Rate;
use crate::auth::CallClass;

/// How often the same line is logged at most.
const INTERVAL: Duration = Duration::from_secs(60);

/// Counts the calls above a limit in shadow, and logs their number at intervals.
#[derive(Debug, Default)]
pub(super) struct ShadowLog(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    logged: Option<Instant>,
    times: u64,
}

impl ShadowLog {
    /// Notes a call that would be refused.
    pub(super) fn note(&self, caller: &'static str, class: CallClass, limit: Rate) {
        if let Some(times) = self.due() {
            tracing::warn!(caller, class = class.name(), %limit, times, "a rate limit in shadow would have refused calls");
        }
    }

    /// Counts a call, and returns the number since the last line if another line is due.
    fn due(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.times += 1;
        if state.logged.is_some_and(|logged| logged.elapsed() < INTERVAL) {
            return None;
        }
        state.logged = Some(Instant::now());
        Some(std::mem::take(&mut state.times))
    }
}

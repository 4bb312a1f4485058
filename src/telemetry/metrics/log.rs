//! The metrics of the log.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use prometheus_client::{metrics::counter::Counter, registry::Registry};

use super::registered;

/// The lines that this process has lost. The process has one log, however many servers.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Counts lines of the log that were lost.
pub fn count_lost_lines(lines: u64) {
    LOST.fetch_add(lines, Relaxed);
}

/// The metrics of the log.
#[derive(Debug, Clone)]
pub(super) struct LogMetrics {
    lost: Counter,
}

impl LogMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        let text = "The lines of the log that were lost, because stderr was read too slowly";
        Self { lost: registered(r, "log_lines_lost", text) }
    }

    /// Sets the count.
    pub(super) fn update(&self) {
        // One report at a time, so nobody else counts meanwhile.
        self.lost.inc_by(LOST.load(Relaxed).saturating_sub(self.lost.get()));
    }
}

//! Counts of connections, for reports.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts the connections of a listener since its start.
#[derive(Debug, Default)]
pub struct ConnectionCounts {
    admitted: AtomicU64,
    ended: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
}

/// The connections of a listener at one time. All counts but the first are since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionReport {
    /// Open now.
    pub open: u64,
    /// Admitted.
    pub admitted: u64,
    /// Closed at once, because [`super::Limits::max_connections`] were open.
    pub refused: u64,
    /// Ended by the server, because the client was too slow, idle, or broke a rule of HTTP.
    pub cut: u64,
}

impl ConnectionCounts {
    /// The counts at this time.
    pub fn now(&self) -> ConnectionReport {
        // A connection that ends meanwhile is still counted as admitted.
        let ended = self.ended.load(Relaxed);
        let admitted = self.admitted.load(Relaxed);
        ConnectionReport {
            open: admitted.saturating_sub(ended),
            admitted,
            refused: self.refused.load(Relaxed),
            cut: self.cut.load(Relaxed),
        }
    }

    pub(super) fn admit(&self) {
        self.admitted.fetch_add(1, Relaxed);
    }

    pub(super) fn end(&self, is_cut: bool) {
        self.ended.fetch_add(1, Relaxed);
        self.cut.fetch_add(is_cut.into(), Relaxed);
    }

    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Relaxed);
    }
}

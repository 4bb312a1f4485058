//! The metrics of connections of clients.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

use super::registered;

/// The metrics of the listener for calls.
#[derive(Debug, Clone)]
pub struct ConnectionMetrics {
    open: Gauge,
    admitted: Counter,
    refused: Counter,
    cut: Counter,
}

/// The connections of a listener. All counts but the first are since its start.
#[derive(Debug, Clone, Copy)]
pub struct Connections {
    /// Open now.
    pub open: u64,
    /// Admitted.
    pub admitted: u64,
    /// Refused at the limit of connections.
    pub refused: u64,
    /// Ended by the server.
    pub cut: u64,
}

impl ConnectionMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            open: registered(r, "connections", "The open connections of clients"),
            admitted: registered(r, "connections_admitted", "The connections that were admitted"),
            refused: registered(
                r,
                "connections_refused",
                "The connections that were closed at once, because listener.max_connections were open",
            ),
            cut: registered(
                r,
                "connections_cut",
                "The connections that ended before their client closed them: it was too slow or broke a rule, or the network failed",
            ),
        }
    }

    /// Sets the counts.
    pub fn set(&self, now: Connections) {
        self.open.set(now.open.try_into().unwrap_or(i64::MAX));
        for (counter, total) in
            [(&self.admitted, now.admitted), (&self.refused, now.refused), (&self.cut, now.cut)]
        {
            // One report at a time, so nobody else counts meanwhile.
            counter.inc_by(total.saturating_sub(counter.get()));
        }
    }
}

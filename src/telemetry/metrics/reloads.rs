//! The metrics of the configuration.

use chrono::{DateTime, Utc};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::registered;

/// How a reload ended: `ok` or `refused`.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// The metrics of the configuration.
#[derive(Debug, Clone)]
pub struct ReloadMetrics {
    reloads: Family<ResultLabels, Counter>,
    is_in_use: Gauge,
    last: Gauge,
}

impl ReloadMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            reloads: registered(r, "config_reloads", "The reloads of the configuration"),
            is_in_use: registered(
                r,
                "config_last_reload_successful",
                "1 if the configuration that was found last is in use, and 0 if it was refused",
            ),
            last: registered(
                r,
                "config_last_reload_timestamp_seconds",
                "When the configuration in use was taken, at the start or by a reload, in seconds since 1970",
            ),
        }
    }

    /// Records that the server starts with a configuration.
    pub fn started(&self, at: DateTime<Utc>) {
        self.last.set(at.timestamp());
        self.is_in_use.set(1);
    }

    /// Counts a reload, of a configuration that is in use since then.
    pub fn reloaded(&self, at: DateTime<Utc>) {
        self.started(at);
        self.count("ok");
    }

    /// Records that the configuration that was found last is the one in use.
    pub fn unchanged(&self) {
        self.is_in_use.set(1);
    }

    /// Counts a configuration that was refused.
    pub fn refused(&self) {
        self.is_in_use.set(0);
        self.count("refused");
    }

    fn count(&self, result: &'static str) {
        self.reloads.get_or_create(&ResultLabels { result }).inc();
    }
}

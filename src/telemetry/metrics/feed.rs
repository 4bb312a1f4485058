//! The metrics of the feed, and of the sweep that removes what is old.

use std::{sync::atomic::AtomicU64, time::Duration};

use chrono::{DateTime, Utc};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{count, registered};

/// What a sweep removes.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SweptLabels {
    what: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// The metrics of the feed and the sweep.
#[derive(Debug, Clone)]
pub struct FeedMetrics {
    delay: Seconds,
    watchers: Gauge,
    max_watchers: Gauge,
    swept: Family<SweptLabels, Counter>,
    sweep_failures: Family<SweptLabels, Counter>,
    last_sweep: Gauge,
}

impl FeedMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            delay: registered(
                r,
                "feed_delay_seconds",
                "How long the oldest committed event that is not yet delivered has waited, for instance behind an open transaction; 0 without a watcher",
            ),
            watchers: registered(r, "feed_watchers", "The watchers of the feed"),
            max_watchers: registered(r, "feed_watchers_max", "The most watchers that there may be"),
            swept: registered(r, "swept_rows", "The expired rows that the sweep removed"),
            sweep_failures: registered(
                r,
                "sweep_failures",
                "The parts of a sweep that failed: the next sweep tries again",
            ),
            last_sweep: registered(
                r,
                "last_sweep_timestamp_seconds",
                "When the last sweep without a failure ended, in seconds since 1970; 0 if there was none",
            ),
        }
    }

    /// Sets how long the oldest event that is not yet delivered has waited.
    pub fn set_delay(&self, delay: Duration) {
        self.delay.set(delay.as_secs_f64());
    }

    /// Sets how many watchers there are, and how many there may be.
    pub fn set_watchers(&self, now: usize, max: usize) {
        self.watchers.set(count(now));
        self.max_watchers.set(count(max));
    }

    /// Counts what a sweep removed; `None` if it failed.
    pub fn swept(&self, what: &'static str, removed: Option<usize>) {
        let labels = SweptLabels { what };
        match removed {
            Some(removed) => {
                self.swept.get_or_create(&labels).inc_by(removed as u64);
            }
            None => {
                self.sweep_failures.get_or_create(&labels).inc();
            }
        }
    }

    /// Sets when a sweep without a failure ended.
    pub fn set_last_sweep(&self, at: DateTime<Utc>) {
        self.last_sweep.set(at.timestamp());
    }
}

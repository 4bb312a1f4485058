//! The metrics of the feed, and of the sweep that removes what is old.

use std::{sync::atomic::AtomicU64, time::Duration};

use chrono::{DateTime, Utc};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{count, registered};
use crate::telemetry::Label;

/// What a sweep removes.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SweptLabels {
    what: &'static str,
}

/// A tenant.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TenantLabels {
    tenant: Label,
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
    oldest_discarded: Family<TenantLabels, Gauge>,
}

impl FeedMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            delay: registered(
                r,
                "feed_delay_seconds",
                "How long the oldest committed event that cannot be delivered yet has waited behind an open transaction; 0 if there is none",
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
            oldest_discarded: registered(
                r,
                "oldest_discarded_metadata_timestamp_seconds",
                "When the oldest metadata was discarded that purge has not removed, in seconds since 1970. Without a series there is none",
            ),
        }
    }

    /// Sets how long the oldest event that cannot be delivered yet has waited.
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

    /// Sets when the oldest metadata was discarded that is still kept, of each tenant that has some.
    pub fn set_oldest_discarded<'a>(
        &self,
        by_tenant: impl IntoIterator<Item = (&'a str, DateTime<Utc>)>,
    ) {
        self.oldest_discarded.clear();
        for (tenant, time) in by_tenant {
            let labels = TenantLabels { tenant: Label::from(tenant.to_owned()) };
            self.oldest_discarded.get_or_create(&labels).set(time.timestamp());
        }
    }

    /// Sets when a sweep without a failure ended.
    pub fn set_last_sweep(&self, at: DateTime<Utc>) {
        self.last_sweep.set(at.timestamp());
    }
}

//! The metrics of issuers' keys.

use std::{sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::registered;
use crate::telemetry::Label;

/// An issuer of the configuration.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct IssuerLabels {
    issuer: Label,
}

/// An issuer, and how reading its keys ended: `ok` or `failed`.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ReadLabels {
    issuer: Label,
    result: &'static str,
}

/// The metrics of issuers' keys: those of callers, and of providers with a flow.
#[derive(Debug, Clone, Default)]
pub struct KeyMetrics {
    reads: Family<ReadLabels, Counter>,
    age: Family<IssuerLabels, Gauge<f64, AtomicU64>>,
    usable: Family<IssuerLabels, Gauge>,
}

impl KeyMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            reads: registered(r, "key_reads", "The attempts to read an issuer's keys"),
            age: registered(
                r,
                "key_age_seconds",
                "How long ago an issuer's keys were read last. Without a series, they never were",
            ),
            usable: registered(
                r,
                "keys_usable",
                "1 if an issuer's keys verify its tokens, and 0 if they were never read or are too old",
            ),
        }
    }

    /// Counts an attempt to read an issuer's keys.
    pub fn read(&self, issuer: &Label, is_ok: bool) {
        let result = if is_ok { "ok" } else { "failed" };
        self.reads.get_or_create(&ReadLabels { issuer: issuer.clone(), result }).inc();
    }

    /// Forgets the states of all keys: those of an issuer that was removed would stay.
    pub fn clear_states(&self) {
        self.age.clear();
        self.usable.clear();
    }

    /// Sets how long ago an issuer's keys were read last, `None` if they never were, and whether they
    /// verify tokens.
    pub fn set_state(&self, issuer: &Label, age: Option<Duration>, is_usable: bool) {
        let labels = IssuerLabels { issuer: issuer.clone() };
        self.usable.get_or_create(&labels).set(is_usable.into());
        if let Some(age) = age {
            self.age.get_or_create(&labels).set(age.as_secs_f64());
        }
    }
}

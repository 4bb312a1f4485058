//! The metrics of rate limits.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::registered;

/// A limit of a kind of callers, and what it said about a call.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct VerdictLabels {
    caller: &'static str,
    class: &'static str,
    result: &'static str,
}

/// The metrics of rate limits.
#[derive(Debug, Clone, Default)]
pub struct RateLimitMetrics {
    above: Family<VerdictLabels, Counter>,
}

impl RateLimitMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            above: registered(
                r,
                "calls_above_rate_limit",
                "The calls above a limit of their caller: refused, or would_refuse of a limit in shadow",
            ),
        }
    }

    /// Counts a call above a limit of a kind of callers and a class of calls.
    pub fn above(&self, caller: &'static str, class: &'static str, is_shadow: bool) {
        let result = if is_shadow { "would_refuse" } else { "refused" };
        self.above.get_or_create(&VerdictLabels { caller, class, result }).inc();
    }
}

//! The metrics of callers' tokens.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{count, registered};

/// How a token was judged: `remembered`, `verified` or `refused`.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// The metrics of callers' tokens.
#[derive(Debug, Clone, Default)]
pub struct TokenMetrics {
    judged: Family<ResultLabels, Counter>,
    remembered: Gauge,
}

impl TokenMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            judged: registered(
                r,
                "token_verifications",
                "The tokens that were remembered from an earlier call, verified anew, or refused",
            ),
            remembered: registered(
                r,
                "remembered_tokens",
                "The verified tokens that are remembered",
            ),
        }
    }

    /// Counts a token that is remembered from an earlier call.
    pub fn remembered(&self) {
        self.count("remembered");
    }

    /// Counts a token that was judged anew.
    pub fn judged(&self, is_accepted: bool) {
        self.count(if is_accepted { "verified" } else { "refused" });
    }

    /// Sets how many verified tokens are remembered.
    pub fn set_remembered(&self, number: usize) {
        self.remembered.set(count(number));
    }

    fn count(&self, result: &'static str) {
        self.judged.get_or_create(&ResultLabels { result }).inc();
    }
}

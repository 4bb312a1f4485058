//! The metrics of what providers report.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::registered;
use crate::telemetry::Label;

/// A provider of a tenant, what it reported, and what became of it.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    tenant: Label,
    provider: Label,
    event: &'static str,
    outcome: &'static str,
}

/// The metrics of logout tokens and security event tokens.
#[derive(Debug, Clone)]
pub struct ProviderEventMetrics(Family<EventLabels, Counter>);

impl ProviderEventMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self(registered(
            r,
            "provider_events",
            "The events that providers reported by logout tokens and security event tokens, and the tokens that were refused",
        ))
    }

    /// Counts an event, or a token of a kind that had none: refused, repeated or ignored.
    pub fn received(
        &self,
        tenant: &str,
        provider: &str,
        event: &'static str,
        outcome: &'static str,
    ) {
        let (tenant, provider) = (tenant.to_owned().into(), provider.to_owned().into());
        self.0.get_or_create(&EventLabels { tenant, provider, event, outcome }).inc();
    }
}

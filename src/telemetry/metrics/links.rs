//! The metrics of changes.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::registered;
use crate::telemetry::Label;

/// A kind of event in a tenant.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    tenant: Label,
    kind: Label,
}

/// A rule of a tenant by which users are linked without being asked.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RuleLabels {
    tenant: Label,
    rule: &'static str,
}

/// The metrics of changes.
#[derive(Debug, Clone)]
pub struct LinkMetrics {
    events: Family<EventLabels, Counter>,
    automatic: Family<RuleLabels, Counter>,
}

impl LinkMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            events: registered(
                r,
                "events",
                "The events that this server committed: links, undos and all other changes, by the kind that the feed has",
            ),
            automatic: registered(
                r,
                "automatic_links",
                "The links that a sign-in made by a rule of the tenant, without being asked",
            ),
        }
    }

    /// Counts a committed event.
    pub fn event(&self, tenant: &str, kind: &'static str) {
        let labels = EventLabels { tenant: tenant.to_owned().into(), kind: kind.into() };
        self.events.get_or_create(&labels).inc();
    }

    /// Counts a link that a rule made.
    pub fn automatic(&self, tenant: &str, rule: &'static str) {
        let labels = RuleLabels { tenant: tenant.to_owned().into(), rule };
        self.automatic.get_or_create(&labels).inc();
    }
}

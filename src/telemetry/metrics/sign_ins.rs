//! The metrics of sign-ins.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::registered;
use crate::telemetry::Label;

/// A provider of a tenant, and how the sign-in went.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SignInLabels {
    tenant: Label,
    provider: Label,
    outcome: Label,
}

/// A provider of a tenant, and what happened to a flow.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FlowLabels {
    tenant: Label,
    provider: Label,
    step: &'static str,
}

/// The metrics of sign-ins.
#[derive(Debug, Clone)]
pub struct SignInMetrics {
    decided: Family<SignInLabels, Counter>,
    flows: Family<FlowLabels, Counter>,
}

impl SignInMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            decided: registered(
                r,
                "sign_ins",
                "The sign-ins that were decided: signed_in, created, linked, candidates or registration_needed",
            ),
            flows: registered(
                r,
                "sign_in_flows",
                "The sign-ins at a provider: started, exchanged, or failed because the provider refused or did not respond",
            ),
        }
    }

    /// Counts a sign-in that was decided.
    pub fn decided(&self, tenant: &str, provider: &str, outcome: &'static str) {
        let (tenant, provider) = (Label::from(tenant.to_owned()), provider.to_owned().into());
        let labels = SignInLabels { tenant, provider, outcome: outcome.into() };
        self.decided.get_or_create(&labels).inc();
    }

    /// Counts a step of a flow at a provider: `started`, `exchanged` or `failed`.
    pub fn flow(&self, tenant: &str, provider: &str, step: &'static str) {
        let (tenant, provider) = (Label::from(tenant.to_owned()), provider.to_owned().into());
        self.flows.get_or_create(&FlowLabels { tenant, provider, step }).inc();
    }
}

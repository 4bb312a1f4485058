//! The metrics of the tokens of providers that are kept.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::registered;
use crate::telemetry::Label;

/// A provider of a tenant, and the outcome of a request to it.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OutcomeLabels {
    tenant: Label,
    provider: Label,
    outcome: &'static str,
}

/// A tenant.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TenantLabels {
    tenant: Label,
}

/// The metrics of the tokens of providers that are kept.
#[derive(Debug, Clone)]
pub struct ProviderTokenMetrics {
    refreshes: Family<OutcomeLabels, Counter>,
    revocations: Family<OutcomeLabels, Counter>,
    waiting: Family<TenantLabels, Gauge>,
}

impl ProviderTokenMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            refreshes: registered(
                r,
                "provider_token_refreshes",
                "The requests to refresh a provider's token: refreshed, gone, rejected, client_not_accepted, unavailable or failed",
            ),
            revocations: registered(
                r,
                "provider_token_revocations",
                "The attempts to revoke a provider's tokens: revoked, unsupported, failed or given_up",
            ),
            waiting: registered(
                r,
                "provider_token_revocations_waiting",
                "The tokens of released or deleted identities that are still to be revoked at their provider",
            ),
        }
    }

    /// Counts a request to refresh a token.
    pub fn refreshed(&self, tenant: &str, provider: &str, outcome: &'static str) {
        self.refreshes.get_or_create(&labels(tenant, provider, outcome)).inc();
    }

    /// Counts an attempt to revoke tokens.
    pub fn revoked(&self, tenant: &str, provider: &str, outcome: &'static str) {
        self.revocations.get_or_create(&labels(tenant, provider, outcome)).inc();
    }

    /// Sets how many tokens of a tenant wait to be revoked.
    pub fn set_waiting(&self, tenant: &str, waiting: i64) {
        let labels = TenantLabels { tenant: tenant.to_owned().into() };
        self.waiting.get_or_create(&labels).set(waiting);
    }
}

fn labels(tenant: &str, provider: &str, outcome: &'static str) -> OutcomeLabels {
    let (tenant, provider) = (tenant.to_owned().into(), provider.to_owned().into());
    OutcomeLabels { tenant, provider, outcome }
}

//! The issuers to which the configuration pins the providers of each tenant.

use super::{Config, Tenant};
use crate::{oauth::ClientSettings, store::IssuerPin};

impl Config {
    /// The issuer of each provider that has one, of the tokens of its callers or of its sign-ins. If it
    /// has both, and they differ, the database refuses them.
    pub fn issuer_pins(&self) -> Vec<IssuerPin> {
        let of_tokens = self.issuers.iter().flat_map(|issuer| {
            issuer.tenant.tenants().into_iter().flat_map(|tenant| {
                issuer.kind.providers().into_iter().map(|provider| IssuerPin {
                    tenant: tenant.clone(),
                    provider: provider.clone(),
                    issuer: issuer.issuer.clone(),
                })
            })
        });
        let of_clients = self.tenants.iter().flat_map(|(tenant, Tenant { providers, .. })| {
            providers.iter().filter_map(|(provider, settings)| {
                let issuer = settings.oauth.as_ref().map(ClientSettings::issuer)?;
                Some(IssuerPin { tenant: tenant.clone(), provider: provider.clone(), issuer })
            })
        });
        of_tokens.chain(of_clients).collect()
    }
}

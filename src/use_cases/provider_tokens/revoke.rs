//! The revocation of tokens whose identity was released or deleted. It follows the commit, survives
//! the end of a server, and is tried again for some days.

use super::super::{Error, UseCases};
use crate::{
    clock,
    domain::TenantId,
    oauth::Revoked,
    store::{TokenRevocation, WaitingRevocations},
};

/// How often a revocation is tried: over about three days.
const MAX_TRIES: i32 = 12;

impl UseCases {
    /// Revokes the tokens of these tenants that are due, and reports how many wait.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn revoke_due(&self, tenants: &[TenantId]) -> Result<(), Error> {
        let waiting = self.store.waiting_revocations(tenants).await?;
        let of = |tenant: &TenantId| waiting.iter().find(|waiting| waiting.tenant == *tenant);
        for tenant in tenants {
            let WaitingRevocations { waiting, due, .. } =
                of(tenant).cloned().unwrap_or_else(|| WaitingRevocations {
                    tenant: tenant.clone(),
                    waiting: 0,
                    due: 0,
                });
            let mut ended = 0;
            // A new session each time: the provider is slow.
            for _ in 0..due {
                let taken = self.store.session(tenant).await?.take_revocation().await?;
                let Some(revocation) = taken else { break };
                ended += i64::from(self.revoke(tenant, &revocation).await?);
            }
            self.metrics.provider_tokens.set_waiting(tenant.as_str(), waiting - ended);
        }
        Ok(())
    }

    /// Tries once. Returns whether the revocation has ended.
    async fn revoke(&self, tenant: &TenantId, revocation: &TokenRevocation) -> Result<bool, Error> {
        let provider = &revocation.provider;
        let (outcome, why) = match self.try_to_revoke(tenant, revocation).await {
            Ok(Revoked::Done) => ("revoked", String::new()),
            Ok(Revoked::Unsupported) => ("unsupported", String::new()),
            Err(why) if revocation.tries >= MAX_TRIES => ("given_up", why),
            Err(why) => ("failed", why),
        };
        self.metrics.provider_tokens.revoked(tenant.as_str(), provider.as_str(), outcome);
        match outcome {
            "failed" => {
                tracing::warn!(%tenant, %provider, why, "tokens could not be revoked: it is tried again later");
                return Ok(false);
            }
            "given_up" => {
                tracing::error!(%tenant, %provider, why, "tokens were not revoked: they stay valid at the provider until they expire");
            }
            "unsupported" => {
                tracing::info!(%tenant, %provider, "the provider revokes no tokens: they stay valid there until they expire");
            }
            _ => {}
        }
        self.store.session(tenant).await?.end_revocation(revocation.id).await?;
        Ok(true)
    }

    async fn try_to_revoke(
        &self,
        tenant: &TenantId,
        revocation: &TokenRevocation,
    ) -> Result<Revoked, String> {
        let TokenRevocation { provider, issuer, binding, key_id, sealed, .. } = revocation;
        let client = self.clients.get(tenant, provider);
        let client = client.ok_or("the provider has no client in the configuration")?;
        // Never sent to another issuer.
        if client.settings().issuer() != *issuer {
            return Ok(Revoked::Unsupported);
        }
        let opened = self.opened_for(tenant, provider, binding, issuer, (key_id, sealed));
        let opened = opened.ok_or("no key opens them")?;
        client.revoke(&opened, clock::now()).await.map_err(|error| error.to_string())
    }
}

//! The tenants of which a store is: those of one configuration, and then those of the next.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use diesel_async::SimpleAsyncConnection as _;

use super::{
    IssuerPin, IssuersChanged, Store, StoreError, TenantKey, connect,
    reads::{Reads, Scope},
    tenants::{load_keys, pin_issuers},
    trust::Trust,
};
use crate::domain::{ProviderPolicies, TenantId};

impl Store {
    /// Pins each provider to the issuer from which its first identities came.
    ///
    /// # Errors
    /// [`IssuersChanged`] names each provider that is pinned to another issuer. Then none is pinned.
    pub async fn pin_issuers(
        &self,
        pins: &[IssuerPin],
    ) -> Result<Result<(), IssuersChanged>, StoreError> {
        let mut conn = connect(self.connections.address()).await?;
        conn.batch_execute("BEGIN").await?;
        if let Err(changed) = pin_issuers(&mut conn, pins).await? {
            // The connection ends, and the transaction with it.
            return Ok(Err(changed));
        }
        Ok(Ok(conn.batch_execute("COMMIT").await?))
    }

    /// The same store for other tenants, on the same connections. Pins their issuers, and creates
    /// the keys of tenants that have none.
    ///
    /// # Errors
    /// [`IssuersChanged`] names each provider that is pinned to another issuer. Then nothing is
    /// written.
    pub async fn for_tenants(
        &self,
        tenants: BTreeMap<TenantId, ProviderPolicies>,
        pins: &[IssuerPin],
    ) -> Result<Result<Self, IssuersChanged>, StoreError> {
        let mut conn = connect(self.connections.address()).await?;
        conn.batch_execute("BEGIN").await?;
        if let Err(changed) = pin_issuers(&mut conn, pins).await? {
            return Ok(Err(changed));
        }
        let keys = load_keys(&mut conn, tenants.keys()).await?;
        conn.batch_execute("COMMIT").await?;
        Ok(Ok(self.clone().with_tenants(tenants, keys)))
    }

    /// The same store for the tenants with these policies and keys.
    pub(super) fn with_tenants(
        self,
        tenants: BTreeMap<TenantId, ProviderPolicies>,
        keys: HashMap<TenantId, TenantKey>,
    ) -> Self {
        let trust: HashMap<_, _> = tenants
            .into_iter()
            .map(|(tenant, policies)| (tenant, Arc::new(Trust::new(policies))))
            .collect();
        let reads = keys.iter().filter_map(|(tenant, key)| {
            let (key, trust) = (key.clone(), Arc::clone(trust.get(tenant)?));
            let scope = Scope { tenant: tenant.clone(), key, trust };
            Some((tenant.clone(), Reads::new(scope, &self.connections, self.share)))
        });
        let reads = Arc::new(reads.collect());
        Self { reads, keys: Arc::new(keys), trust: Arc::new(trust), ..self }
    }

    /// The same store on the connections of another one.
    #[must_use]
    pub fn with_connections_of(&self, other: &Self) -> Self {
        Self { connections: other.connections.clone(), ..self.clone() }
    }
}

//! The tenants of which a store is: those of one configuration, and then those of the next.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use diesel_async::SimpleAsyncConnection as _;

use super::{
    IssuerPin, IssuersChanged, Store, StoreError, TenantKey, connect,
    connections::TenantConnections,
    move_count::count_moves,
    pins::{NEVER, Pinned, pin_issuers},
    reads::{Reads, Scope},
    tenants::load_keys,
    trust::Trust,
};
use crate::domain::{ProviderPolicies, TenantId};

impl Store {
    /// The same store for other tenants, on the same connections. Pins each provider to the issuer
    /// from which its first identities came, and creates the keys of tenants that have none. After a
    /// move of a provider the pins are compared again: a tenant whose pins differ then gets no
    /// connection.
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
        // Before the pins are compared: a move that comes in between is noticed later.
        let moves = count_moves(&mut conn).await?;
        if let Err(changed) = pin_issuers(&mut conn, pins).await? {
            // The connection ends, and the transaction with it.
            return Ok(Err(changed));
        }
        let keys = load_keys(&mut conn, tenants.keys()).await?;
        conn.batch_execute("COMMIT").await?;
        let connections = self.connections.relying_on(Pinned::judged(pins, moves));
        Ok(Ok(Self { connections, ..self.clone() }.with_tenants(tenants, keys)))
    }

    /// The same store, whose sessions are refused for a tenant while the database has other issuers for
    /// its providers than these. Nothing is pinned.
    #[must_use]
    pub fn relying_on(&self, pins: &[IssuerPin]) -> Self {
        let connections = self.connections.relying_on(Pinned::judged(pins, NEVER));
        Self { connections, ..self.clone() }
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
            let connections = TenantConnections::new(&self.connections, tenant);
            Some((tenant.clone(), Reads::new(scope, connections, self.share)))
        });
        let reads = Arc::new(reads.collect());
        Self { reads, keys: Arc::new(keys), trust: Arc::new(trust), ..self }
    }

    /// The same store, with its pins, on the connections of another one.
    #[must_use]
    pub fn moved_to_connections_of(&self, other: &Self) -> Self {
        let connections = other.connections.relying_as(&self.connections);
        Self { connections, ..self.clone() }
    }

    /// The same store on the connections of another one, and without pins.
    #[must_use]
    pub fn with_connections_of(&self, other: &Self) -> Self {
        Self { connections: other.connections.clone(), ..self.clone() }
    }
}

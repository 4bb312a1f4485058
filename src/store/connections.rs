//! The pool of connections.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Acquire},
};

use deadpool::Status;
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::deadpool::{Pool, PoolError},
};

use super::{Address, StoreError, connection::Connection, pins::Pinned};
use crate::{
    domain::TenantId,
    telemetry::{
        Step,
        metrics::{DatabaseMetrics, Metrics, PoolState},
    },
};

/// The pool of connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
    name: &'static str,
    metrics: DatabaseMetrics,
    /// How many moves of providers the newest connection has counted.
    moves: Arc<AtomicI64>,
    /// The issuers on which the users of these connections rely.
    pinned: Arc<Pinned>,
}

/// The connections of one tenant.
#[derive(Clone)]
pub(super) struct TenantConnections {
    connections: Connections,
    tenant: TenantId,
}

impl TenantConnections {
    pub(super) fn new(connections: &Connections, tenant: &TenantId) -> Self {
        Self { connections: connections.clone(), tenant: tenant.clone() }
    }

    /// The same as [`Connections::get_for`].
    pub(super) async fn get(&self) -> Result<Connection, StoreError> {
        self.connections.get_for(&self.tenant).await
    }
}

impl Connections {
    /// At most `max` connections to this database. None is opened yet. The metrics have the name.
    pub(super) fn new(
        address: &Address,
        max: usize,
        name: &'static str,
        metrics: &Metrics,
    ) -> Result<Self, StoreError> {
        let moves = Arc::new(AtomicI64::new(0));
        let pool = address.pool(max, &moves).map_err(StoreError::Fault)?;
        let (asked, database) = (pool.clone(), metrics.database.clone());
        metrics.before_report(move || {
            let Status { max_size: max, size: open, available: idle, waiting } = asked.status();
            database.set_pool(name, PoolState { max, open, idle, waiting });
        });
        let (address, metrics) = (Arc::new(address.clone()), metrics.database.clone());
        Ok(Self { pool, address, name, metrics, moves, pinned: Arc::default() })
    }

    /// Changes how many connections there are at most. Those that are in use stay until they are returned.
    pub(super) fn resize(&self, max: usize) {
        self.pool.resize(max);
    }

    /// The database.
    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// The same connections, for users that rely on these issuers.
    pub(super) fn relying_on(&self, pinned: Pinned) -> Self {
        Self { pinned: Arc::new(pinned), ..self.clone() }
    }

    /// The same connections, for users that rely on the issuers of these others.
    pub(super) fn relying_as(&self, others: &Self) -> Self {
        Self { pinned: Arc::clone(&others.pinned), ..self.clone() }
    }

    /// A connection for a tenant's data.
    ///
    /// # Errors
    /// As of [`Connections::get`]; [`StoreError::OtherIssuer`] if the tenant has a provider that
    /// has moved to another issuer than the one on which the caller relies.
    pub(super) async fn get_for(&self, tenant: &TenantId) -> Result<Connection, StoreError> {
        let conn = self.get().await?;
        // Connections from before a move have ended, so this one has counted it, or a newer one has.
        self.pinned.expect(tenant, &conn, self.moves.load(Acquire)).await?;
        Ok(conn)
    }

    /// A connection. Waits briefly for a free one.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] if none becomes free in time; [`StoreError::Unavailable`] if the
    /// database cannot be reached.
    pub(super) async fn get(&self) -> Result<Connection, StoreError> {
        let (_wait, _step) = (self.metrics.wait(self.name), Step::begin("wait_for_connection"));
        let loan = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => StoreError::Overloaded,
            other => StoreError::Unavailable(other.to_string()),
        })?;
        Ok(Connection::new(loan, Arc::clone(&self.address), self.metrics.clone()))
    }
}

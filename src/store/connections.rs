//! The pool of connections.

use std::sync::Arc;

use deadpool::Status;
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::deadpool::{Pool, PoolError},
};

use super::{Address, StoreError, connection::Connection};
use crate::telemetry::{
    Step,
    metrics::{DatabaseMetrics, Metrics, PoolState},
};

/// The pool of connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
    name: &'static str,
    metrics: DatabaseMetrics,
}

impl Connections {
    /// At most `max` connections to this database. None is opened yet. The metrics have the name.
    pub(super) fn new(
        address: &Address,
        max: usize,
        name: &'static str,
        metrics: &Metrics,
    ) -> Result<Self, StoreError> {
        let pool = address.pool(max).map_err(StoreError::Fault)?;
        let (asked, database) = (pool.clone(), metrics.database.clone());
        metrics.before_report(move || {
            let Status { max_size: max, size: open, available: idle, waiting } = asked.status();
            database.set_pool(name, PoolState { max, open, idle, waiting });
        });
        let (address, metrics) = (Arc::new(address.clone()), metrics.database.clone());
        Ok(Self { pool, address, name, metrics })
    }

    /// The database.
    pub(super) fn address(&self) -> &Address {
        &self.address
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

//! The pool of connections.

use std::sync::Arc;

use diesel_async::{
    AsyncPgConnection,
    pooled_connection::deadpool::{Pool, PoolError},
};

use super::{Address, StoreError, connection::Connection};

/// The pool of connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool<AsyncPgConnection>,
    address: Arc<Address>,
}

impl Connections {
    /// At most `max` connections to this database. None is opened yet.
    pub(super) fn new(address: &Address, max: usize) -> Result<Self, StoreError> {
        let pool = address.pool(max).map_err(StoreError::Fault)?;
        Ok(Self { pool, address: Arc::new(address.clone()) })
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
        let loan = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(deadpool::managed::TimeoutType::Wait) => StoreError::Overloaded,
            other => StoreError::Unavailable(other.to_string()),
        })?;
        Ok(Connection::new(loan, Arc::clone(&self.address)))
    }
}

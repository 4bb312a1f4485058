//! Checks whether the database responds, on a connection of its own: a pool whose connections are
//! all busy does not show it.

use std::{sync::Arc, time::Duration};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::time::timeout;

use super::{Address, Store, StoreError};

/// The name of this connection in the database's list of connections.
const NAME: &str = "identity-link health";

/// A check whether the database responds.
pub struct DatabaseCheck {
    address: Arc<Address>,
    /// The connection of the last check, if the database responded.
    conn: Option<AsyncPgConnection>,
}

impl Store {
    /// A check of this store's database. It has one connection, apart from the pool.
    pub fn database_check(&self) -> DatabaseCheck {
        DatabaseCheck { address: Arc::new(self.connections.address().named(NAME)), conn: None }
    }
}

impl DatabaseCheck {
    /// Checks once. A database that accepts no more connections counts as present.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not respond within `longest`, or responds with an
    /// error.
    pub async fn check(&mut self, longest: Duration) -> Result<(), StoreError> {
        // A connection that does not respond is dropped.
        let conn = self.conn.take();
        match timeout(longest, check_on(conn, &self.address)).await {
            Ok(Ok(conn)) => self.conn = Some(conn),
            Ok(Err(text)) if StoreError::is_full(&text) => {}
            Ok(Err(text)) => return Err(StoreError::Unavailable(text)),
            Err(_) => {
                return Err(StoreError::Unavailable("it does not respond in time".to_owned()));
            }
        }
        Ok(())
    }
}

/// Checks on this connection, or on a new one if this one has ended: a single ended connection does
/// not mean that the database is gone.
async fn check_on(
    conn: Option<AsyncPgConnection>,
    address: &Address,
) -> Result<AsyncPgConnection, String> {
    const ASK: &str = "SELECT 1 AS presence";
    if let Some(mut conn) = conn
        && conn.batch_execute(ASK).await.is_ok()
    {
        return Ok(conn);
    }
    let mut conn = address.connect().await.map_err(|error| error.to_string())?;
    conn.batch_execute(ASK).await.map_err(|error| error.to_string())?;
    Ok(conn)
}

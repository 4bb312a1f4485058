//! Checks whether the database responds, and whether it still has a schema on which this binary
//! serves, on a connection of its own: a pool whose connections are all busy does not show it.

use std::{sync::Arc, time::Duration};

use diesel_async::AsyncPgConnection;
use tokio::time::timeout;

use super::{Address, SchemaMismatch, Store, StoreError, migrations};

/// The name of this connection in the database's list of connections.
const NAME: &str = "identity-link health";

/// A check of the database.
pub struct DatabaseCheck {
    address: Arc<Address>,
    /// The connection of the last check, if the database responded.
    conn: Option<AsyncPgConnection>,
    /// What the last check found that saw the schema.
    schema: Result<(), SchemaMismatch>,
}

impl Store {
    /// A check of this store's database. It has one connection, apart from the pool.
    pub fn database_check(&self) -> DatabaseCheck {
        let address = Arc::new(self.connections.address().named(NAME));
        DatabaseCheck { address, conn: None, schema: Ok(()) }
    }
}

impl DatabaseCheck {
    /// Checks once, and returns whether this binary serves on the schema. A database that accepts no
    /// more connections counts as present, with the schema that it had.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not respond within `longest`, or responds with an
    /// error.
    pub async fn check(
        &mut self,
        longest: Duration,
    ) -> Result<Result<(), SchemaMismatch>, StoreError> {
        // A connection that does not respond is dropped.
        let conn = self.conn.take();
        match timeout(longest, check_on(conn, &self.address)).await {
            Ok(Ok((conn, schema))) => {
                self.conn = Some(conn);
                self.schema = schema;
            }
            Ok(Err(text)) if StoreError::is_full(&text) => {}
            Ok(Err(text)) => return Err(StoreError::Unavailable(text)),
            Err(_) => {
                return Err(StoreError::Unavailable("it does not respond in time".to_owned()));
            }
        }
        Ok(self.schema.clone())
    }
}

/// Checks on this connection, or on a new one if this one has ended: a single ended connection does
/// not mean that the database is gone.
async fn check_on(
    conn: Option<AsyncPgConnection>,
    address: &Address,
) -> Result<(AsyncPgConnection, Result<(), SchemaMismatch>), String> {
    if let Some(mut conn) = conn
        && let Ok(schema) = migrations::check(&mut conn).await
    {
        return Ok((conn, schema));
    }
    let mut conn = address.connect_bounded().await.map_err(|error| error.to_string())?;
    let schema = migrations::check(&mut conn).await.map_err(|error| error.to_string())?;
    Ok((conn, schema))
}

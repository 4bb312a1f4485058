//! Whether the database is there, asked on a connection of its own: a pool of which every connection is busy
//! says nothing about that.

use std::{sync::Arc, time::Duration};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::time::timeout;

use super::{Address, Store, StoreError};

/// Says in the database's list of connections what this one is for.
const NAME: &str = "identity-link health";

/// Asks whether the database is there.
pub struct Presence {
    address: Arc<Address>,
    /// From the last time, if the database answered then.
    conn: Option<AsyncPgConnection>,
}

impl Store {
    /// Something to ask whether this store's database is there. It has one connection, beside the pool.
    pub fn presence(&self) -> Presence {
        Presence { address: Arc::new(self.address.named(NAME)), conn: None }
    }
}

impl Presence {
    /// Asks once. A database that takes no more connections is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if it does not answer, or not within `longest`.
    pub async fn ask(&mut self, longest: Duration) -> Result<(), StoreError> {
        // A connection that does not answer is not kept.
        let conn = self.conn.take();
        match timeout(longest, ask_on(conn, &self.address)).await {
            Ok(Ok(conn)) => self.conn = Some(conn),
            Ok(Err(text)) if StoreError::is_full(&text) => {}
            Ok(Err(text)) => return Err(StoreError::Unavailable(text)),
            Err(_) => return Err(StoreError::Unavailable("it does not answer in time".to_owned())),
        }
        Ok(())
    }
}

/// Asks on this connection, or on a new one if that is over: one that the database has ended says nothing about
/// the others.
async fn ask_on(conn: Option<AsyncPgConnection>, address: &Address) -> Result<AsyncPgConnection, String> {
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

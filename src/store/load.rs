//! How busy the database is with the work of others.

use std::time::Duration;

use diesel::{QueryableByName, sql_query, sql_types::BigInt};

use super::{Store, StoreError, cached::Cached};

/// How much others wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// How long the oldest committed event has waited behind an open transaction; zero if none waits.
    pub feed_delay: Duration,
    /// How many other sessions of this database wait for locks.
    pub waiting_for_locks: u64,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
}

impl Store {
    /// How much others wait now. It sees the sessions of this store's role, so those of all servers.
    ///
    /// # Errors
    /// As of [`Store::session`].
    pub async fn load(&self) -> Result<Load, StoreError> {
        const SQL: &str = "SELECT count(*) AS waiting FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event_type = 'Lock'";
        let mut tail = self.tail().await?;
        let horizon = tail.horizon().await?;
        let feed_delay = tail.oldest_waits(horizon).await?.unwrap_or_default();
        drop(tail);
        let conn = self.connection().await?;
        let row: Option<WaitingRow> = conn.load_one("load", Cached(sql_query(SQL))).await?;
        let waiting = row.map_or(0, |row| u64::try_from(row.waiting).unwrap_or_default());
        Ok(Load { feed_delay, waiting_for_locks: waiting })
    }
}

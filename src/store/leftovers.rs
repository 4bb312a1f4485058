//! What is kept no longer than it has to be: found, counted, and removed a little at a time.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text, Timestamptz},
};

use super::{Session, StoreError, cached::Cached};

/// How many rows go in one statement, which nobody should have to wait for.
const AT_ONCE: usize = 1000;

/// Something that may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// Answers that are kept for retries no longer.
    ExpiredAnswers,
    /// Tickets of sign-ins that nobody went on with.
    ExpiredTickets,
    /// Flows at providers that have not come back.
    ExpiredAttempts,
    /// What deletions that were interrupted have left.
    Erasures,
    /// Metadata that was discarded before this time, which its link has kept so far.
    DiscardedMetadata(DateTime<Utc>),
    /// Events from before this time.
    OldEvents(DateTime<Utc>),
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Session {
    /// Removes some of it, in a transaction of its own, and says how many rows that were; none if nothing is
    /// left, but for what somebody else is removing.
    pub async fn remove_some(&mut self, what: Leftovers) -> Result<usize, StoreError> {
        match what {
            Leftovers::ExpiredAnswers => self.remove_expired("request_ids").await,
            Leftovers::ExpiredTickets => self.remove_expired("sign_in_tickets").await,
            Leftovers::ExpiredAttempts => self.remove_expired("sign_in_attempts").await,
            Leftovers::Erasures => self.erase_some(None).await,
            Leftovers::DiscardedMetadata(before) => self.remove_discarded(before).await,
            Leftovers::OldEvents(before) => self.sweep_events(before, AT_ONCE).await,
        }
    }

    /// How many rows of it there are, as far as that is easily known; of a deletion, those that it is known to
    /// have left.
    pub async fn count_leftovers(&mut self, what: Leftovers) -> Result<u64, StoreError> {
        const OF_DELETIONS: &str = "SELECT coalesce(sum(1 + cardinality(link_ids)), 0)::bigint AS count FROM erasures \
            WHERE tenant_id = $1";
        let tenant = self.tenant.to_string();
        let row: Option<Count> = match what {
            Leftovers::ExpiredAnswers => self.expired("request_ids").await?,
            Leftovers::ExpiredTickets => self.expired("sign_in_tickets").await?,
            Leftovers::ExpiredAttempts => self.expired("sign_in_attempts").await?,
            Leftovers::Erasures => self.conn.load_one(Cached(sql_query(OF_DELETIONS).bind::<Text, _>(tenant))).await?,
            Leftovers::DiscardedMetadata(before) => {
                let sql = "SELECT count(*) FROM links WHERE tenant_id = $1 AND discard_time < $2";
                let query = sql_query(sql).bind::<Text, _>(tenant).bind::<Timestamptz, _>(before);
                self.conn.load_one(Cached(query)).await?
            }
            // They are found in their order, not by time: to count them would be to read the feed.
            Leftovers::OldEvents(_) => None,
        };
        Ok(row.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }

    /// How many rows of this table have expired.
    async fn expired(&mut self, table: &'static str) -> Result<Option<Count>, StoreError> {
        let sql = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1 AND expire_time <= now()");
        self.conn.load_one(Cached(sql_query(sql).bind::<Text, _>(self.tenant.as_str()))).await
    }

    /// Removes some of the rows of this table that have expired. What somebody else is about to remove is left to them.
    async fn remove_expired(&mut self, table: &'static str) -> Result<usize, StoreError> {
        let sql = format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM {table} \
               WHERE tenant_id = $1 AND expire_time <= now() ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))"
        );
        let query = sql_query(sql)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<BigInt, _>(i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
        self.conn.execute(Cached(query)).await
    }

    async fn remove_discarded(&mut self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        const SQL: &str = "UPDATE links SET withheld = '{}', discard_time = NULL WHERE tenant_id = $1 \
            AND id = ANY (ARRAY (SELECT id FROM links WHERE tenant_id = $1 AND discard_time < $2 \
              ORDER BY discard_time LIMIT $3 FOR UPDATE SKIP LOCKED))";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
        self.conn.execute(Cached(query)).await
    }
}

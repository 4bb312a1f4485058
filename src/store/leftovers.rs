//! Data whose retention has ended: it is counted, and removed in small steps.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};

use super::{Session, StoreError, bind::bigint, cached::Cached};

/// The most rows that one statement removes, so that no call waits long for it.
const AT_ONCE: usize = 1000;

/// How long the progress of an import is kept after its end.
const ENDED_IMPORTS_KEPT: TimeDelta = TimeDelta::days(30);

/// A kind of data that may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftovers {
    /// Stored responses that are no longer kept for retries.
    ExpiredResponses,
    /// Tickets of sign-ins that were not continued.
    ExpiredTickets,
    /// Flows at providers that did not return in time.
    ExpiredAttempts,
    /// Logout tokens and security event tokens that would be refused as too old.
    ExpiredEventTokens,
    /// Sign-ins to the console that were not continued in time.
    ExpiredConsoleAttempts,
    /// Sessions of people in the console that have ended.
    ExpiredConsoleSessions,
    /// What is no longer kept of which users people looked at in the console.
    ExpiredConsoleLooks,
    /// Jobs that are forgotten, with their lines.
    ExpiredJobs,
    /// What interrupted deletions have left.
    Erasures,
    /// Metadata that was discarded before this time and is still kept with its link.
    DiscardedMetadata(DateTime<Utc>),
    /// Events from before this time.
    OldEvents(DateTime<Utc>),
    /// The progress of imports that ended before this time.
    EndedImports(DateTime<Utc>),
}

impl Leftovers {
    /// What has expired of the console.
    pub const OF_CONSOLE: [Self; 3] =
        [Self::ExpiredConsoleAttempts, Self::ExpiredConsoleSessions, Self::ExpiredConsoleLooks];

    /// The progress of imports that ended more than 30 days ago. An import that has not ended stays,
    /// so that it can continue.
    pub fn ended_imports(now: DateTime<Utc>) -> Self {
        Self::EndedImports(now - ENDED_IMPORTS_KEPT)
    }

    /// The kind as text, for the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExpiredResponses => "expired_responses",
            Self::ExpiredTickets => "expired_tickets",
            Self::ExpiredAttempts => "expired_attempts",
            Self::ExpiredEventTokens => "expired_event_tokens",
            Self::ExpiredConsoleAttempts => "expired_console_attempts",
            Self::ExpiredConsoleSessions => "expired_console_sessions",
            Self::ExpiredConsoleLooks => "expired_console_looks",
            Self::ExpiredJobs => "expired_jobs",
            Self::Erasures => "erasures",
            Self::DiscardedMetadata(_) => "discarded_metadata",
            Self::OldEvents(_) => "old_events",
            Self::EndedImports(_) => "ended_imports",
        }
    }
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    discard_time: Option<DateTime<Utc>>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Session {
    /// Removes a part of it, in a transaction of its own. Returns the number of rows; 0 if nothing
    /// is left except what another process is removing.
    pub async fn remove_some(&mut self, what: Leftovers) -> Result<usize, StoreError> {
        match what {
            Leftovers::ExpiredResponses => self.remove_expired("request_ids").await,
            Leftovers::ExpiredTickets => self.remove_expired("sign_in_tickets").await,
            Leftovers::ExpiredAttempts => self.remove_expired("sign_in_attempts").await,
            Leftovers::ExpiredEventTokens => self.remove_expired("event_tokens").await,
            Leftovers::ExpiredConsoleAttempts => self.remove_expired("console_attempts").await,
            Leftovers::ExpiredConsoleSessions => self.remove_expired("console_sessions").await,
            Leftovers::ExpiredConsoleLooks => self.remove_expired("console_looks").await,
            Leftovers::ExpiredJobs => self.remove_expired_jobs().await,
            Leftovers::Erasures => self.erase_some(None).await,
            Leftovers::DiscardedMetadata(before) => self.remove_discarded(before).await,
            Leftovers::OldEvents(before) => self.sweep_events(before, AT_ONCE).await,
            Leftovers::EndedImports(before) => self.remove_ended_imports(before).await,
        }
    }

    /// The number of its rows, as far as counting is cheap; for deletions, the rows that they are
    /// known to have left.
    pub async fn count_leftovers(&mut self, what: Leftovers) -> Result<u64, StoreError> {
        const OF_DELETIONS: &str = "SELECT coalesce(sum(1 + cardinality(link_ids)), 0)::bigint AS count FROM erasures \
            WHERE tenant_id = $1";
        let tenant = self.tenant.to_string();
        let row: Option<Count> = match what {
            Leftovers::ExpiredResponses => self.expired("request_ids").await?,
            Leftovers::ExpiredTickets => self.expired("sign_in_tickets").await?,
            Leftovers::ExpiredAttempts => self.expired("sign_in_attempts").await?,
            Leftovers::ExpiredEventTokens => self.expired("event_tokens").await?,
            Leftovers::ExpiredConsoleAttempts => self.expired("console_attempts").await?,
            Leftovers::ExpiredConsoleSessions => self.expired("console_sessions").await?,
            Leftovers::ExpiredConsoleLooks => self.expired("console_looks").await?,
            Leftovers::ExpiredJobs => self.expired("jobs").await?,
            Leftovers::Erasures => {
                self.conn
                    .load_one(
                        "count_leftovers",
                        Cached(sql_query(OF_DELETIONS).bind::<Text, _>(tenant)),
                    )
                    .await?
            }
            Leftovers::DiscardedMetadata(before) => {
                let sql = "SELECT count(*) FROM links WHERE tenant_id = $1 AND discard_time < $2";
                let query = sql_query(sql).bind::<Text, _>(tenant).bind::<Timestamptz, _>(before);
                self.conn.load_one("count_leftovers", Cached(query)).await?
            }
            Leftovers::EndedImports(before) => {
                let sql = "SELECT count(*) FROM import_runs WHERE tenant_id = $1 AND end_time < $2";
                let query = sql_query(sql).bind::<Text, _>(tenant).bind::<Timestamptz, _>(before);
                self.conn.load_one("count_leftovers", Cached(query)).await?
            }
            // Events are indexed by position, not by time: counting them would read the feed.
            Leftovers::OldEvents(_) => None,
        };
        Ok(row.and_then(|row| u64::try_from(row.count).ok()).unwrap_or_default())
    }

    /// When the oldest metadata was discarded that is still kept with its link; `None` if there is
    /// none.
    pub async fn oldest_discard_time(&mut self) -> Result<Option<DateTime<Utc>>, StoreError> {
        const SQL: &str = "SELECT (SELECT discard_time FROM links WHERE tenant_id = $1 AND discard_time IS NOT NULL \
            ORDER BY discard_time LIMIT 1) AS discard_time";
        let query = sql_query(SQL).bind::<Text, _>(self.tenant.as_str());
        let row: Option<Oldest> = self.conn.load_one("oldest_discard_time", Cached(query)).await?;
        Ok(row.and_then(|row| row.discard_time))
    }

    /// The number of expired rows of this table.
    async fn expired(&mut self, table: &'static str) -> Result<Option<Count>, StoreError> {
        let sql =
            format!("SELECT count(*) FROM {table} WHERE tenant_id = $1 AND expire_time <= now()");
        self.conn
            .load_one("expired", Cached(sql_query(sql).bind::<Text, _>(self.tenant.as_str())))
            .await
    }

    /// Removes some of the expired rows of this table. Rows that another process has locked are
    /// skipped.
    async fn remove_expired(&mut self, table: &'static str) -> Result<usize, StoreError> {
        let sql = format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY (SELECT ctid FROM {table} \
               WHERE tenant_id = $1 AND expire_time <= now() ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))"
        );
        let query =
            sql_query(sql).bind::<Text, _>(self.tenant.as_str()).bind::<BigInt, _>(bigint(AT_ONCE));
        self.conn.execute("remove_expired", Cached(query)).await
    }

    /// Removes some lines of forgotten jobs, or if none is left, some of these jobs.
    async fn remove_expired_jobs(&mut self) -> Result<usize, StoreError> {
        const LINES: &str = "DELETE FROM job_lines WHERE ctid = ANY (ARRAY (SELECT l.ctid FROM jobs j \
            JOIN job_lines l ON l.tenant_id = j.tenant_id AND l.job_id = j.id \
            WHERE j.tenant_id = $1 AND j.expire_time <= now() LIMIT $2 FOR UPDATE OF l SKIP LOCKED))";
        const JOBS: &str = "DELETE FROM jobs WHERE ctid = ANY (ARRAY (SELECT ctid FROM jobs j \
            WHERE tenant_id = $1 AND expire_time <= now() AND NOT EXISTS ( \
              SELECT FROM job_lines WHERE tenant_id = j.tenant_id AND job_id = j.id) \
            ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED))";
        for sql in [LINES, JOBS] {
            let query = sql_query(sql)
                .bind::<Text, _>(self.tenant.as_str())
                .bind::<BigInt, _>(bigint(AT_ONCE));
            let removed = self.conn.execute("remove_expired_jobs", Cached(query)).await?;
            if removed > 0 {
                return Ok(removed);
            }
        }
        Ok(0)
    }

    async fn remove_discarded(&mut self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        const SQL: &str = "UPDATE links SET withheld = '{}', discard_time = NULL WHERE tenant_id = $1 \
            AND id = ANY (ARRAY (SELECT id FROM links WHERE tenant_id = $1 AND discard_time < $2 \
              ORDER BY discard_time LIMIT $3 FOR UPDATE SKIP LOCKED))";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(bigint(AT_ONCE));
        self.conn.execute("remove_discarded", Cached(query)).await
    }

    async fn remove_ended_imports(&mut self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        const SQL: &str = "DELETE FROM import_runs WHERE ctid = ANY (ARRAY (SELECT ctid FROM import_runs \
            WHERE tenant_id = $1 AND end_time < $2 ORDER BY end_time LIMIT $3 FOR UPDATE SKIP LOCKED))";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(bigint(AT_ONCE));
        self.conn.execute("remove_ended_imports", Cached(query)).await
    }
}

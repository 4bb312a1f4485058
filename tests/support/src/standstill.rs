//! Makes calls meet at a known point, without a clock: a test locks a user's row, or a whole table,
//! and the calls that need it wait in their order until the test releases it.

use std::time::Duration;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use super::cluster::Database;

/// When the insert of a user's events waits.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// The transaction has its id, and the events are not inserted yet.
    BeforeInsert,
    /// The events are inserted, and not committed.
    AfterInsert,
}

/// A transaction that holds locks until it is released.
pub struct Held(AsyncPgConnection);

impl Held {
    /// Also locks the row of this user, unless the database ends this transaction for a deadlock.
    pub async fn db_try_hold(&mut self, user_id: &str) {
        let hold = format!(
            "SELECT FROM users WHERE tenant_id = 'default' AND id = '{user_id}' FOR UPDATE"
        );
        if let Err(error) = self.0.batch_execute(&hold).await {
            assert!(error.to_string().contains("deadlock detected"), "{error}");
        }
    }

    /// Releases all that it holds.
    pub async fn db_release(mut self) {
        self.0.batch_execute("COMMIT").await.unwrap();
    }
}

impl Database {
    /// Locks the row of a user.
    pub async fn db_hold(&self, user_id: &str) -> Held {
        let mut conn = self.db_connect().await;
        let hold = format!(
            "BEGIN; SELECT FROM users WHERE tenant_id = 'default' AND id = '{user_id}' FOR UPDATE"
        );
        conn.batch_execute(&hold).await.unwrap();
        Held(conn)
    }

    /// Locks the row of a link.
    pub async fn db_hold_link(&self, link_id: &str) -> Held {
        let mut conn = self.db_connect().await;
        conn.batch_execute(&format!("BEGIN; SELECT FROM links WHERE id = '{link_id}' FOR UPDATE"))
            .await
            .unwrap();
        Held(conn)
    }

    /// Executes a statement, and holds the locks that it took.
    pub async fn db_hold_statement(&self, statement: &str) -> Held {
        let mut conn = self.db_connect().await;
        conn.batch_execute(&format!("BEGIN; {statement}")).await.unwrap();
        Held(conn)
    }

    /// Locks a table, also against reads.
    pub async fn db_hold_table(&self, table: &str) -> Held {
        let mut conn = self.db_connect().await;
        conn.batch_execute(&format!("BEGIN; LOCK TABLE {table}")).await.unwrap();
        Held(conn)
    }

    /// Makes each insert of an event of a user wait at this moment. The holder has no transaction
    /// id.
    pub async fn db_hold_events(&self, user_id: &str, moment: Moment) -> Held {
        let mut conn = self.db_connect().await;
        let moment = match moment {
            Moment::BeforeInsert => "BEFORE",
            Moment::AfterInsert => "AFTER",
        };
        let hold = format!(
            "CREATE OR REPLACE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql \
               AS 'BEGIN PERFORM pg_advisory_xact_lock(0, 1); RETURN new; END'; \
             CREATE OR REPLACE TRIGGER waits {moment} INSERT ON events FOR EACH ROW \
               WHEN (new.user_id = '{user_id}') EXECUTE FUNCTION wait()"
        );
        conn.batch_execute(&hold).await.unwrap();
        conn.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(0, 1)").await.unwrap();
        Held(conn)
    }

    /// Holds a transaction with an id open.
    pub async fn db_hold_transaction(&self) -> Held {
        let mut conn = self.db_connect().await;
        conn.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
        Held(conn)
    }

    /// How many of the server's connections wait for a lock.
    pub async fn db_waiting(&self) -> usize {
        let waiting = "SELECT 'waits' FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.db_texts(waiting).await.len()
    }

    /// Returns once this many of the server's connections wait for a lock. The bound only turns a
    /// test that would hang into one that fails.
    pub async fn db_until_waiting(&self, count: usize) {
        let all_wait = async { while self.db_waiting().await < count {} };
        tokio::time::timeout(Duration::from_secs(30), all_wait)
            .await
            .expect("the calls should wait for a lock");
    }

    /// Returns once this query has no row, with the same bound.
    pub async fn db_until_none(&self, query: &str) {
        let none = async { while !self.db_texts(query).await.is_empty() {} };
        tokio::time::timeout(Duration::from_secs(30), none)
            .await
            .unwrap_or_else(|_| panic!("{query} should have no row"));
    }

    /// Returns once no other connection is open, with the same bound.
    pub async fn db_until_alone(&self) {
        let alone = async {
            let others = "SELECT query FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            while !self.db_texts(others).await.is_empty() {}
        };
        tokio::time::timeout(Duration::from_secs(30), alone)
            .await
            .expect("the connections should be closed");
    }

    /// Returns once the database executes nothing for the server, with the same bound.
    pub async fn db_until_idle(&self) {
        let all_idle = async {
            let active = "SELECT query FROM pg_stat_activity \
                WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
            while !self.db_texts(active).await.is_empty() {}
        };
        tokio::time::timeout(Duration::from_secs(30), all_idle)
            .await
            .expect("the database should have nothing to do");
    }
}

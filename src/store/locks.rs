//! Locks that each write takes before it reads the rows on which it decides.
//!
//! With row locks alone, two conflicting changes can get their transaction ids in another order
//! than the one in which they happen. A feed in the order of ids would then contradict the
//! versions. These locks are taken before the first statement that assigns an id. Before them, the
//! writers of this process wait in line (`write_queue.rs`).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Timestamptz},
};
use futures_util::future::join;
use tokio::time::timeout;

use super::{IdentifiedRequest, Session, StoreError, cached::Cached};
use crate::{
    call_slots::WaitsFor,
    domain::{IdentityRef, TenantId, UserId},
};

/// How long a writer waits in line: as long as the database lets it wait for a lock.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The keys that one write locks.
#[derive(Debug, Default)]
pub struct LockKeys(Vec<String>);

/// The locks of one write, as the database names them.
pub(super) struct Locks(Vec<i64>);

#[derive(QueryableByName)]
struct LockedRow {
    #[diesel(sql_type = Timestamptz)]
    time: DateTime<Utc>,
}

impl LockKeys {
    /// Also locks this user.
    #[must_use]
    pub fn user(mut self, id: &UserId) -> Self {
        self.0.push(format!("user\0{id}"));
        self
    }

    /// Also locks this identity.
    #[must_use]
    pub fn identity(mut self, id: &IdentityRef) -> Self {
        self.0.push(format!("identity\0{}\0{}", id.provider, id.subject));
        self
    }

    /// Also locks the set of users with this canonical email.
    #[must_use]
    pub fn email(mut self, canonical: &str) -> Self {
        self.0.push(format!("email\0{canonical}"));
        self
    }

    /// The keys as numbers, in the one order in which all transactions take them, so that no
    /// deadlock arises. Two keys with the same number only share a lock.
    fn sorted_numbers(&self, tenant: &TenantId, request: Option<&IdentifiedRequest>) -> Vec<i64> {
        let names = self.0.iter().map(|name| number(tenant, name));
        let mut numbers: Vec<i64> =
            names.chain(request.map(|request| number(tenant, &request_key(request)))).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

impl Session {
    /// Begins a transaction, and takes the locks of these keys, and of the request's id, until it
    /// ends. A writer that waits for another writer of this process waits without a connection and
    /// without a slot, so that other callers have them.
    ///
    /// Returns the time at which it has the locks, by the clock of the database: the clocks of two
    /// servers may differ.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if other writers hold the locks for too long.
    pub async fn begin_locked(&mut self, keys: &LockKeys) -> Result<DateTime<Utc>, StoreError> {
        let locks = self.line_up(keys).await?;
        self.begin_with(locks).await
    }

    /// Waits for the turn of a transaction with these keys, and returns its locks.
    pub(super) async fn line_up(&mut self, keys: &LockKeys) -> Result<Locks, StoreError> {
        let numbers = keys.sorted_numbers(&self.tenant, self.request.as_ref());
        self.take_turn(&numbers).await?;
        Ok(Locks(numbers))
    }

    /// Begins a transaction with these locks. A read that is polled after this one's first poll is
    /// sent together with it. Its snapshot still is younger than the locks: the server executes one
    /// statement after the other, and in READ COMMITTED each takes its snapshot when it is executed.
    pub(super) async fn begin_with(&self, locks: Locks) -> Result<DateTime<Utc>, StoreError> {
        // The clock is read for the row that is returned, after all locks were counted.
        const SQL: &str = "SELECT clock_timestamp() AS time, count(pg_advisory_xact_lock(k)) \
            FROM unnest($1::bigint[]) AS k";
        let query = Cached(sql_query(SQL).bind::<Array<BigInt>, _>(locks.0));
        let (begun, locked) = join(self.conn.begin(), self.conn.load_one("lock", query)).await;
        begun?;
        let row: Option<LockedRow> = locked?;
        let row = row.ok_or_else(|| StoreError::Fault("the locks returned no time".to_owned()))?;
        Ok(row.time)
    }

    /// Waits for the writers of this process under these keys, and holds back later ones until this
    /// session ends: for a statement that waits for a row.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if other writers take too long.
    pub async fn wait_for_writers(&mut self, keys: &LockKeys) -> Result<(), StoreError> {
        self.take_turn(&keys.sorted_numbers(&self.tenant, None)).await
    }

    async fn take_turn(&mut self, numbers: &[i64]) -> Result<(), StoreError> {
        // A session that holds one turn must not wait for another.
        self.turn = None;
        let mut turn = self.store.write_queue.enqueue(numbers);
        if !turn.is_first() {
            self.conn.give_back();
            if let Some(slot) = &self.slot {
                slot.step_aside(WaitsFor::Writers).ok_or(StoreError::Overloaded)?;
            }
            turn.wait(LONGEST_WAIT).await?;
            if let Some(slot) = &self.slot {
                let back = timeout(LONGEST_WAIT, slot.step_back()).await;
                back.map_err(|_| StoreError::Overloaded)?;
            }
            self.conn = self.store.connections.get_for(&self.tenant).await?;
        }
        self.turn = Some(turn);
        Ok(())
    }
}

fn request_key(request: &IdentifiedRequest) -> String {
    let IdentifiedRequest { id, rpc, caller_kind, issuer, subject, .. } = request;
    format!("request\0{rpc}\0{caller_kind}\0{issuer}\0{subject}\0{id}")
}

fn number(tenant: &TenantId, key: &str) -> i64 {
    let hash = digest(&SHA256, format!("{tenant}\0{key}").as_bytes());
    hash.as_ref().iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

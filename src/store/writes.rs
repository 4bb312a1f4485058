//! The writes of a transaction, which its commit sends together.
//!
//! A change is decided on locked rows, so it is known what each of its writes does before the first
//! one is sent: no write waits for the response to another one. Their responses decide only whether
//! the transaction commits, and COMMIT is sent after all of them.

use diesel::{
    pg::Pg,
    query_builder::{QueryFragment, QueryId},
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use super::{Session, StoreError, connection::Statement, epochs::begin_epoch};

/// A write of the open transaction.
pub(super) struct Write {
    name: &'static str,
    statement: Statement,
    expected: Expected,
}

/// The rows that a write must change.
pub(super) enum Expected {
    /// Any number.
    Any,
    /// This many, which were locked and judged.
    Locked(usize),
    /// This many, unless another writer was faster in what the text says.
    Unless(usize, &'static str),
    /// This many events, unless the database's cluster or timeline differs from that of the last
    /// epoch.
    Events(usize),
}

/// What the writes of a transaction did.
#[derive(PartialEq, Eq)]
enum Written {
    /// All that they had to.
    All,
    /// No event was written, because the epoch is over.
    EpochIsOver,
}

impl Expected {
    fn compare(&self, changed: usize) -> Result<Written, StoreError> {
        match *self {
            Self::Any => Ok(Written::All),
            Self::Locked(rows) | Self::Unless(rows, _) | Self::Events(rows) if rows == changed => {
                Ok(Written::All)
            }
            Self::Events(_) if changed == 0 => Ok(Written::EpochIsOver),
            Self::Locked(rows) | Self::Events(rows) => {
                Err(StoreError::Fault(format!("a write changed {changed} rows instead of {rows}")))
            }
            Self::Unless(_, overtaken) => Err(StoreError::Conflict(overtaken.to_owned())),
        }
    }

    /// The error of a write that failed. A row that exists already is that of the other writer.
    fn failed(&self, error: DieselError) -> StoreError {
        match (self, error) {
            (
                Self::Unless(_, overtaken),
                DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _),
            ) => StoreError::Conflict((*overtaken).to_owned()),
            (_, error) => error.into(),
        }
    }
}

impl Session {
    /// Adds a write to the open transaction. The metrics and the trace have the name.
    pub(super) fn write<Q>(&mut self, name: &'static str, statement: Q, expected: Expected)
    where
        Q: QueryFragment<Pg> + QueryId + Send + Sync + 'static,
    {
        let statement: Statement =
            Box::new(move |mut conn: &AsyncPgConnection| statement.execute(&mut conn));
        self.writes.push(Write { name, statement, expected });
    }

    /// Sends the writes of the open transaction, if there is one, and commits it if each write did
    /// what it had to. After it returns, the changes are durable.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer was faster; [`StoreError::CommitUnknown`] if the
    /// connection was lost during the commit, and others of the database.
    pub async fn commit(&mut self) -> Result<(), StoreError> {
        if self.send_writes().await? == Written::EpochIsOver {
            self.abandon().await?;
            // On this connection: all writers find it at once, and the pool may have no other one
            // left.
            begin_epoch(&self.conn).await?;
            return Err(StoreError::Conflict("the epoch of the feed was over".to_owned()));
        }
        self.conn.commit().await?;
        self.turn = None;
        let kinds = std::mem::take(&mut self.kinds);
        if !kinds.is_empty() {
            self.store.events_committed.notify_one();
        }
        for kind in kinds {
            self.store.metrics.links.event(self.tenant.as_str(), kind.as_str());
        }
        Ok(())
    }

    /// Sends the writes of the open transaction so far, none of which is an event. The transaction
    /// must not commit if this fails.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another writer was faster, and others of the database.
    pub async fn send(&mut self) -> Result<(), StoreError> {
        self.send_writes().await.map(drop)
    }

    async fn send_writes(&mut self) -> Result<Written, StoreError> {
        if let Some(lease) = self.lease.filter(|_| !self.writes.is_empty()) {
            self.hold_lease(lease);
        }
        let writes = std::mem::take(&mut self.writes);
        if writes.is_empty() {
            return Ok(Written::All);
        }
        let (statements, expected): (Vec<_>, Vec<_>) =
            writes.into_iter().map(|write| ((write.name, write.statement), write.expected)).unzip();
        let changed = self.conn.execute_all(statements).await?;
        // An error makes all later statements fail, so the first one is the cause.
        for (changed, expected) in changed.into_iter().zip(&expected) {
            let changed = changed.map_err(|error| expected.failed(error))?;
            if expected.compare(changed)? == Written::EpochIsOver {
                return Ok(Written::EpochIsOver);
            }
        }
        Ok(Written::All)
    }
}

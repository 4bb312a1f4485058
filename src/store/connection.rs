//! A connection on loan from the pool that records whether the server is executing a statement on
//! it.
//!
//! A dropped future of diesel-async stops waiting, but the server continues with the statement, and
//! the next user of the connection would wait for it. All statements therefore go through this
//! type. A connection that is dropped while a statement is in flight is not returned: the statement
//! is cancelled, and the connection closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use diesel::result::QueryResult;
use diesel_async::{
    AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
    methods::{ExecuteDsl, LoadQuery},
    pooled_connection::{PoolableConnection as _, deadpool::Object},
};
use futures_util::future::{BoxFuture, join_all};
use tokio::{runtime::Handle, time::timeout};

use super::{Address, StoreError};
use crate::telemetry::{CallRecord, Step, metrics::DatabaseMetrics};

/// How long an abandoned statement may run before it is cancelled.
const A_MOMENT: Duration = Duration::from_millis(100);

/// A statement that any connection can send.
pub(super) type Statement = Box<
    dyn for<'conn> FnOnce(&'conn AsyncPgConnection) -> BoxFuture<'conn, QueryResult<usize>>
        + Send
        + Sync,
>;

/// A connection on loan.
pub(super) struct Connection {
    /// `None` after this is dropped, or the connection returned.
    loan: Option<Object<AsyncPgConnection>>,
    /// How many statements were sent whose responses are outstanding.
    in_flight: AtomicUsize,
    /// Whether a transaction is open, or may be.
    in_transaction: AtomicBool,
    address: Arc<Address>,
    metrics: DatabaseMetrics,
}

impl Connection {
    /// Wraps a connection on loan from the pool of this address.
    pub(super) fn new(
        loan: Object<AsyncPgConnection>,
        address: Arc<Address>,
        metrics: DatabaseMetrics,
    ) -> Self {
        let (in_flight, in_transaction) = Default::default();
        Self { loan: Some(loan), in_flight, in_transaction, address, metrics }
    }

    /// All rows of a query. The metrics and the trace have the name.
    #[expect(
        clippy::manual_async_fn,
        reason = "of an async fn the compiler cannot tell that its future is Send"
    )]
    pub(super) fn load<'conn, 'query, T, Q>(
        &'conn self,
        name: &'static str,
        query: Q,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send
    where
        T: Send,
        Q: LoadQuery<'query, &'conn AsyncPgConnection, T> + Send + 'query,
    {
        async move {
            let mut conn = self.open()?;
            Ok(self.track(name, query.load(&mut conn)).await?)
        }
    }

    /// The row of a query by key; `None` if there is none. The name is as with
    /// [`Connection::load`].
    #[expect(
        clippy::manual_async_fn,
        reason = "of an async fn the compiler cannot tell that its future is Send"
    )]
    pub(super) fn load_one<'conn, 'query, T, Q>(
        &'conn self,
        name: &'static str,
        query: Q,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> + Send
    where
        T: Send,
        Q: LoadQuery<'query, &'conn AsyncPgConnection, T> + Send + 'query,
    {
        async move { Ok(self.load(name, query).await?.into_iter().next()) }
    }

    /// Executes a statement and returns the number of affected rows. The name is as with
    /// [`Connection::load`].
    #[expect(
        clippy::manual_async_fn,
        reason = "of an async fn the compiler cannot tell that its future is Send"
    )]
    pub(super) fn execute<'conn, 'query, Q>(
        &'conn self,
        name: &'static str,
        statement: Q,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send
    where
        Q: ExecuteDsl<&'conn AsyncPgConnection> + Send + 'query,
    {
        async move {
            let mut conn = self.open()?;
            Ok(self.track(name, statement.execute(&mut conn)).await?)
        }
    }

    /// Executes statements in a transaction, and returns the number of affected rows of each. They
    /// are sent together, in this order: the first poll of each sends it, and one that has to be
    /// prepared before holds the later ones back.
    ///
    /// # Errors
    /// [`StoreError::Fault`] outside of a transaction. The errors of the statements are in their
    /// results.
    pub(super) async fn execute_all(
        &self,
        statements: Vec<(&'static str, Statement)>,
    ) -> Result<Vec<QueryResult<usize>>, StoreError> {
        if !AtomicBool::load(&self.in_transaction, Relaxed) {
            return Err(StoreError::Fault("a write outside of a transaction".to_owned()));
        }
        let conn = self.open()?;
        let sent = statements.into_iter().map(|(name, send)| self.track(name, send(conn)));
        // Waits for all responses, also after an error: no statement is left in flight.
        Ok(join_all(sent).await)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self) -> Result<(), StoreError> {
        self.begin_by("BEGIN").await
    }

    /// Begins a transaction that only reads, and whose statements all see the same moment.
    pub(super) async fn begin_snapshot(&self) -> Result<(), StoreError> {
        self.begin_by("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    async fn begin_by(&self, sql: &str) -> Result<(), StoreError> {
        if self.in_transaction.swap(true, Relaxed) {
            return Err(StoreError::Fault("a transaction was begun in another one".to_owned()));
        }
        self.command("begin", sql).await
    }

    /// Commits the transaction, if one is open.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        if !*self.in_transaction.get_mut() {
            return Ok(());
        }
        let committed = self.track("commit", self.open()?.batch_execute("COMMIT")).await;
        // A COMMIT that fails ends the transaction too.
        *self.in_transaction.get_mut() = false;
        committed.map_err(StoreError::at_commit)
    }

    /// Rolls the transaction back, if one is open.
    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        if *self.in_transaction.get_mut() {
            self.command("rollback", "ROLLBACK").await?;
            *self.in_transaction.get_mut() = false;
        }
        Ok(())
    }

    /// Returns the connection to the pool, unless a statement or a transaction is open.
    pub(super) fn give_back(&mut self) {
        let Some(mut loan) = self.loan.take() else { return };
        let in_transaction = *self.in_transaction.get_mut();
        if *self.in_flight.get_mut() > 0 {
            cancel(loan, Arc::clone(&self.address), in_transaction);
        } else if in_transaction || loan.is_broken() {
            // The pool does not know of the transaction, which would keep its locks.
            drop(Object::take(loan));
        }
    }

    async fn command(&self, name: &'static str, sql: &str) -> Result<(), StoreError> {
        Ok(self.track(name, self.open()?.batch_execute(sql)).await?)
    }

    fn open(&self) -> Result<&AsyncPgConnection, StoreError> {
        self.loan
            .as_deref()
            .ok_or_else(|| StoreError::Fault("a connection was used after its end".to_owned()))
    }

    /// Waits for the response to a statement, which counts as in flight meanwhile and is measured
    /// under its name.
    async fn track<T>(
        &self,
        name: &'static str,
        statement: impl Future<Output = QueryResult<T>>,
    ) -> QueryResult<T> {
        let (began, mut step) = (Instant::now(), Step::request(name));
        step.set("db.system.name", "postgresql");
        self.in_flight.fetch_add(1, Relaxed);
        let result = statement.await;
        self.in_flight.fetch_sub(1, Relaxed);
        if let Err(error) = &result {
            step.fail("the statement failed");
            if StoreError::is_lock_timeout(&error.to_string()) {
                tracing::warn!(
                    statement = name,
                    "a lock was not acquired in time: pg_blocking_pids shows the session that holds it"
                );
            }
        }
        self.metrics.statement(name, began.elapsed(), result.is_ok());
        result
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Waits briefly for the response to an abandoned statement, after which the connection can be
/// reused unless a transaction is open: abandoning short calls must not cost a new connection each.
/// A longer statement is cancelled, and its connection closed. Until then the connection counts
/// towards the pool's size.
fn cancel(mut loan: Object<AsyncPgConnection>, address: Arc<Address>, in_transaction: bool) {
    // Without a runtime, no caller is left to borrow the connection.
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(CallRecord::inherited(async move {
        if !in_transaction
            && !loan.is_broken()
            && matches!(timeout(A_MOMENT, loan.batch_execute("")).await, Ok(Ok(())))
        {
            return;
        }
        if let Err(error) = address.cancel(loan.cancel_token()).await {
            tracing::warn!(
                error,
                "a statement could not be cancelled: it runs until the database ends it"
            );
        }
        drop(Object::take(loan));
    }));
}

//! A connection on loan from the pool that records whether the server is executing a statement on
//! it.
//!
//! A dropped future of diesel-async stops waiting, but the server continues with the statement, and
//! the next user of the connection would wait for it. All statements therefore go through this
//! type. A connection that is dropped while a statement is in flight is not returned: the statement
//! is cancelled, and the connection closed.

use std::{sync::Arc, time::Duration};

use diesel::result::QueryResult;
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _,
    TransactionManager as _,
    methods::{ExecuteDsl, LoadQuery},
    pooled_connection::{PoolableConnection as _, deadpool::Object},
};
use tokio::{runtime::Handle, time::timeout};

use super::{Address, StoreError};

/// How long an abandoned statement may run before it is cancelled.
const A_MOMENT: Duration = Duration::from_millis(100);

/// A connection on loan.
pub(super) struct Connection {
    /// `None` after this is dropped, or the connection returned.
    loan: Option<Object<AsyncPgConnection>>,
    /// Whether a statement was sent whose response is outstanding.
    in_flight: bool,
    address: Arc<Address>,
}

impl Connection {
    /// Wraps a connection on loan from the pool of this address.
    pub(super) fn new(loan: Object<AsyncPgConnection>, address: Arc<Address>) -> Self {
        Self { loan: Some(loan), in_flight: false, address }
    }

    /// All rows of a query.
    #[expect(
        clippy::manual_async_fn,
        reason = "of an async fn the compiler cannot tell that its future is Send"
    )]
    pub(super) fn load<'query, T, Q>(
        &mut self,
        query: Q,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send
    where
        T: Send,
        Q: LoadQuery<'query, AsyncPgConnection, T> + Send + 'query,
    {
        async move {
            let Self { loan, in_flight, .. } = self;
            Ok(track_in_flight(in_flight, query.load(open(loan)?)).await?)
        }
    }

    /// The row of a query by key; `None` if there is none.
    #[expect(
        clippy::manual_async_fn,
        reason = "of an async fn the compiler cannot tell that its future is Send"
    )]
    pub(super) fn load_one<'query, T, Q>(
        &mut self,
        query: Q,
    ) -> impl Future<Output = Result<Option<T>, StoreError>> + Send
    where
        T: Send,
        Q: LoadQuery<'query, AsyncPgConnection, T> + Send + 'query,
    {
        async move { Ok(self.load(query).await?.into_iter().next()) }
    }

    /// Executes a statement and returns the number of affected rows.
    pub(super) async fn execute<'query, Q>(&mut self, statement: Q) -> Result<usize, StoreError>
    where
        Q: ExecuteDsl<AsyncPgConnection> + 'query,
    {
        let Self { loan, in_flight, .. } = self;
        Ok(track_in_flight(in_flight, statement.execute(open(loan)?)).await?)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        let Self { loan, in_flight, .. } = self;
        Ok(track_in_flight(in_flight, AnsiTransactionManager::begin_transaction(open(loan)?))
            .await?)
    }

    /// Commits the transaction, if one is open.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        let Self { loan, in_flight, .. } = self;
        let conn = open(loan)?;
        if is_in_transaction(conn)? {
            let committed =
                track_in_flight(in_flight, AnsiTransactionManager::commit_transaction(conn)).await;
            committed.map_err(StoreError::at_commit)?;
        }
        Ok(())
    }

    /// Returns the connection to the pool early. No statement or transaction may be open.
    pub(super) fn return_early(&mut self) {
        drop(self.loan.take());
    }

    /// Rolls the transaction back, if one is open.
    pub(super) async fn roll_back(&mut self) -> Result<(), StoreError> {
        let Self { loan, in_flight, .. } = self;
        // A returned connection has no transaction.
        let Some(conn) = loan.as_deref_mut() else { return Ok(()) };
        if is_in_transaction(conn)? {
            track_in_flight(in_flight, AnsiTransactionManager::rollback_transaction(conn)).await?;
        }
        Ok(())
    }
}

fn open(
    loan: &mut Option<Object<AsyncPgConnection>>,
) -> Result<&mut AsyncPgConnection, StoreError> {
    loan.as_deref_mut()
        .ok_or_else(|| StoreError::Fault("a connection was used after its end".to_owned()))
}

fn is_in_transaction(conn: &mut AsyncPgConnection) -> Result<bool, StoreError> {
    Ok(AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth()?.is_some())
}

/// Waits for the response to a statement, and marks the statement as in flight meanwhile.
async fn track_in_flight<T>(
    in_flight: &mut bool,
    statement: impl Future<Output = QueryResult<T>>,
) -> QueryResult<T> {
    *in_flight = true;
    let result = statement.await;
    *in_flight = false;
    result
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(mut loan) = self.loan.take() else { return };
        if self.in_flight {
            cancel(loan, Arc::clone(&self.address));
        } else if loan.is_broken() {
            // The pool would notice only at the next loan, and until then the transaction would
            // keep its locks.
            drop(Object::take(loan));
        }
    }
}

/// Waits briefly for the response to an abandoned statement, after which the connection can be
/// reused: abandoning short calls must not cost a new connection each. A longer statement is
/// cancelled, and its connection closed. Until then the connection counts towards the pool's size.
fn cancel(mut loan: Object<AsyncPgConnection>, address: Arc<Address>) {
    // Without a runtime, no caller is left to borrow the connection.
    let Ok(runtime) = Handle::try_current() else { return };
    runtime.spawn(async move {
        if !loan.is_broken()
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
    });
}

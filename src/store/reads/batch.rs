//! Look-ups of one kind travel together: those that arrive while a statement runs become the next
//! statement.
//!
//! A statement for 32 users costs the database a third of 32 statements, and each side sends one
//! message instead of 32. No timer holds a look-up back. A statement is sent after all its look-ups
//! were made, so each of them sees every change that was acknowledged before it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::oneshot::{Receiver, Sender, channel, error::RecvError},
    time::timeout,
};

use crate::{
    store::{StoreError, connect::WAIT, connection::Connection, connections::TenantConnections},
    telemetry::Step,
};

/// The most look-ups in one statement.
const MAX_BATCH: usize = 64;
/// For each statement that runs, so many look-ups must wait before another one runs beside them.
/// Larger statements cost less for each look-up, and statements beside each other wait less.
const WAITING_PER_STATEMENT: usize = 24;

/// The result of one look-up.
type Found<Q> = Result<<Q as BatchQuery>::Found, StoreError>;

/// A kind of look-up that one statement answers for many keys.
pub(super) trait BatchQuery: Send + Sync + 'static {
    /// What is looked up.
    type Key: Send + Sync + 'static;
    /// What is found for a key.
    type Found: Send + 'static;

    /// The name of the statement.
    const NAME: &'static str;

    /// Looks up all keys in one statement. Returns a result for each key, in the same order.
    ///
    /// # Errors
    /// A [`StoreError`] if the statement fails.
    fn run(
        &self,
        conn: &mut Connection,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<Vec<Found<Self>>, StoreError>> + Send;
}

/// Runs the look-ups of one kind.
pub(super) struct Batcher<Q: BatchQuery>(Arc<Shared<Q>>);

struct Shared<Q: BatchQuery> {
    query: Q,
    connections: TenantConnections,
    max_running: usize,
    state: Mutex<State<Q>>,
}

struct State<Q: BatchQuery> {
    waiting: VecDeque<Waiting<Q>>,
    /// The number of statements that run.
    running: usize,
    /// The number of look-ups so far.
    count: u64,
}

/// How a look-up begins.
enum Entry<Q: BatchQuery> {
    /// No statement runs: it is one of its own.
    First(Running<Q>, Q::Key),
    /// It waits for a statement, under this number.
    Waiting(u64, Receiver<Found<Q>>),
}

/// A look-up that is not yet part of a statement.
struct Waiting<Q: BatchQuery> {
    number: u64,
    key: Q::Key,
    reply: Sender<Found<Q>>,
}

impl<Q: BatchQuery> Batcher<Q> {
    /// Runs these look-ups in at most `max_running` statements at once.
    pub(super) fn new(query: Q, connections: TenantConnections, max_running: usize) -> Self {
        let state = State { waiting: VecDeque::new(), running: 0, count: 0 };
        Self(Arc::new(Shared { query, connections, max_running, state: Mutex::new(state) }))
    }

    /// Looks a key up. While no statement runs, the caller executes its own, without another task.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] if it cannot be sent in time; others of the statement.
    pub(super) async fn find(&self, key: Q::Key) -> Found<Q> {
        let (number, mut found) = match self.0.enter(key) {
            Entry::First(running, key) => return running.0.only_result(&key).await,
            Entry::Waiting(number, found) => (number, found),
        };
        // The statement is many calls' and in the trace of none.
        let mut step = Step::request(Q::NAME);
        step.set("identity_link.shared", true);
        self.0.start();
        match timeout(WAIT, &mut found).await {
            Ok(found) => received(found),
            Err(_) if self.0.withdraw(number) => Err(StoreError::Overloaded),
            Err(_) => received(found.await),
        }
    }
}

fn received<T>(found: Result<Result<T, StoreError>, RecvError>) -> Result<T, StoreError> {
    found
        .unwrap_or_else(|_| Err(StoreError::Fault("a statement ended without a result".to_owned())))
}

impl<Q: BatchQuery> Shared<Q> {
    fn state(&self) -> MutexGuard<'_, State<Q>> {
        // No panic can leave the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, key: Q::Key) -> Entry<Q> {
        let mut state = self.state();
        if state.running == 0 {
            state.running = 1;
            return Entry::First(Running(Arc::clone(self)), key);
        }
        let (reply, found) = channel();
        state.count += 1;
        let number = state.count;
        state.waiting.push_back(Waiting { number, key, reply });
        Entry::Waiting(number, found)
    }

    /// Whether the look-up was still waiting. Then it is removed.
    fn withdraw(&self, number: u64) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|waiting| waiting.number != number);
        state.waiting.len() < before
    }

    /// Starts the statements that may run now.
    fn start(self: &Arc<Self>) {
        while let Some(batch) = self.next_batch() {
            tokio::spawn(Running(Arc::clone(self)).run(batch));
        }
    }

    /// The look-ups of the next statement; `None` if none may run now.
    fn next_batch(&self) -> Option<Vec<Waiting<Q>>> {
        let mut state = self.state();
        // A caller that has gone needs no result.
        while state.waiting.front().is_some_and(|waiting| waiting.reply.is_closed()) {
            state.waiting.pop_front();
        }
        let least = (state.running * WAITING_PER_STATEMENT).clamp(1, MAX_BATCH);
        if state.waiting.len() < least || state.running >= self.max_running {
            return None;
        }
        state.running += 1;
        let count = state.waiting.len().min(MAX_BATCH);
        Some(state.waiting.drain(..count).filter(|waiting| !waiting.reply.is_closed()).collect())
    }

    /// A result for each key, in the same order.
    async fn results(&self, keys: &[Q::Key]) -> Vec<Found<Q>> {
        let mut conn = match self.connections.get().await {
            Ok(conn) => conn,
            Err(error) => return same_for_all(&error, keys),
        };
        match self.query.run(&mut conn, keys).await {
            Ok(results) => results,
            // One row may be to blame: its caller alone gets the error.
            Err(StoreError::Fault(_)) if keys.len() > 1 => {
                let mut results = Vec::with_capacity(keys.len());
                for key in keys {
                    results.push(self.result(&mut conn, key).await);
                }
                results
            }
            Err(error) => same_for_all(&error, keys),
        }
    }

    /// The result for a key in a statement of its own.
    async fn only_result(&self, key: &Q::Key) -> Found<Q> {
        self.result(&mut self.connections.get().await?, key).await
    }

    async fn result(&self, conn: &mut Connection, key: &Q::Key) -> Found<Q> {
        let results = self.query.run(conn, std::slice::from_ref(key)).await?;
        let missing = || StoreError::Fault("a look-up has no result".to_owned());
        results.into_iter().next().ok_or_else(missing)?
    }
}

fn same_for_all<K, T>(error: &StoreError, keys: &[K]) -> Vec<Result<T, StoreError>> {
    keys.iter().map(|_| Err(error.clone())).collect()
}

/// A statement that counts as running until this is dropped. Then the look-ups that wait begin.
struct Running<Q: BatchQuery>(Arc<Shared<Q>>);

impl<Q: BatchQuery> Running<Q> {
    /// Looks the keys up. Without a caller that waits, the statement is cancelled.
    async fn run(self, batch: Vec<Waiting<Q>>) {
        let (keys, mut replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.key, waiting.reply)).unzip();
        let results = tokio::select! {
            results = self.0.results(&keys) => results,
            () = until_all_have_gone(&mut replies) => return,
        };
        for (reply, result) in replies.into_iter().zip(results) {
            // The caller may have gone.
            drop(reply.send(result));
        }
    }
}

impl<Q: BatchQuery> Drop for Running<Q> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        // Without a runtime, no caller is left.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.0.start();
        }
    }
}

async fn until_all_have_gone<T>(replies: &mut [Sender<T>]) {
    for reply in replies {
        reply.closed().await;
    }
}

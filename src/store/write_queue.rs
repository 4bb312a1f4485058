//! Orders the writers of this process. A writer that waits for another one waits here, without a
//! connection, and only the first of a line waits in the database.
//!
//! The locks in the database (`locks.rs`) order the writers of all servers. A line orders those of
//! one server before that, by the same numbers. Without it, each writer that waits for a user would
//! hold a connection of the pool, and enough of them would leave none for callers of other users.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Line, OwnedMutexGuard},
    time::timeout,
};

use super::StoreError;

/// The lines of all keys under which a writer writes or waits. tokio's mutex grants its lock in the
/// order of the requests.
#[derive(Default)]
pub(super) struct WriteQueue(Mutex<HashMap<i64, Arc<Line<()>>>>);

/// The turn to write under some keys. It ends when this is dropped.
pub(super) struct WriteTurn(Vec<QueuePosition>);

/// A position in the line of one key.
struct QueuePosition {
    write_queue: Arc<WriteQueue>,
    key: i64,
    /// `None` only while this is being dropped.
    line: Option<Arc<Line<()>>>,
    /// Set after all earlier writers are done.
    first: Option<OwnedMutexGuard<()>>,
}

impl WriteQueue {
    /// Joins the lines of these keys, which must be in the one order in which all writers take
    /// them, so that no deadlock arises. The turn may have to wait.
    pub(super) fn enqueue(self: &Arc<Self>, keys: &[i64]) -> WriteTurn {
        let mut positions: Vec<QueuePosition> = keys.iter().map(|key| self.join(*key)).collect();
        for position in &mut positions {
            if !position.is_free() {
                // The later ones are taken after this one.
                break;
            }
        }
        WriteTurn(positions)
    }

    fn join(self: &Arc<Self>, key: i64) -> QueuePosition {
        let line = Arc::clone(self.lines().entry(key).or_default());
        QueuePosition { write_queue: Arc::clone(self), key, line: Some(line), first: None }
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<i64, Arc<Line<()>>>> {
        // No panic can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteTurn {
    /// Whether the writer may proceed at once.
    pub(super) fn is_first(&self) -> bool {
        self.0.iter().all(|position| position.first.is_some())
    }

    /// Waits until all earlier writers are done. A writer that stops waiting leaves the line.
    ///
    /// # Errors
    /// [`StoreError::Busy`] after `longest`.
    pub(super) async fn wait(&mut self, longest: Duration) -> Result<(), StoreError> {
        let all_first = async {
            for position in &mut self.0 {
                position.wait_until_first().await;
            }
        };
        let waited = timeout(longest, all_first).await;
        waited.map_err(|_| {
            StoreError::Busy(
                "other calls at this server wrote to the same users or accounts for too long"
                    .to_owned(),
            )
        })
    }
}

impl QueuePosition {
    /// Whether the line was empty. Does not wait.
    fn is_free(&mut self) -> bool {
        self.first = self.line.as_ref().and_then(|line| Arc::clone(line).try_lock_owned().ok());
        self.first.is_some()
    }

    async fn wait_until_first(&mut self) {
        if let (None, Some(line)) = (&self.first, &self.line) {
            self.first = Some(Arc::clone(line).lock_owned().await);
        }
    }
}

impl Drop for QueuePosition {
    fn drop(&mut self) {
        drop(self.first.take());
        // While the map is locked, no writer joins a line, so a line that only the map refers to is
        // unused.
        let mut lines = self.write_queue.lines();
        drop(self.line.take());
        if lines.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, future::join_all};

    use super::*;

    /// Longer than a test takes.
    const LONG: Duration = Duration::from_secs(60);

    fn write_queue() -> Arc<WriteQueue> {
        Arc::default()
    }

    /// Whether the turn has come, after all has happened that needs no more time.
    fn comes(turn: &mut WriteTurn) -> bool {
        turn.wait(LONG).now_or_never().is_some()
    }

    #[tokio::test]
    async fn writers_without_a_common_key_do_not_wait() {
        let write_queue = write_queue();
        let one = write_queue.enqueue(&[1, 2]);
        let other = write_queue.enqueue(&[0, 3]);
        assert!(one.is_first() && other.is_first());
    }

    #[tokio::test]
    async fn a_writer_waits_for_earlier_writers_of_its_key() {
        let write_queue = write_queue();
        let first = write_queue.enqueue(&[1, 2]);
        let mut second = write_queue.enqueue(&[2, 3]);
        assert!(!second.is_first() && !comes(&mut second));

        drop(first);
        assert!(comes(&mut second) && second.is_first());
        assert!(!write_queue.enqueue(&[3]).is_first());
    }

    #[tokio::test]
    async fn turns_come_in_the_order_of_the_requests() {
        let write_queue = write_queue();
        let first = write_queue.enqueue(&[1]);
        let order = Mutex::new(Vec::new());
        let waiting = (0..10).map(|name| {
            let (write_queue, order) = (&write_queue, &order);
            async move {
                let mut turn = write_queue.enqueue(&[1]);
                turn.wait(LONG).await.unwrap();
                order.lock().unwrap().push(name);
            }
        });
        let ((), _) = tokio::join!(async { drop(first) }, join_all(waiting));
        assert_eq!(order.into_inner().unwrap(), (0..10).collect::<Vec<_>>());
    }

    /// A89: a waiting writer can go away, and an unused line is removed.
    #[tokio::test]
    async fn a_writer_that_stops_waiting_leaves_nothing_behind() {
        let write_queue = write_queue();
        let first = write_queue.enqueue(&[1, 2]);
        let mut gone = write_queue.enqueue(&[0, 1]);
        assert!(!comes(&mut gone));
        let mut third = write_queue.enqueue(&[1]);
        assert!(!comes(&mut third));

        drop(gone);
        assert!(write_queue.enqueue(&[0]).is_first());
        drop(first);
        assert!(comes(&mut third));
        drop(third);
        assert!(write_queue.lines().is_empty());
    }

    #[tokio::test]
    async fn a_panic_ends_the_turn() {
        let write_queue = write_queue();
        let panicking = {
            let write_queue = Arc::clone(&write_queue);
            tokio::spawn(async move {
                let _turn = write_queue.enqueue(&[1]);
                panic!("in the middle");
            })
        };
        assert!(panicking.await.unwrap_err().is_panic());
        assert!(write_queue.enqueue(&[1]).is_first());
    }

    #[tokio::test]
    async fn a_writer_that_waits_too_long_is_refused() {
        let write_queue = write_queue();
        let _first = write_queue.enqueue(&[1]);
        let waited = write_queue.enqueue(&[1]).wait(Duration::from_millis(1)).await;
        assert!(matches!(waited, Err(StoreError::Busy(_))));
    }

    /// All writers take keys in one order, so no combination of writers deadlocks.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn all_get_their_turn_whatever_keys_they_share() {
        let write_queue = write_queue();
        let writers = (0..200_i64).map(|n| {
            let write_queue = Arc::clone(&write_queue);
            tokio::spawn(async move {
                let mut keys = vec![n % 7, n % 5, n % 3];
                keys.sort_unstable();
                keys.dedup();
                let mut turn = write_queue.enqueue(&keys);
                turn.wait(LONG).await.unwrap();
                tokio::task::yield_now().await;
            })
        });
        for writer in join_all(writers).await {
            writer.unwrap();
        }
        assert!(write_queue.lines().is_empty());
    }
}

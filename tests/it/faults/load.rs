//! Clients that create, link, read, unlink and undo without a pause, while faults happen.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{PATIENCE, ledger::Ledger, writer::Writer};
use crate::support::{cluster::Database, *};

const WRITERS: usize = 6;

/// Whether the connections of clients may end, as they do with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connections {
    Stay,
    MayEnd,
}

/// What all clients have seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The calls that succeeded.
    pub calls: usize,
    /// The changes among them.
    changes: usize,
    pub refused: BTreeMap<String, usize>,
    /// When the last change succeeded, and the longest time between two of them.
    last: Instant,
    longest_gap: Duration,
}

impl Seen {
    /// Counts a change.
    pub(super) fn changed(&mut self) {
        self.changes += 1;
        let now = Instant::now();
        self.longest_gap = self.longest_gap.max(now - self.last);
        self.last = now;
    }
}

/// Running clients.
pub(super) struct Load {
    writers: Vec<JoinHandle<Ledger>>,
    stop: CancellationToken,
    seen: watch::Receiver<Seen>,
    service: Caller,
}

impl Load {
    /// Starts clients with the token of a service.
    pub(super) fn start(service: &Caller, connections: Connections) -> Self {
        let nothing = Seen {
            calls: 0,
            changes: 0,
            refused: BTreeMap::new(),
            last: Instant::now(),
            longest_gap: Duration::ZERO,
        };
        let (sender, seen) = watch::channel(nothing);
        let (sender, stop) = (Arc::new(sender), CancellationToken::new());
        let writer = |number| {
            let writer = Writer {
                number,
                service: service.clone(),
                connections,
                seen: Arc::clone(&sender),
                ledger: Ledger::default(),
            };
            tokio::spawn(writer.write_until(stop.clone()))
        };
        let writers = (0..WRITERS).map(writer).collect();
        Self { writers, stop, seen, service: service.clone() }
    }

    async fn until(&self, what: &str, is_so: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let reached = timeout(PATIENCE, seen.wait_for(is_so)).await;
        assert!(reached.is_ok_and(|seen| seen.is_ok()), "{what}: {:?}", *self.seen.borrow());
    }

    fn changes(&self) -> usize {
        self.seen.borrow().changes
    }

    fn refusals(seen: &Seen) -> usize {
        seen.refused.values().sum()
    }

    /// Returns after this many more changes were acknowledged.
    pub(super) async fn until_more_changes(&self, count: usize) {
        let enough = self.changes() + count;
        self.until("changes should be made", |seen| seen.changes >= enough).await;
    }

    /// Returns after this many more calls were refused.
    pub(super) async fn until_more_refusals(&self, count: usize) {
        let enough = Self::refusals(&self.seen.borrow()) + count;
        self.until("calls should be refused", |seen| Self::refusals(seen) >= enough).await;
    }

    /// How long it takes from now until a change is acknowledged that may have begun now.
    pub(super) async fn until_served(&self) -> Duration {
        let began = Instant::now();
        // The responses to earlier calls may be on their way.
        self.until_more_changes(WRITERS + 1).await;
        began.elapsed()
    }

    /// Ends the clients after each of their calls is acknowledged, asserts that nothing is lost,
    /// and prints the line of the scenario. `served` is the longest time from the end of a fault
    /// until changes were made again.
    pub(super) async fn db_end(self, scenario: &str, served: Duration, database: &Database) {
        self.stop.cancel();
        let mut ledger = Ledger::default();
        for writer in self.writers {
            ledger.add(writer.await.unwrap());
        }
        ledger.db_assert_kept(&self.service, database).await;
        let Seen { calls, refused, longest_gap, .. } = &*self.seen.borrow();
        let refused: Vec<_> =
            refused.iter().map(|(refusal, count)| format!("{refusal} {count}")).collect();
        println!(
            "faults: {scenario}: {calls} calls succeeded; changes acknowledged {}, lost 0, repeated 0; \
             refused: {}; served again after {served:.1?} at most; longest gap between changes {longest_gap:.1?}",
            ledger.len(),
            refused.join(", "),
        );
    }
}

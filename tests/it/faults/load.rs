//! Clients that create, link, read, unlink and undo without a pause, while faults happen.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE,
    ledger::Ledger,
    seen::{Connections, Seen},
    writer::Writer,
};
use crate::support::{cluster::Database, *};

const WRITERS: usize = 6;

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
        let (sender, seen) = watch::channel(Seen::default());
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

    /// Returns after this many more changes were acknowledged.
    pub(super) async fn until_more_changes(&self, count: usize) {
        let enough = self.seen.borrow().changes + count;
        self.until("changes should be made", |seen| seen.changes >= enough).await;
    }

    /// Returns after this many more calls were refused.
    pub(super) async fn until_more_refusals(&self, count: usize) {
        let enough = self.seen.borrow().refusals() + count;
        self.until("calls should be refused", |seen| seen.refusals() >= enough).await;
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

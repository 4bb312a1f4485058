//! The accept loop: it admits connections up to the limits.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    connection::{CallService, ConnectionServer},
    counts::ConnectionCounts,
};

/// How long to pause when the system gives no more connections.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the same warning is logged at most.
const WARNING_INTERVAL: Duration = Duration::from_secs(1);

/// The open connections.
pub struct Connections {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    /// Sends GOAWAY to each client, and waits until all connections have delivered their responses.
    pub async fn shutdown(self) {
        self.tasks.close();
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// Accepts connections and serves them until `shutdown`; then the listener is closed.
pub async fn accept<S: CallService>(
    listener: TcpListener,
    server: ConnectionServer<S>,
    shutdown: &CancellationToken,
) -> Connections {
    let connections = Connections { stop: server.stop().clone(), tasks: TaskTracker::new() };
    let counts = server.counts();
    let mut limits = ConnectionLimits::new(server.limits().max_connections, counts);
    while let Some(Some(admitted)) = shutdown.run_until_cancelled(limits.next(&listener)).await {
        let server = server.clone();
        connections.tasks.spawn(async move {
            let AdmittedConnection { stream, handshake_slot, slot } = admitted;
            let counts = server.counts();
            counts.admit();
            let served = server.serve(stream, handshake_slot).await;
            counts.end(served.is_err());
            if let Err(error) = served {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
    connections
}

/// An admitted connection with its slots.
struct AdmittedConnection {
    stream: TcpStream,
    handshake_slot: OwnedSemaphorePermit,
    slot: OwnedSemaphorePermit,
}

/// Counts the admitted connections.
struct ConnectionLimits {
    slots: Arc<Semaphore>,
    handshake_slots: Arc<Semaphore>,
    full: PeriodicWarning,
    failed: PeriodicWarning,
    counts: Arc<ConnectionCounts>,
}

impl ConnectionLimits {
    fn new(max_connections: usize, counts: Arc<ConnectionCounts>) -> Self {
        let slots = Arc::new(Semaphore::new(max_connections));
        let handshake_slots = Arc::new(Semaphore::new(max_connections.div_ceil(8)));
        Self {
            slots,
            handshake_slots,
            full: PeriodicWarning::default(),
            failed: PeriodicWarning::default(),
            counts,
        }
    }

    /// The next connection for which there is a slot. It never returns `None`, because the
    /// semaphores are never closed.
    async fn next(&mut self, listener: &TcpListener) -> Option<AdmittedConnection> {
        loop {
            // Without a slot for a newcomer, further connections wait in the system's queue, where
            // they cost little.
            let handshake_slot = Arc::clone(&self.handshake_slots).acquire_owned().await.ok()?;
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) if is_the_clients(&error) => continue,
                Err(error) => {
                    // The system lacks a resource: an immediate retry would only burn a core.
                    self.failed.log(
                        |times| tracing::warn!(%error, times, "connections could not be accepted"),
                    );
                    sleep(PAUSE).await;
                    continue;
                }
            };
            // A connection above the limit is closed at once, so that its client can try another
            // replica.
            match Arc::clone(&self.slots).try_acquire_owned() {
                Ok(slot) => return Some(AdmittedConnection { stream, handshake_slot, slot }),
                Err(_) => {
                    self.counts.refuse();
                    self.full
                        .log(|times| tracing::warn!(times, "no slot is free for more connections"));
                }
            }
        }
    }
}

/// Whether only this client is gone, and others can be accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// A warning that is logged at intervals, however often it occurs.
#[derive(Default)]
struct PeriodicWarning {
    made: Option<Instant>,
    times: u64,
}

impl PeriodicWarning {
    /// Logs the warning if it is due, with the number of occurrences since the last time.
    fn log(&mut self, log: impl FnOnce(u64)) {
        self.times += 1;
        if self.made.is_none_or(|made| made.elapsed() >= WARNING_INTERVAL) {
            log(std::mem::take(&mut self.times));
            self.made = Some(Instant::now());
        }
    }
}

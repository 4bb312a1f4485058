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

use super::connection::{Calls, Host};

/// How long to pause when the system gives no more connections.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the same warning is logged at most.
const COMPLAINT: Duration = Duration::from_secs(1);

/// The open connections.
pub(super) struct Connections {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    /// Sends GOAWAY to each client, and waits until all connections have delivered their responses.
    pub(super) async fn shutdown(self) {
        self.tasks.close();
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// Accepts connections and serves them until `shutdown`; then the listener is closed.
pub(super) async fn accept<S: Calls>(
    listener: TcpListener,
    host: Host<S>,
    shutdown: &CancellationToken,
) -> Connections {
    let connections = Connections { stop: host.stop().clone(), tasks: TaskTracker::new() };
    let mut door = Door::new(host.limits().max_connections);
    while let Some(Some(admitted)) = shutdown.run_until_cancelled(door.next(&listener)).await {
        let host = host.clone();
        connections.tasks.spawn(async move {
            let Admitted { stream, newcomer, place } = admitted;
            if let Err(error) = host.serve(stream, newcomer).await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(place);
        });
    }
    connections
}

/// An admitted connection with its slots.
struct Admitted {
    stream: TcpStream,
    newcomer: OwnedSemaphorePermit,
    place: OwnedSemaphorePermit,
}

/// Counts the admitted connections.
struct Door {
    places: Arc<Semaphore>,
    newcomers: Arc<Semaphore>,
    full: Complaint,
    failed: Complaint,
}

impl Door {
    fn new(max_connections: usize) -> Self {
        let places = Arc::new(Semaphore::new(max_connections));
        let newcomers = Arc::new(Semaphore::new(max_connections.div_ceil(8)));
        Self { places, newcomers, full: Complaint::default(), failed: Complaint::default() }
    }

    /// The next connection for which there is a slot. It never returns `None`, because the semaphores are never
    /// closed.
    async fn next(&mut self, listener: &TcpListener) -> Option<Admitted> {
        loop {
            // Without a slot for a newcomer, further connections wait in the system's queue, where they cost
            // little.
            let newcomer = Arc::clone(&self.newcomers).acquire_owned().await.ok()?;
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) if is_the_clients(&error) => continue,
                Err(error) => {
                    // The system lacks a resource: an immediate retry would only burn a core.
                    self.failed.make(|times| tracing::warn!(%error, times, "connections could not be accepted"));
                    sleep(PAUSE).await;
                    continue;
                }
            };
            // A connection above the limit is closed at once, so that its client can try another replica.
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => return Some(Admitted { stream, newcomer, place }),
                Err(_) => self.full.make(|times| tracing::warn!(times, "no slot is free for more connections")),
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
struct Complaint {
    made: Option<Instant>,
    times: u64,
}

impl Complaint {
    /// Logs the warning if it is due, with the number of occurrences since the last time.
    fn make(&mut self, log: impl FnOnce(u64)) {
        self.times += 1;
        if self.made.is_none_or(|made| made.elapsed() >= COMPLAINT) {
            log(std::mem::take(&mut self.times));
            self.made = Some(Instant::now());
        }
    }
}

//! The end of the server, in the order in which clients should learn of it.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::health_updates::EndedHealth;
use crate::listener::Connections;

/// How long writes may continue after the last connection has ended. The database gives up on each
/// statement before that.
const WRITE_GRACE: Duration = Duration::from_secs(12);

/// Ends streams, then lets calls in flight end within `grace`, and then writes.
pub(super) async fn drain(
    connections: Vec<Connections>,
    health: EndedHealth,
    stop_streams: &CancellationToken,
    writes: &TaskTracker,
    grace: Duration,
) {
    health.close().await;
    stop_streams.cancel();
    if timeout(grace, join_all(connections.into_iter().map(Connections::shutdown))).await.is_err() {
        tracing::warn!("calls were still under way at the end of the grace period");
    }
    // A write outlives its call: the server waits for it even if no client waits for the response.
    writes.close();
    if timeout(WRITE_GRACE, writes.wait()).await.is_err() {
        tracing::error!("writes were still under way at the end; the database rolls them back");
    }
}

//! Removing what has expired, a little at a time, beside the calls.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::TenantId,
    store::{Store, StoreError},
};

/// How often. What has expired is not found by then either: this is for the room that it takes.
const EVERY: Duration = Duration::from_secs(600);
/// How many rows go in one statement, which nobody should have to wait for.
const AT_ONCE: usize = 1000;

/// Goes on removing answers that are kept no longer, and events older than `retention`, until `stop`.
pub(super) async fn keep_swept(store: Store, tenants: Vec<TenantId>, retention: Duration, stop: CancellationToken) {
    let mut times = interval(EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sweep = async {
            times.tick().await;
            for tenant in &tenants {
                match sweep(&store, tenant, retention).await {
                    Ok(0) => {}
                    Ok(removed) => tracing::debug!(%tenant, removed, "what is kept no longer was removed"),
                    Err(error) => tracing::warn!(%tenant, %error, "what is kept no longer stays for now"),
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sweep => {}
        }
    }
}

/// How many rows of this tenant were removed.
async fn sweep(store: &Store, tenant: &TenantId, retention: Duration) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        // A new session each time: calls get their turn.
        let answers = store.session(tenant).await?.sweep_answers(AT_ONCE).await?;
        let events = store.session(tenant).await?.sweep_events(clock::now() - retention, AT_ONCE).await?;
        removed += answers + events;
        if answers < AT_ONCE && events < AT_ONCE {
            return Ok(removed);
        }
    }
}

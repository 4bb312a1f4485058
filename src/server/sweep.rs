//! Removing what has expired, a little at a time, beside the calls.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::TenantId,
    store::{Store, StoreError},
};

/// How often. What has expired is not found by then either: this is for the room that it takes.
const EVERY: Duration = Duration::from_secs(600);
/// How many rows go in one statement, which nobody should have to wait for.
const AT_ONCE: usize = 1000;

/// Goes on removing answers that are kept no longer, until `stop`.
pub(super) async fn keep_swept(store: Store, tenants: Vec<TenantId>, stop: CancellationToken) {
    let mut times = interval(EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sweep = async {
            times.tick().await;
            for tenant in &tenants {
                match sweep(&store, tenant).await {
                    Ok(0) => {}
                    Ok(removed) => tracing::debug!(%tenant, removed, "answers that are kept no longer were removed"),
                    Err(error) => tracing::warn!(%tenant, %error, "answers that are kept no longer stay for now"),
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sweep => {}
        }
    }
}

/// How many answers of this tenant were removed.
async fn sweep(store: &Store, tenant: &TenantId) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        // A new one each time: calls get their turn.
        let now_removed = store.session(tenant).await?.sweep_answers(AT_ONCE).await?;
        removed += now_removed;
        if now_removed < AT_ONCE {
            return Ok(removed);
        }
    }
}

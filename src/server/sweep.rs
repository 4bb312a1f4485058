//! Removing what has expired, and finishing what was interrupted, a little at a time, beside the calls.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::TenantId,
    store::{Leftovers, Store, StoreError},
};

/// How often. What is left is told to nobody by then either: this is for the room that it takes, and for
/// deletions that were interrupted.
const EVERY: Duration = Duration::from_secs(600);

/// Goes on removing answers and tickets that are kept no longer, what interrupted deletions left, and events older than
/// `retention`, until `stop`.
pub(super) async fn keep_swept(store: Store, tenants: Vec<TenantId>, retention: Duration, stop: CancellationToken) {
    let mut times = interval(EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sweep = async {
            times.tick().await;
            for tenant in &tenants {
                let old_events = Leftovers::OldEvents(clock::now() - retention);
                let expired = [Leftovers::ExpiredAnswers, Leftovers::ExpiredTickets, Leftovers::ExpiredAttempts];
                for what in [Leftovers::Erasures].into_iter().chain(expired).chain([old_events]) {
                    match sweep(&store, tenant, what).await {
                        Ok(0) => {}
                        Ok(removed) => tracing::debug!(%tenant, ?what, removed, "leftovers were removed"),
                        Err(error) => tracing::warn!(%tenant, ?what, %error, "leftovers stay for now"),
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sweep => {}
        }
    }
}

/// How many rows were removed.
async fn sweep(store: &Store, tenant: &TenantId, what: Leftovers) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        // A new one each time: calls get their turn.
        match store.session(tenant).await?.remove_some(what).await? {
            0 => return Ok(removed),
            now_removed => removed += now_removed,
        }
    }
}

//! Removes expired rows and finishes interrupted deletions, in small steps while calls are served.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    domain::TenantId,
    rate_limits::RateLimits,
    store::{Leftovers, Store, StoreError},
    telemetry::metrics::FeedMetrics,
};

/// The interval of sweeps. Expired rows are never returned even before they are swept: the sweep
/// frees their space, and finishes interrupted deletions.
const EVERY: Duration = Duration::from_secs(600);

/// The interval at which callers are forgotten that have all of their limits left.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Forgets idle callers in intervals until `stop`, so that the limits take memory only for callers
/// that call.
pub(super) async fn keep_small(rate_limits: Arc<RateLimits>, stop: CancellationToken) {
    let mut times = interval(FORGET_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(times.tick()).await.is_some() {
        rate_limits.forget_idle_callers();
    }
}

/// Removes expired responses, tickets, attempts, event tokens, jobs and rows of the console, leftovers of interrupted
/// deletions, imports that ended long ago, and events older than `retention`, in intervals until
/// `stop`. Reports how old the metadata is that `purge` would remove.
pub(super) async fn keep_swept(
    store: Store,
    tenants: Vec<TenantId>,
    retention: Duration,
    metrics: FeedMetrics,
    stop: CancellationToken,
) {
    let mut times = interval(EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let sweep = async {
            times.tick().await;
            let (mut is_complete, mut discarded) = (true, Vec::new());
            for tenant in &tenants {
                let now = clock::now();
                let old = [Leftovers::ended_imports(now), Leftovers::OldEvents(now - retention)];
                let expired = [
                    Leftovers::ExpiredResponses,
                    Leftovers::ExpiredTickets,
                    Leftovers::ExpiredAttempts,
                    Leftovers::ExpiredEventTokens,
                    Leftovers::ExpiredJobs,
                ];
                let of_console = Leftovers::OF_CONSOLE;
                let all = [Leftovers::Erasures].into_iter().chain(expired).chain(of_console);
                for what in all.chain(old) {
                    let swept = sweep(&store, tenant, what).await;
                    metrics.swept(what.name(), swept.as_ref().ok().copied());
                    is_complete &= swept.is_ok();
                    match swept {
                        Ok(0) => {}
                        Ok(removed) => {
                            tracing::debug!(%tenant, ?what, removed, "leftovers were removed");
                        }
                        Err(error) => {
                            tracing::warn!(%tenant, ?what, %error, "leftovers could not be removed: the next sweep tries again");
                        }
                    }
                }
                // Only `purge` removes discarded metadata: the metrics show how old it is.
                match oldest_discard_time(&store, tenant).await {
                    Ok(time) => discarded.extend(time.map(|time| (tenant.as_str(), time))),
                    Err(error) => {
                        is_complete = false;
                        tracing::warn!(%tenant, %error, "the age of discarded metadata could not be read");
                    }
                }
            }
            metrics.set_oldest_discarded(discarded);
            if is_complete {
                metrics.set_last_sweep(clock::now());
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = sweep => {}
        }
    }
}

async fn oldest_discard_time(
    store: &Store,
    tenant: &TenantId,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    store.session(tenant).await?.oldest_discard_time().await
}

/// Removes all leftovers of one kind. Returns the number of removed rows.
async fn sweep(store: &Store, tenant: &TenantId, what: Leftovers) -> Result<usize, StoreError> {
    let mut removed = 0;
    loop {
        // A new session each time, so that calls get their turn at the connections.
        match store.session(tenant).await?.remove_some(what).await? {
            0 => return Ok(removed),
            now_removed => removed += now_removed,
        }
    }
}

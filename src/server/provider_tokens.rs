//! The work on kept tokens of providers beside the calls: revocations, and new seals after a change of
//! keys.

use std::{sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{domain::TenantId, use_cases::UseCases};

/// How often due revocations are looked for.
const EVERY: Duration = Duration::from_secs(5);

/// Revokes what is due, and seals anew what earlier keys opened, in intervals until `stop`. All servers
/// do this; a revocation is one server's at a time.
pub(super) async fn keep_tending(
    use_cases: Arc<UseCases>,
    tenants: Vec<TenantId>,
    stop: CancellationToken,
) {
    let mut times = interval(EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let tend = async {
            times.tick().await;
            if let Err(error) = use_cases.revoke_due(&tenants).await {
                tracing::warn!(?error, "the tokens to revoke could not be read: it is tried again");
            }
            for tenant in &tenants {
                match use_cases.reseal_some(tenant).await {
                    Ok(0) => {}
                    Ok(tokens) => {
                        tracing::info!(%tenant, tokens, "tokens were sealed by the first key");
                    }
                    Err(error) => {
                        tracing::warn!(%tenant, ?error, "tokens could not be sealed anew: it is tried again");
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tend => {}
        }
    }
}

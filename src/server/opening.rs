//! Opens the store, and waits for the database if an operator asks for that.

use std::{pin::pin, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::ServeError;
use crate::{
    config::Config,
    store::{OpenError, SchemaMismatch, Store, StoreError},
    telemetry::metrics::Metrics,
};

/// The pause between two attempts to open the store.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// Opens the store. While the database cannot be reached, or its schema is older, this tries again
/// for `database.wait`. Returns `None` if the server is to stop meanwhile.
pub(super) async fn open(
    config: &Config,
    metrics: &Metrics,
    shutdown: &CancellationToken,
) -> Result<Option<Store>, ServeError> {
    let database = &config.database;
    let attempt =
        || Store::open(&database.address, database.max_connections, config.policies(), metrics);
    let mut error = match attempt().await {
        Err(error) if may_pass(&error) && !database.wait.is_zero() => error,
        opened => return Ok(Some(opened?)),
    };
    let mut end = pin!(sleep(database.wait));
    tracing::info!(%error, "waiting for the database");
    loop {
        let opened = tokio::select! {
            () = shutdown.cancelled() => return Ok(None),
            () = &mut end => return Err(error.into()),
            opened = async {
                sleep(TRY_EVERY).await;
                attempt().await
            } => opened,
        };
        match opened {
            Err(now) if may_pass(&now) => {
                if now.to_string() != error.to_string() {
                    tracing::info!(error = %now, "waiting for the database");
                }
                error = now;
            }
            opened => return Ok(Some(opened?)),
        }
    }
}

/// Whether a database that starts, or a `migrate` that runs, may cure it.
fn may_pass(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Store(StoreError::Unavailable(_) | StoreError::Overloaded)
            | OpenError::Schema(SchemaMismatch::Older(_))
    )
}

//! The bounds of transfers that callers make, over each transport.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How much callers may transfer, and when that ends.
#[derive(Clone)]
pub struct TransferLimits {
    /// The slots for imports.
    pub imports: Arc<Semaphore>,
    /// The slots for exports.
    pub exports: Arc<Semaphore>,
    /// How many bytes the rows of one import may have.
    pub max_import_bytes: u64,
    /// How long a client may neither send nor take a message.
    pub max_pause: Duration,
    /// Ends all transfers when it is cancelled.
    pub stop: CancellationToken,
    /// Cancelled when a configuration is in use that may permit a caller less.
    pub permissions_changed: CancellationToken,
}

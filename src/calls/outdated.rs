//! What ends a call that lasts, whichever transport carries it, before its token expires.

use std::future::pending;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use crate::auth::VerifiedBy;

/// Ends when what a caller was judged by has changed: the keys of its token's issuer, or what the
/// configuration permits. `verified_by` is `None` for a caller without a token.
pub fn outdated(
    verified_by: Option<VerifiedBy>,
    changed: CancellationToken,
) -> BoxFuture<'static, ()> {
    let replaced = async move {
        match verified_by {
            Some(keys) => keys.replaced().await,
            None => pending().await,
        }
    };
    Box::pin(async move {
        tokio::select! {
            () = replaced => {}
            () = changed.cancelled() => {}
        }
    })
}

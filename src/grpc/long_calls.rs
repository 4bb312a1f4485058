//! What ends a call that lasts: the stop of the server, the end of its token, and a change of what
//! its caller was judged by.

use futures_util::future::BoxFuture;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::status;
use crate::{
    auth::{AuthError, Permit},
    calls::outdated,
    clock,
};

/// Ends when what the caller was judged by has changed: the keys of its token's issuer, or what
/// the configuration permits.
pub(super) fn outdated(permit: &Permit, changed: CancellationToken) -> BoxFuture<'static, ()> {
    outdated::outdated(permit.verified_by().cloned(), changed)
}

/// Returns the status with which a transfer of this caller ends before its time: at the stop of the
/// server, when its token expires, and when it is outdated.
pub(super) async fn ended(
    permit: &Permit,
    changed: CancellationToken,
    stop: CancellationToken,
) -> Status {
    let left = (permit.expire_time() - clock::now()).to_std().unwrap_or_default();
    tokio::select! {
        biased;
        () = stop.cancelled() => status::stopping(),
        () = sleep(left) => {
            status::from_auth_error(AuthError::TokenInvalid("it expired during the transfer"))
        }
        () = outdated(permit, changed) => status::transfer_expired(),
    }
}

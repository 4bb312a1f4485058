//! What the transfers share: what ends them, and the end of their streams.

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    auth::Permit,
    grpc::{long_calls, status},
    transfer::limits::TransferLimits,
};

/// How a transfer ends: with a last message, a refusal or both.
pub(super) struct Conclusion<T> {
    pub last: Option<T>,
    pub refusal: Option<Status>,
}

impl<T> Conclusion<T> {
    /// The end of a transfer that is refused.
    pub(super) fn refused(refusal: Status) -> Self {
        Self { last: None, refusal: Some(refusal) }
    }
}

/// Carries out a transfer to its end, or until its caller may no longer make it, the server stops or
/// the client has `gone`. Then it cancels `stop`, and waits until the transfer has come to an end by
/// itself.
pub(super) async fn until_ended<T>(
    permit: &Permit,
    limits: &TransferLimits,
    stop: &CancellationToken,
    gone: impl Future<Output = ()>,
    transfer: impl Future<Output = Conclusion<T>>,
) -> Conclusion<T> {
    let TransferLimits { stop: server_stop, permissions_changed, .. } = limits.clone();
    let ended = async {
        tokio::select! {
            status = long_calls::ended(permit, permissions_changed, server_stop) => status,
            // The client reads no status then.
            () = gone => status::stopping(),
        }
    };
    tokio::pin!(transfer);
    tokio::select! {
        biased;
        conclusion = &mut transfer => conclusion,
        status = ended => {
            stop.cancel();
            let conclusion = transfer.await;
            // With a last message it was complete by then.
            if conclusion.last.is_some() { conclusion } else { Conclusion::refused(status) }
        }
    }
}

/// The end of a stream, behind its other messages.
pub(super) struct StreamEnd<T> {
    conclusion: Option<JoinHandle<Conclusion<T>>>,
    /// What follows the last message.
    refusal: Option<Status>,
}

impl<T> StreamEnd<T> {
    pub(super) fn new(conclusion: JoinHandle<Conclusion<T>>) -> Self {
        Self { conclusion: Some(conclusion), refusal: None }
    }

    /// The last message, then the refusal, as far as there are these.
    pub(super) async fn next(&mut self) -> Option<Result<T, Status>> {
        if let Some(refusal) = self.refusal.take() {
            return Some(Err(refusal));
        }
        // A panic was logged.
        let Ok(Conclusion { last, refusal }) = self.conclusion.take()?.await else {
            return Some(Err(status::fault()));
        };
        match last {
            Some(last) => {
                self.refusal = refusal;
                Some(Ok(last))
            }
            None => refusal.map(Err),
        }
    }
}

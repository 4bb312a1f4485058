//! When a call is made again.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;
use tonic::Code;
use uuid::Uuid;

use crate::{
    error::Failure,
    reason::Reason,
    rpc::{RequestId, Rpc},
};

/// The pause after a failure for which the server gives no delay: it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// The server has changed nothing when it refuses for one of these: any call can be repeated.
const NOTHING_CHANGED: [Reason; 5] = [
    Reason::ConflictRetry,
    Reason::KeysUnavailable,
    Reason::Overloaded,
    Reason::RateLimited,
    Reason::StoreUnavailable,
];

/// The attempts of one call: one deadline and one request id for all of them.
pub(crate) struct Attempts {
    /// A write under its request id changes nothing twice, and a preview nothing at all.
    is_safe: bool,
    deadline: Instant,
    left: u32,
    failures: u32,
    renewed: bool,
}

impl Attempts {
    /// Gives the request an id if it should have one.
    pub(crate) fn new<R: Rpc>(request: &mut R, deadline: Instant, max_attempts: u32) -> Self {
        let is_preview = request.is_preview();
        let takes_one = match R::REQUEST_ID {
            RequestId::Never => false,
            RequestId::ExceptPreviews => !is_preview,
            RequestId::Always => true,
        };
        let has_one = request.request_id().is_some_and(|id| {
            if takes_one && id.is_empty() {
                *id = Uuid::new_v4().to_string();
            }
            !id.is_empty()
        });
        let is_safe = R::ONLY_READS || is_preview || has_one;
        Self { is_safe, deadline, left: max_attempts, failures: 0, renewed: false }
    }

    /// Whether the server refused the token, for the first time in this call.
    pub(crate) fn may_renew(&mut self, failure: &Failure) -> bool {
        let may = failure.reason() == Some(Reason::TokenInvalid)
            && failure.code() == Code::Unauthenticated
            && !self.renewed;
        self.renewed |= may;
        may
    }

    /// The pause before the next attempt. There is none if the failure is final, or if the pause would
    /// outlast the deadline.
    pub(crate) fn pause_after(&mut self, failure: &Failure) -> Option<Duration> {
        self.left = self.left.saturating_sub(1);
        self.failures += 1;
        let pause = self.pause(failure).filter(|_| self.left > 0)?;
        (pause < self.deadline.saturating_duration_since(Instant::now())).then_some(pause)
    }

    fn pause(&self, failure: &Failure) -> Option<Duration> {
        if let Some(pause) = asked(failure) {
            let unchanged =
                failure.reason().is_some_and(|reason| NOTHING_CHANGED.contains(&reason));
            return (self.is_safe || unchanged).then_some(pause);
        }
        // The connection was lost, or the outcome of the commit is unknown.
        (failure.code() == Code::Unavailable && self.is_safe).then(|| backoff(self.failures))
    }
}

/// The pause that the server asks for, if it says that a repetition may succeed. A little is added, so
/// that clients that were refused together do not come back together.
pub(crate) fn asked(failure: &Failure) -> Option<Duration> {
    let delay = failure.retry_delay()?;
    matches!(failure.code(), Code::Unavailable | Code::ResourceExhausted | Code::Aborted)
        .then(|| delay.saturating_add(delay.mul_f64(rand::rng().random_range(0.0..0.2))))
}

/// The pause after so many failures in a row, of which half is random.
pub(crate) fn backoff(failures: u32) -> Duration {
    let longest = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    longest.min(LAST_PAUSE).mul_f64(rand::rng().random_range(0.5..1.0))
}

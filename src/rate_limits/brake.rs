//! The brake on clients that repeat refused calls without a pause.

use std::time::Duration;

use tokio::{sync::Semaphore, time::sleep};

/// How long a refusal is held back: about as long as a call waits for a slot before it is `OVERLOADED`.
const PAUSE: Duration = Duration::from_millis(40);
/// How many refusals are held back at once, so that they take little memory.
const PLACES: usize = 1024;

/// Holds refusals back. A refusal costs about as much as a short call: at once and without end,
/// refusals would take the processors from the callers that stay within their limits.
#[derive(Debug)]
pub(super) struct Brake(Semaphore);

impl Default for Brake {
    fn default() -> Self {
        Self(Semaphore::new(PLACES))
    }
}

impl Brake {
    /// Waits before a refusal; not at all while too many refusals wait.
    pub(super) async fn hold_back(&self) {
        if let Ok(_place) = self.0.try_acquire() {
            sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_refusal_beyond_too_many_others_is_not_held_back() {
        let brake = Brake::default();
        let mut held: Vec<_> = (0..PLACES).map(|_| Box::pin(brake.hold_back())).collect();
        assert!(held.iter_mut().all(|refusal| refusal.now_or_never().is_none()));

        assert_eq!(brake.hold_back().now_or_never(), Some(()));
        held.clear();
        assert_eq!(brake.hold_back().now_or_never(), None);
    }
}

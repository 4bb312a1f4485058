//! How often a link is made or taken back, and when not.
//!
//! A link begins at most as often as the rate says. Once a second the work looks whether others wait,
//! and pauses while they do.

use std::{fmt, num::NonZeroU32, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::PlansError;
use crate::store::{Load, Store, StoreError};

/// How long before its time a link may begin. The clock wakes a task to the millisecond, so a wait for less
/// would make the rate lower than it is to be.
const EARLY: Duration = Duration::from_millis(2);
/// How often the command looks whether others wait.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long an event may wait behind an open transaction. Watchers of the feed lag as long.
const MAX_FEED_DELAY: Duration = Duration::from_secs(2);
/// From how many sessions on that wait for locks the database is busy.
const MAX_WAITING: u64 = 5;

/// Why a command pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// Events wait behind an open transaction.
    Feed,
    /// Sessions of the database wait for locks of others.
    Locks,
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Feed => "events wait behind an open transaction for over 2 s",
            Self::Locks => "5 or more sessions of the database wait for locks",
        })
    }
}

/// The pace of a command.
pub struct Pace<'a> {
    store: Store,
    every: Duration,
    /// When the next link is to begin.
    due: Instant,
    looked: Option<Instant>,
    at_once: usize,
    /// Is called when a pause begins, and with `None` when it ends.
    pauses: &'a (dyn Fn(Option<Busy>) + Sync),
}

impl<'a> Pace<'a> {
    /// At most so many links per second, and so many at once. `pauses` is called when a pause begins,
    /// and with `None` when it ends.
    pub fn new(
        store: &Store,
        per_second: NonZeroU32,
        at_once: usize,
        pauses: &'a (dyn Fn(Option<Busy>) + Sync),
    ) -> Self {
        Self {
            store: store.clone(),
            every: Duration::from_secs(1) / per_second.get(),
            due: Instant::now(),
            looked: None,
            at_once,
            pauses,
        }
    }

    /// Waits until the next link may begin.
    ///
    /// # Errors
    /// [`PlansError::Stopped`] if a stop is requested meanwhile; [`PlansError::Store`].
    pub(super) async fn turn(&mut self, stop: &CancellationToken) -> Result<(), PlansError> {
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(PlansError::Stopped),
            turn = self.next_turn() => Ok(turn?),
        }
    }

    /// How many links are made at once at most.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    async fn next_turn(&mut self) -> Result<(), StoreError> {
        let now = Instant::now();
        if self.due > now + EARLY {
            sleep_until(self.due).await;
        }
        // What took long is not made up for.
        self.due = self.due.max(now) + self.every;
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        let mut paused_for = None;
        while let Some(busy) = busy(self.store.load().await?) {
            if paused_for != Some(busy) {
                paused_for = Some(busy);
                (self.pauses)(paused_for);
            }
            sleep(LOOK_EVERY).await;
        }
        if paused_for.is_some() {
            (self.pauses)(None);
        }
        self.looked = Some(Instant::now());
        Ok(())
    }
}

/// Whether others wait, and for what.
fn busy(Load { feed_delay, waiting_for_locks }: Load) -> Option<Busy> {
    if feed_delay > MAX_FEED_DELAY {
        Some(Busy::Feed)
    } else {
        (waiting_for_locks >= MAX_WAITING).then_some(Busy::Locks)
    }
}

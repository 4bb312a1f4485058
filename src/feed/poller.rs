//! The only reader of the end of the feed.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use super::{Feed, News};
use crate::store::{EventPage, Horizon, Position, StoreError, Tail};

/// How many events one poll reads and broadcasts at most.
pub(super) const AT_ONCE: usize = 200;
/// The shortest pause between two polls. Events that are committed meanwhile are read together.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
/// How often the delay of the feed is measured.
const MEASURE_DELAY_EVERY: Duration = Duration::from_secs(1);
/// How often it is measured while there is no watcher. Readers of `ListEvents` wait for the same
/// transactions, and a watcher may come.
const MEASURE_IDLE_DELAY_EVERY: Duration = Duration::from_secs(5);
/// From which delay on the feed's delay is logged while there are watchers.
const LONG_DELAY: Duration = Duration::from_secs(10);
/// From which delay on it is logged while there are none, and how often it is logged at most.
const VERY_LONG_DELAY: Duration = Duration::from_secs(60);
/// The longest pause after a failed poll.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The state of the polling.
struct Progress {
    /// The epoch of the last horizon.
    epoch: i32,
    /// The position up to which events were broadcast; `None` while there is no watcher.
    broadcast_to: Option<Position>,
    /// The horizon below which all events were broadcast.
    complete_below: Option<Horizon>,
    /// When the delay of the feed was last measured.
    measured: Instant,
    warned: Option<Instant>,
    failures: u32,
}

impl Feed {
    /// Broadcasts new events while there is a watcher, until the feed ends.
    pub async fn keep_polling(self: Arc<Self>) {
        let mut progress = Progress {
            epoch: 0,
            broadcast_to: None,
            complete_below: None,
            measured: Instant::now(),
            warned: None,
            failures: 0,
        };
        loop {
            let turn = async {
                if self.news.receiver_count() == 0 {
                    progress.broadcast_to = None;
                    tokio::select! {
                        () = self.watch_started.notified() => {}
                        () = sleep(MEASURE_IDLE_DELAY_EVERY) => {
                            // After a failure the last value stays: health reports a lost database.
                            drop(self.measure(&mut progress).await);
                        }
                    }
                    return;
                }
                match self.poll(&mut progress).await {
                    Ok(true) => progress.failures = 0,
                    Ok(false) => {
                        progress.failures = 0;
                        self.wait_for_events().await;
                    }
                    Err(error) => {
                        // After an outage the database may be a restored backup.
                        progress.broadcast_to = None;
                        if progress.failures == 0 {
                            tracing::warn!(%error, "the feed cannot be read: watchers wait until it can");
                        }
                        progress.failures = progress.failures.saturating_add(1);
                        let pause = self.settings.poll_interval * progress.failures;
                        sleep(pause.min(LONGEST_PAUSE)).await;
                    }
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = turn => {}
            }
        }
    }

    /// Waits until there may be new events: of this process until they are committed, of other
    /// servers for the poll interval.
    async fn wait_for_events(&self) {
        let polled = Instant::now();
        tokio::select! {
            () = self.store.events_committed() => sleep_until(polled + SHORTEST_PAUSE).await,
            () = sleep(self.settings.poll_interval) => {}
        }
    }

    /// Broadcasts the events since the last poll. Returns whether there may already be more.
    async fn poll(&self, progress: &mut Progress) -> Result<bool, StoreError> {
        let mut tail = self.store.tail().await?;
        let horizon = tail.horizon().await?;
        if horizon.epoch() != progress.epoch {
            // Broadcast events may be lost: each watcher checks whether its own position still
            // exists.
            (progress.epoch, progress.broadcast_to) = (horizon.epoch(), None);
        }
        let is_complete = self.broadcast_below(horizon, &mut tail, progress).await?;
        progress.complete_below = is_complete.then_some(horizon);
        if progress.measured.elapsed() >= MEASURE_DELAY_EVERY {
            progress.measured = Instant::now();
            self.measure_at(horizon, &mut tail, progress).await?;
        }
        Ok(!is_complete)
    }

    /// Measures the delay of the feed.
    async fn measure(&self, progress: &mut Progress) -> Result<(), StoreError> {
        let mut tail = self.store.tail().await?;
        let horizon = tail.horizon().await?;
        self.measure_at(horizon, &mut tail, progress).await
    }

    async fn measure_at(
        &self,
        horizon: Horizon,
        tail: &mut Tail,
        progress: &mut Progress,
    ) -> Result<(), StoreError> {
        let delay = tail.oldest_waits(horizon).await?;
        self.note_delay(delay.unwrap_or_default(), progress);
        Ok(())
    }

    /// Broadcasts the next events below the horizon. Returns whether these are all.
    async fn broadcast_below(
        &self,
        horizon: Horizon,
        tail: &mut Tail,
        progress: &mut Progress,
    ) -> Result<bool, StoreError> {
        let Some(broadcast_to) = progress.broadcast_to else {
            progress.broadcast_to = Some(tail.newest_position(horizon).await?);
            self.broadcast(News::Missed);
            return Ok(true);
        };
        if progress.complete_below == Some(horizon) {
            // Below a horizon no event can still appear.
            return Ok(true);
        }
        let EventPage { events, is_last } =
            tail.events_after(broadcast_to, horizon, AT_ONCE).await?;
        if let Some(last) = events.last() {
            progress.broadcast_to = Some(last.position);
            self.broadcast(News::Events(events));
        }
        Ok(is_last)
    }

    /// Sends to all watchers; none may be left.
    fn broadcast(&self, news: News) {
        drop(self.news.send(Arc::new(news)));
    }

    fn note_delay(&self, delay: Duration, progress: &mut Progress) {
        self.delay.send_replace(delay);
        let is_due = progress.warned.is_none_or(|warned| warned.elapsed() >= VERY_LONG_DELAY);
        let has_watchers = self.news.receiver_count() > 0;
        let is_long = delay >= if has_watchers { LONG_DELAY } else { VERY_LONG_DELAY };
        if is_long && is_due {
            progress.warned = Some(Instant::now());
            let seconds = delay.as_secs();
            tracing::warn!(
                seconds,
                "the feed waits for a transaction that is open: see pg_stat_activity.backend_xid"
            );
        }
    }
}

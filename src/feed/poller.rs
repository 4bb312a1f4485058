//! The one reader of the end of the feed.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Feed, News};
use crate::{
    clock,
    store::{EventPage, Position, StoreError},
};

/// How many events are read and told at once.
pub(super) const AT_ONCE: usize = 200;
/// How often it is asked what the feed waits for.
const ASK_DELAY_EVERY: Duration = Duration::from_secs(1);
/// From when on it is worth a line in the log that the feed waits, and how often.
const LONG_DELAY: Duration = Duration::from_secs(10);
/// The longest pause after a poll that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where the polling is.
struct Progress {
    /// In which epoch the horizon was.
    epoch: i32,
    /// What has been told; nothing, if nobody was there to be told.
    told: Option<Position>,
    /// When it was asked what the feed waits for.
    asked: Instant,
    warned: Option<Instant>,
    failures: u32,
}

impl Feed {
    /// Goes on telling what happens, while somebody watches, until the feed ends.
    pub async fn keep_told(self: Arc<Self>) {
        let mut progress = Progress { epoch: 0, told: None, asked: Instant::now(), warned: None, failures: 0 };
        loop {
            let turn = async {
                if self.news.receiver_count() == 0 {
                    progress.told = None;
                    self.delay.send_replace(Duration::ZERO);
                    self.begun.notified().await;
                    return;
                }
                match self.poll(&mut progress).await {
                    Ok(true) => progress.failures = 0,
                    Ok(false) => {
                        progress.failures = 0;
                        sleep(self.settings.poll_interval).await;
                    }
                    Err(error) => {
                        // The database that comes back may be one that was set back.
                        progress.told = None;
                        if progress.failures == 0 {
                            tracing::warn!(%error, "the feed cannot be read, and pauses");
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

    /// Tells what has happened since the last time; whether there may be more already.
    async fn poll(&self, progress: &mut Progress) -> Result<bool, StoreError> {
        let mut tail = self.store.tail().await?;
        let horizon = tail.horizon().await?;
        if horizon.epoch() != progress.epoch {
            // What was told may be lost: whoever watches looks whether its own position still is.
            (progress.epoch, progress.told) = (horizon.epoch(), None);
        }
        let more = match progress.told {
            None => {
                progress.told = Some(tail.newest_position(horizon).await?);
                self.tell(News::Missed);
                false
            }
            Some(told) => {
                let EventPage { events, is_last } = tail.events_after(told, horizon, AT_ONCE).await?;
                if let Some(last) = events.last() {
                    progress.told = Some(last.position);
                    self.tell(News::Events(events));
                }
                !is_last
            }
        };
        if progress.asked.elapsed() >= ASK_DELAY_EVERY {
            progress.asked = Instant::now();
            let since = tail.waiting_since(horizon).await?;
            let delay = since.map_or(Duration::ZERO, |since| (clock::now() - since).to_std().unwrap_or_default());
            self.note_delay(delay, progress);
        }
        Ok(more)
    }

    /// Nobody may be left to hear it.
    fn tell(&self, news: News) {
        drop(self.news.send(Arc::new(news)));
    }

    fn note_delay(&self, delay: Duration, progress: &mut Progress) {
        self.delay.send_replace(delay);
        let is_due = progress.warned.is_none_or(|warned| warned.elapsed() >= 6 * LONG_DELAY);
        if delay >= LONG_DELAY && is_due {
            progress.warned = Some(Instant::now());
            let seconds = delay.as_secs();
            tracing::warn!(seconds, "the feed waits for a transaction that is open: see pg_stat_activity.backend_xid");
        }
    }
}

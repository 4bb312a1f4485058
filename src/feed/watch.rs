//! One watcher of the feed.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Feed, Filter, News, Reader};
use crate::{
    clock,
    domain::{TenantId, UserId},
    store::{EventPage, Horizon, PastEvent, Position, PositionState, StoreError},
};

/// The first page of a watcher that reads from the database, in events. Each page is twice the one
/// before.
const FIRST_PAGE: usize = 50;
/// The largest page, in events.
const LARGEST_PAGE: usize = 1000;
/// The pause before a failed read is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// A watcher of one tenant's feed.
pub struct Watch {
    feed: Arc<Feed>,
    tenant: TenantId,
    filter: Filter,
    /// Everything up to this position was delivered, or is filtered out.
    position: Position,
    news: broadcast::Receiver<Arc<News>>,
    /// The state of catching up from the database; `None` once the watcher has caught up.
    catch_up: Option<CatchUp>,
    /// Whether the watcher was sent the message that it has caught up.
    is_caught_up_sent: bool,
    /// When the last message was sent, or when the watch began.
    last_sent: Instant,
    /// When the watch ends.
    end_time: Instant,
    end: fn() -> WatchEnd,
    _slot: OwnedSemaphorePermit,
}

/// The state of a watcher that reads from the database.
struct CatchUp {
    page: usize,
    /// How far to read. Each watcher that begins to read gets a new horizon, behind the broadcasts
    /// that it may have missed.
    horizon: Option<Horizon>,
}

/// The next message of a watch: events, or none as a sign of life.
#[derive(Debug)]
pub struct WatchMessage {
    /// The events, in order.
    pub events: Vec<PastEvent>,
    /// Everything up to this position was delivered, or is filtered out.
    pub position: Position,
    /// How long the oldest committed event that is not yet delivered has waited.
    pub delay: Duration,
}

/// Why a watch ended.
#[derive(Debug)]
pub enum WatchEnd {
    /// The server stops.
    Stopping,
    /// The token of the call has expired.
    TokenExpired,
    /// The watch has lasted as long as it may before its caller is judged again, or what its caller
    /// was judged by has changed.
    Over,
    /// The next events have been removed. This is the oldest position from which the feed is
    /// complete.
    Expired(Position),
    /// The position is not in the database any more: a backup was restored.
    Unknown,
    /// The store failed.
    Store(StoreError),
}

impl Watch {
    /// Watches the events of a tenant after a position, until `expire_time`, in a slot of
    /// [`Feed::acquire_slot`].
    pub fn start(
        feed: &Arc<Feed>,
        slot: OwnedSemaphorePermit,
        tenant: TenantId,
        filter: Filter,
        position: Position,
        expire_time: DateTime<Utc>,
    ) -> Self {
        let news = feed.news.subscribe();
        feed.watch_started.notify_one();
        let left = (expire_time - clock::now()).to_std().unwrap_or_default();
        let end: fn() -> WatchEnd = match left < feed.settings.max_watch {
            true => || WatchEnd::TokenExpired,
            false => || WatchEnd::Over,
        };
        Self {
            feed: Arc::clone(feed),
            tenant,
            filter,
            position,
            news,
            catch_up: Some(CatchUp::begin()),
            is_caught_up_sent: false,
            last_sent: Instant::now(),
            end_time: Instant::now() + left.min(feed.settings.max_watch),
            end,
            _slot: slot,
        }
    }

    /// Returns the next events as soon as there are some, or no events after a heartbeat.
    ///
    /// # Errors
    /// Why the watch ended.
    pub async fn next(&mut self) -> Result<WatchMessage, WatchEnd> {
        let (stop, end_time, end) = (self.feed.stop.clone(), self.end_time, self.end);
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(WatchEnd::Stopping),
            () = sleep_until(end_time) => Err(end()),
            message = self.next_message() => message,
        }
    }

    async fn next_message(&mut self) -> Result<WatchMessage, WatchEnd> {
        loop {
            let events = match &self.catch_up {
                Some(_) => self.read().await?,
                None if !self.is_caught_up_sent => Vec::new(),
                None => self.listen().await?,
            };
            let is_due =
                !self.is_caught_up_sent || self.last_sent.elapsed() >= self.feed.settings.heartbeat;
            if !events.is_empty() || (self.catch_up.is_none() && is_due) {
                self.is_caught_up_sent |= events.is_empty();
                self.last_sent = Instant::now();
                return Ok(WatchMessage {
                    events,
                    position: self.position,
                    delay: *self.feed.delay.borrow(),
                });
            }
        }
    }

    /// The next page from the database. While the database is unavailable, this waits.
    async fn read(&mut self) -> Result<Vec<PastEvent>, WatchEnd> {
        loop {
            match self.read_page().await {
                Err(WatchEnd::Store(
                    StoreError::Unavailable(_)
                    | StoreError::OtherIssuer(_)
                    | StoreError::Overloaded,
                )) => {
                    sleep(PAUSE).await;
                }
                page => return page,
            }
        }
    }

    async fn read_page(&mut self) -> Result<Vec<PastEvent>, WatchEnd> {
        let Some(catch_up) = &mut self.catch_up else { return Ok(Vec::new()) };
        if catch_up.horizon.is_none() {
            // Subscribes before the horizon is read: all earlier broadcasts are below the horizon.
            // In the other order, the broadcasts in between would be missed once this watcher has
            // caught up.
            self.news = self.feed.news.subscribe();
        }
        let request = ReadRequest {
            tenant: self.tenant.clone(),
            user: self.filter.user.clone(),
            after: self.position,
            horizon: catch_up.horizon,
            limit: catch_up.page,
        };
        // A task of its own, because this future is not polled while the client takes no messages.
        // Otherwise the turn and the connection would be held for that time.
        let task = AbortOnDropHandle::new(tokio::spawn(request.read(Arc::clone(&self.feed))));
        let read = task.await.map_err(|error| {
            StoreError::Fault(format!("a task that reads did not finish: {error}"))
        })??;
        self.position = read.position;
        if read.page.is_last {
            self.catch_up = None;
        } else {
            catch_up.horizon = Some(read.horizon);
            catch_up.page = (2 * catch_up.page).min(LARGEST_PAGE);
        }
        let mut events = read.page.events;
        events.retain(|past| self.filter.matches(&past.event));
        Ok(events)
    }

    /// The next broadcast, or no events after a heartbeat.
    async fn listen(&mut self) -> Result<Vec<PastEvent>, WatchEnd> {
        let news = tokio::select! {
            news = self.news.recv() => news,
            () = sleep_until(self.last_sent + self.feed.settings.heartbeat) => return Ok(Vec::new()),
        };
        match news.as_deref() {
            Ok(News::Events(events)) => {
                let before = self.position;
                let own = events
                    .iter()
                    .filter(|past| past.tenant == self.tenant && past.position.is_after(before));
                let own: Vec<&PastEvent> = own.collect();
                self.position = own.last().map_or(before, |last| last.position);
                Ok(own
                    .into_iter()
                    .filter(|past| self.filter.matches(&past.event))
                    .cloned()
                    .collect())
            }
            Ok(News::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.catch_up = Some(CatchUp::begin());
                Ok(Vec::new())
            }
            Err(broadcast::error::RecvError::Closed) => Err(WatchEnd::Stopping),
        }
    }
}

/// The parameters of one read.
struct ReadRequest {
    tenant: TenantId,
    user: Option<UserId>,
    after: Position,
    horizon: Option<Horizon>,
    limit: usize,
}

/// The result of one read.
struct Read {
    horizon: Horizon,
    page: EventPage,
    /// Everything up to this position was read, or belongs to other tenants or users.
    position: Position,
}

impl ReadRequest {
    /// Waits for a turn and reads.
    async fn read(self, feed: Arc<Feed>) -> Result<Read, WatchEnd> {
        let Reader { session, .. } = &mut feed.reader(&self.tenant).await?;
        let horizon = match self.horizon {
            Some(horizon) => horizon,
            None => session.horizon().await?,
        };
        let page =
            session.events_after(self.after, horizon, self.user.as_ref(), self.limit).await?;
        // Checked last, so that events that were removed during the read are noticed.
        match session.position_state(self.after).await? {
            PositionState::Good => {}
            PositionState::Expired(oldest) => return Err(WatchEnd::Expired(oldest)),
            PositionState::Unknown => return Err(WatchEnd::Unknown),
        }
        let position = if page.is_last && self.user.is_some() {
            // Later events of other users may exist below the horizon.
            session.newest_position(horizon).await?.latest(self.after)
        } else {
            page.events.last().map_or(self.after, |last| last.position)
        };
        Ok(Read { horizon, page, position })
    }
}

impl CatchUp {
    fn begin() -> Self {
        Self { page: FIRST_PAGE, horizon: None }
    }
}

impl From<StoreError> for WatchEnd {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

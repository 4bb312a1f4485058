//! One who watches.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Feed, Filter, News};
use crate::{
    clock,
    domain::{TenantId, UserId},
    store::{EventPage, Horizon, PastEvent, Position, PositionStanding, StoreError},
};

/// The first page of whoever reads from the database, in events; each is twice the one before.
const FIRST_PAGE: usize = 50;
/// The largest one.
const LARGEST_PAGE: usize = 1000;
/// How long to wait before a reading is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// One who watches a tenant's feed.
pub struct Watch {
    feed: Arc<Feed>,
    tenant: TenantId,
    filter: Filter,
    /// What has been told.
    position: Position,
    news: broadcast::Receiver<Arc<News>>,
    /// How it is caught up with what has happened; nothing, once it is.
    reading: Option<Reading>,
    /// Whether it was told that it is caught up.
    is_told: bool,
    /// When something was told last, or when it began.
    told: Instant,
    /// When it ends, and why.
    end_time: Instant,
    end: fn() -> WatchEnd,
    _place: OwnedSemaphorePermit,
}

/// Where the reading from the database is.
struct Reading {
    page: usize,
    /// How far to read; each who begins to read looks anew, behind the news that it may have missed.
    horizon: Option<Horizon>,
}

/// What there is to tell: events, or that there are none.
#[derive(Debug)]
pub struct Told {
    /// The events, in order.
    pub events: Vec<PastEvent>,
    /// Everything up to here has been told, or is not wanted.
    pub position: Position,
    /// How long what is committed waits to be told.
    pub delay: Duration,
}

/// Why there is no more.
#[derive(Debug)]
pub enum WatchEnd {
    /// The server stops.
    Stopping,
    /// The token that it was begun with has expired.
    TokenExpired,
    /// It has gone on for long enough without its caller being judged.
    Over,
    /// What comes next is kept no longer; behind this position everything is.
    Expired(Position),
    /// What was told last is not in the database any more: it has been set back.
    Unknown,
    /// A fault.
    Store(StoreError),
}

impl Watch {
    /// Watches what happens in a tenant behind a position, until `expire_time`.
    /// Nothing if too many do.
    pub fn begin(
        feed: &Arc<Feed>,
        tenant: TenantId,
        filter: Filter,
        position: Position,
        expire_time: DateTime<Utc>,
    ) -> Option<Self> {
        let place = feed.place()?;
        let news = feed.news.subscribe();
        feed.begun.notify_one();
        let left = (expire_time - clock::now()).to_std().unwrap_or_default();
        let end: fn() -> WatchEnd = match left < feed.settings.max_watch {
            true => || WatchEnd::TokenExpired,
            false => || WatchEnd::Over,
        };
        Some(Self {
            feed: Arc::clone(feed),
            tenant,
            filter,
            position,
            news,
            reading: Some(Reading::begin()),
            is_told: false,
            told: Instant::now(),
            end_time: Instant::now() + left.min(feed.settings.max_watch),
            end,
            _place: place,
        })
    }

    /// What there is to tell next, as soon as there is something, or after a while without anything.
    ///
    /// # Errors
    /// Why there is no more.
    pub async fn next(&mut self) -> Result<Told, WatchEnd> {
        let (stop, end_time, end) = (self.feed.stop.clone(), self.end_time, self.end);
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(WatchEnd::Stopping),
            () = sleep_until(end_time) => Err(end()),
            told = self.something() => told,
        }
    }

    async fn something(&mut self) -> Result<Told, WatchEnd> {
        loop {
            let events = match &self.reading {
                Some(_) => self.read().await?,
                None if !self.is_told => Vec::new(),
                None => self.listen().await?,
            };
            let is_due = !self.is_told || self.told.elapsed() >= self.feed.settings.heartbeat;
            if !events.is_empty() || (self.reading.is_none() && is_due) {
                self.is_told |= events.is_empty();
                self.told = Instant::now();
                return Ok(Told { events, position: self.position, delay: *self.feed.delay.borrow() });
            }
        }
    }

    /// The next page out of the database. While that is away, this waits.
    async fn read(&mut self) -> Result<Vec<PastEvent>, WatchEnd> {
        loop {
            match self.read_page().await {
                Err(WatchEnd::Store(StoreError::Unavailable(_) | StoreError::Overloaded)) => sleep(PAUSE).await,
                page => return page,
            }
        }
    }

    async fn read_page(&mut self) -> Result<Vec<PastEvent>, WatchEnd> {
        let Some(reading) = &mut self.reading else { return Ok(Vec::new()) };
        if reading.horizon.is_none() {
            // Before the horizon is looked at: what was told until now is below it. Else the news of the
            // meantime would be missed by the time that this has caught up.
            self.news = self.feed.news.subscribe();
        }
        let wanted = Wanted {
            tenant: self.tenant.clone(),
            user: self.filter.user.clone(),
            after: self.position,
            horizon: reading.horizon,
            limit: reading.page,
        };
        // A task of its own, since nobody goes on with this one while its client takes nothing: turn and
        // connection would be held for as long as that pleases.
        let task = AbortOnDropHandle::new(tokio::spawn(wanted.read(Arc::clone(&self.feed))));
        let read = task.await.map_err(|error| StoreError::Fault(format!("a reading did not end: {error}")))??;
        self.position = read.position;
        if read.page.is_last {
            self.reading = None;
        } else {
            reading.horizon = Some(read.horizon);
            reading.page = (2 * reading.page).min(LARGEST_PAGE);
        }
        let mut events = read.page.events;
        events.retain(|past| self.filter.takes(&past.event));
        Ok(events)
    }

    /// The next news, or none after a while.
    async fn listen(&mut self) -> Result<Vec<PastEvent>, WatchEnd> {
        let news = tokio::select! {
            news = self.news.recv() => news,
            () = sleep_until(self.told + self.feed.settings.heartbeat) => return Ok(Vec::new()),
        };
        match news.as_deref() {
            Ok(News::Events(events)) => {
                let before = self.position;
                let own = events.iter().filter(|past| past.tenant == self.tenant && past.position.is_behind(before));
                let own: Vec<&PastEvent> = own.collect();
                self.position = own.last().map_or(before, |last| last.position);
                Ok(own.into_iter().filter(|past| self.filter.takes(&past.event)).cloned().collect())
            }
            Ok(News::Missed) | Err(broadcast::error::RecvError::Lagged(_)) => {
                self.reading = Some(Reading::begin());
                Ok(Vec::new())
            }
            Err(broadcast::error::RecvError::Closed) => Err(WatchEnd::Stopping),
        }
    }
}

/// What to read of the feed.
struct Wanted {
    tenant: TenantId,
    user: Option<UserId>,
    after: Position,
    horizon: Option<Horizon>,
    limit: usize,
}

/// What was read.
struct Read {
    horizon: Horizon,
    page: EventPage,
    /// Everything up to here was read, or is of others.
    position: Position,
}

impl Wanted {
    /// Reads when it is its turn.
    async fn read(self, feed: Arc<Feed>) -> Result<Read, WatchEnd> {
        // It is never closed.
        let _turn = feed.readers.acquire().await;
        let mut session = feed.store.session(&self.tenant).await?;
        let horizon = match self.horizon {
            Some(horizon) => horizon,
            None => session.horizon().await?,
        };
        let page = session.events_after(self.after, horizon, self.user.as_ref(), self.limit).await?;
        // Judged last: what was removed meanwhile is not passed over.
        match session.position_standing(self.after).await? {
            PositionStanding::Good => {}
            PositionStanding::Expired(oldest) => return Err(WatchEnd::Expired(oldest)),
            PositionStanding::Unknown => return Err(WatchEnd::Unknown),
        }
        let position = if page.is_last {
            // Of others there may be more.
            session.newest_position(horizon).await?.latest(self.after)
        } else {
            page.events.last().map_or(self.after, |last| last.position)
        };
        Ok(Read { horizon, page, position })
    }
}

impl Reading {
    fn begin() -> Self {
        Self { page: FIRST_PAGE, horizon: None }
    }
}

impl From<StoreError> for WatchEnd {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

//! One who watches.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep, sleep_until},
};

use super::{Feed, Filter, News};
use crate::{
    clock,
    domain::TenantId,
    store::{Horizon, PastEvent, Position, PositionStanding, StoreError},
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
    expire_time: Instant,
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
        Some(Self {
            feed: Arc::clone(feed),
            tenant,
            filter,
            position,
            news,
            reading: Some(Reading::begin()),
            is_told: false,
            told: Instant::now(),
            expire_time: Instant::now() + left,
            _place: place,
        })
    }

    /// What there is to tell next, as soon as there is something, or after a while without anything.
    ///
    /// # Errors
    /// Why there is no more.
    pub async fn next(&mut self) -> Result<Told, WatchEnd> {
        let (stop, expire_time) = (self.feed.stop.clone(), self.expire_time);
        tokio::select! {
            biased;
            () = stop.cancelled() => Err(WatchEnd::Stopping),
            () = sleep_until(expire_time) => Err(WatchEnd::TokenExpired),
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
        let feed = Arc::clone(&self.feed);
        // It is never closed.
        let _turn = feed.readers.acquire().await;
        let mut session = feed.store.session(&self.tenant).await?;
        let Some(reading) = &mut self.reading else { return Ok(Vec::new()) };
        let horizon = match reading.horizon {
            Some(horizon) => horizon,
            None => session.horizon().await?,
        };
        reading.horizon = Some(horizon);
        let (after, user) = (self.position, self.filter.user.as_ref());
        let mut events = session.events_after(after, horizon, user, reading.page).await?;
        // Judged last: what was removed meanwhile is not passed over.
        match session.position_standing(after).await? {
            PositionStanding::Good => {}
            PositionStanding::Expired(oldest) => return Err(WatchEnd::Expired(oldest)),
            PositionStanding::Unknown => return Err(WatchEnd::Unknown),
        }
        if events.len() == reading.page {
            reading.page = (2 * reading.page).min(LARGEST_PAGE);
            self.position = events.last().map_or(after, |last| last.position);
        } else {
            // Of others there may be more.
            self.position = session.newest_position(horizon).await?.latest(after);
            self.reading = None;
        }
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

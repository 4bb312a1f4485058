//! The live feed: new events are read once for all watchers, and each watcher takes them at its own
//! pace.
//!
//! One task polls the end of the feed while at least one watcher exists, and broadcasts what it
//! reads. Without a watcher it only measures the delay of the feed, now and then. It polls at once after a commit of this process, and in intervals for those of other
//! servers. A watcher that begins, or falls behind the broadcast, reads from the database until it
//! has caught up. So a slow client costs no more than the page read for it last, and a thousand
//! waiting watchers cost one poll.
//!
//! All this happens on connections of the feed's own. Watchers are served while calls keep all other
//! connections busy, and take none from calls.

mod poller;
mod position_codec;
mod watch;

use std::{sync::Arc, time::Duration};

use tokio::sync::{
    Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit, broadcast, watch as latest,
};
use tokio_util::sync::CancellationToken;

pub use self::{
    position_codec::PositionCodec,
    watch::{Watch, WatchEnd, WatchMessage},
};
use crate::{
    domain::{Event, EventKind, TenantId, UserId},
    store::{PastEvent, Session, Store, StoreError},
};

/// How many broadcast messages are kept for watchers that are slightly behind. Each has at most
/// [`poller::AT_ONCE`] events and about 256 KiB.
const KEPT_NEWS: usize = 16;
/// How many watchers read from the database at once: two, so that a long page delays no other
/// watcher, and not more, because each takes processor time of the database from calls.
const MAX_READERS: usize = 2;
/// The number of the feed's connections: one for each reader, and one for the poll.
const CONNECTIONS: usize = MAX_READERS + 1;
/// The name of these connections.
const NAME: &str = "feed";

/// The settings of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// The pause between two polls, unless this process commits events.
    pub poll_interval: Duration,
    /// How long a stream may be silent before a message without events is sent.
    pub heartbeat: Duration,
    /// How long events are kept.
    pub retention: Duration,
    /// How many watchers may exist at once.
    pub max_watchers: usize,
    /// How long a watch may last before it ends, so that its caller is judged again.
    pub max_watch: Duration,
}

/// The live feed. Clones share all but the tenants.
#[derive(Clone)]
pub struct Feed {
    /// On connections of its own.
    store: Store,
    settings: FeedSettings,
    news: broadcast::Sender<Arc<News>>,
    /// Notified when a watch begins.
    watch_started: Arc<Notify>,
    readers: Arc<Semaphore>,
    slots: Arc<Semaphore>,
    delay: latest::Sender<Duration>,
    stop: CancellationToken,
}

/// A turn to read a tenant's feed.
pub struct Reader<'a> {
    // Fields are dropped in this order: the next reader needs the connection.
    /// A connection of the feed.
    pub session: Session,
    _turn: Option<SemaphorePermit<'a>>,
}

/// A message that is broadcast to all watchers.
#[derive(Debug)]
enum News {
    /// New events of all tenants, in order.
    Events(Vec<PastEvent>),
    /// Events may have been missed: each watcher reads from the database.
    Missed,
}

/// The events that a caller wants.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only events of these kinds; all kinds if empty.
    pub kinds: Vec<EventKind>,
    /// Only events of which this user is a side; all if `None`.
    pub user: Option<UserId>,
}

impl Filter {
    /// Whether the event passes the filter.
    pub fn matches(&self, event: &Event) -> bool {
        let (user, other) = event.sides();
        let is_side = |wanted: &UserId| user == Some(wanted) || other == Some(wanted);
        (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
            && self.user.as_ref().is_none_or(is_side)
    }
}

impl Feed {
    /// The feed of this store; it ends when `stop` is cancelled.
    ///
    /// # Errors
    /// Those of [`Store::with_own_connections`].
    pub fn new(
        store: &Store,
        settings: FeedSettings,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, StoreError> {
        let store = store.with_own_connections(NAME, CONNECTIONS)?;
        let slots = Arc::new(Semaphore::new(settings.max_watchers));
        let (news, delay) =
            (broadcast::Sender::new(KEPT_NEWS), latest::Sender::new(Duration::ZERO));
        let (watch_started, readers) = (Arc::default(), Arc::new(Semaphore::new(MAX_READERS)));
        Ok(Arc::new(Self { store, settings, news, watch_started, readers, slots, delay, stop }))
    }

    /// The same feed for the tenants of this store.
    #[must_use]
    pub fn for_tenants(&self, store: &Store) -> Arc<Self> {
        Arc::new(Self { store: store.with_connections_of(&self.store), ..self.clone() })
    }

    /// How long the oldest committed event that cannot be delivered yet has waited. It is measured
    /// each second, and every five seconds while there is no watcher.
    pub fn delay(&self) -> latest::Receiver<Duration> {
        self.delay.subscribe()
    }

    /// How many watchers there are, and how many there may be.
    pub fn watchers(&self) -> (usize, usize) {
        let max = self.settings.max_watchers;
        (max - self.slots.available_permits().min(max), max)
    }

    /// Waits for a turn to read the feed, in the order of the requests.
    ///
    /// # Errors
    /// Those of [`Store::session`]. A connection is free, because only readers with a turn use it.
    pub async fn reader(&self, tenant: &TenantId) -> Result<Reader<'_>, StoreError> {
        // The semaphore is never closed, so an error cannot occur.
        let turn = self.readers.acquire().await.ok();
        Ok(Reader { session: self.store.session(tenant).await?, _turn: turn })
    }

    /// A slot for one more watcher; `None` at [`FeedSettings::max_watchers`].
    pub fn acquire_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }
}

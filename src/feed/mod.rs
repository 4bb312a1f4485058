//! The feed as it goes on: what happens is read once for all who watch, and each goes on at its own
//! pace.
//!
//! One task polls the end of the feed while somebody watches, and tells everybody. Whoever begins, or
//! has fallen behind what is told, reads from the database until it has caught up. So a slow client
//! costs no more than the page that it was read last, and a thousand that wait cost one poll.

mod poller;
mod watch;

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, watch as latest};
use tokio_util::sync::CancellationToken;

pub use self::watch::{Told, Watch, WatchEnd};
use crate::{
    domain::{Event, EventKind, UserId},
    store::{PastEvent, Store},
};

/// How much news is kept for those who are a little behind; each is at most [`poller::AT_ONCE`] events, and
/// about 256 KiB.
const NEWS: usize = 16;
/// How many of those who watch read from the database at once: calls need it too.
const READERS: usize = 2;

/// How the feed is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedSettings {
    /// How long after a poll the next one is.
    pub poll_interval: Duration,
    /// After how long without anything to tell a sign of life is sent.
    pub heartbeat: Duration,
    /// For how long events are kept.
    pub retention: Duration,
    /// How many may watch at once.
    pub max_watchers: usize,
    /// For how long one may watch before its caller is judged again.
    pub max_watch: Duration,
}

/// The feed as it goes on.
pub struct Feed {
    store: Store,
    settings: FeedSettings,
    news: broadcast::Sender<Arc<News>>,
    /// Somebody has begun to watch.
    begun: Notify,
    readers: Semaphore,
    places: Arc<Semaphore>,
    delay: latest::Sender<Duration>,
    stop: CancellationToken,
}

/// What everybody who watches is told.
#[derive(Debug)]
enum News {
    /// What happened, of all tenants, in order.
    Events(Vec<PastEvent>),
    /// Some may have been missed, and are to be read from the database.
    Missed,
}

/// Which events are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of these kinds; all, if there are none.
    pub kinds: Vec<EventKind>,
    /// That have this user as a side.
    pub user: Option<UserId>,
}

impl Filter {
    /// Whether this event is wanted.
    pub fn takes(&self, event: &Event) -> bool {
        let (user, other) = event.sides();
        let is_side = |wanted: &UserId| user == wanted || other == Some(wanted);
        (self.kinds.is_empty() || self.kinds.contains(&event.kind())) && self.user.as_ref().is_none_or(is_side)
    }
}

impl Feed {
    /// The feed of this store; it ends with `stop`.
    pub fn new(store: Store, settings: FeedSettings, stop: CancellationToken) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(settings.max_watchers));
        let (news, delay) = (broadcast::Sender::new(NEWS), latest::Sender::new(Duration::ZERO));
        let (begun, readers) = (Notify::new(), Semaphore::new(READERS));
        Arc::new(Self { store, settings, news, begun, readers, places, delay, stop })
    }

    /// The store that it is read from.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How long the oldest event that is committed has waited to be told; nothing, while nobody watches.
    pub fn delay(&self) -> latest::Receiver<Duration> {
        self.delay.subscribe()
    }

    /// A place for one more who watches, if there is one.
    fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }
}

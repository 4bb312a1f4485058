//! Clients that follow the feed.

use std::time::Duration;

use identity_link::{
    config::Config,
    grpc::proto::{self as pb, event::Detail},
    listener::Limits,
};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{
    Caller, TestServer,
    cluster::{Database, feed_cluster},
};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

impl TestServer {
    /// A server on a database of its own, in the cluster of the tests of the feed.
    pub async fn start_feed() -> Self {
        Self::start_feed_with(|toml| toml).await
    }

    /// The same, changed where there is no configuration key.
    pub async fn start_feed_changed(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_feed_on(feed_cluster().db_migrated().await, change).await
    }

    /// The same on this database.
    pub async fn start_feed_on(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_changed(database, |toml| toml, change).await
    }

    /// The same with a changed `[feed]`.
    pub async fn start_feed_with(change: impl FnOnce(String) -> String) -> Self {
        Self::start_with(feed_cluster().db_migrated().await, change).await
    }

    /// The same with limits that a test can wait for, and a permit for one watcher.
    pub async fn start_feed_for_one(change: impl FnOnce(&mut Limits)) -> Self {
        let change = |config: &mut Config| {
            config.feed.max_watchers = 1;
            change(&mut config.limits);
        };
        Self::start_changed(feed_cluster().db_migrated().await, |toml| toml, change).await
    }
}

/// A request for the events after this position.
pub fn list_after(position: &str) -> pb::ListEventsRequest {
    let start = Some(pb::list_events_request::Start::After(position.to_owned()));
    pb::ListEventsRequest { start, ..Default::default() }
}

/// A request for the events from one end of the feed on.
pub fn list_from(end: pb::FeedEnd) -> pb::ListEventsRequest {
    let start = Some(pb::list_events_request::Start::FromEnd(end.into()));
    pb::ListEventsRequest { start, ..Default::default() }
}

/// The same as a watch.
pub fn watch_after(position: &str) -> pb::WatchEventsRequest {
    let start = Some(pb::watch_events_request::Start::After(position.to_owned()));
    pb::WatchEventsRequest { start, ..Default::default() }
}

/// The same as a watch.
pub fn watch_from(end: pb::FeedEnd) -> pb::WatchEventsRequest {
    let start = Some(pb::watch_events_request::Start::FromEnd(end.into()));
    pb::WatchEventsRequest { start, ..Default::default() }
}

/// A client that watches the feed.
pub struct Watcher {
    stream: Streaming<pb::WatchEventsResponse>,
    /// The position after the last message.
    pub position: String,
}

impl Watcher {
    /// Opens a watch.
    pub async fn begin(caller: &Caller, request: pb::WatchEventsRequest) -> Self {
        Self::of(caller.watch_events(request).await.unwrap())
    }

    /// A watcher on an open stream.
    pub fn of(stream: Streaming<pb::WatchEventsResponse>) -> Self {
        Self { stream, position: String::new() }
    }

    /// The next message.
    pub async fn next(&mut self) -> Result<pb::WatchEventsResponse, Status> {
        let message = timeout(PATIENCE, self.stream.message())
            .await
            .expect("the server should send a message");
        let message =
            message?.ok_or_else(|| Status::unknown("the stream ended without a status"))?;
        self.position.clone_from(&message.position);
        Ok(message)
    }

    /// The next events, this many; messages without events are passed over.
    pub async fn events(&mut self, count: usize) -> Vec<pb::Event> {
        let mut events = Vec::new();
        let all = async {
            while events.len() < count {
                events.extend(self.next().await.unwrap().events);
            }
        };
        assert!(timeout(PATIENCE, all).await.is_ok(), "{count} events were expected: {events:?}");
        assert_eq!(events.len(), count, "more events than expected: {events:?}");
        events
    }

    /// How it ends; the messages before are passed over.
    pub async fn end(&mut self) -> Status {
        let end = async {
            loop {
                if let Err(status) = self.next().await {
                    return status;
                }
            }
        };
        timeout(PATIENCE, end).await.expect("the stream should end")
    }

    /// Reads until a message without events, and returns the events before it.
    pub async fn caught_up(&mut self) -> Vec<pb::Event> {
        let mut events = Vec::new();
        loop {
            let message = self.next().await.unwrap();
            if message.events.is_empty() {
                return events;
            }
            events.extend(message.events);
        }
    }
}

impl Database {
    /// Appends so many events after the last one, which set its user's version to 1, 2, 3 and so
    /// on.
    pub async fn db_tell(&self, count: usize) {
        self.db_execute(&format!(
            "INSERT INTO events (tenant_id, epoch, ordinal, user_id, actor, detail, event_time) \
             SELECT last.tenant_id, last.epoch, n, last.user_id, last.actor, \
               jsonb_set(last.detail, '{{user,after}}', to_jsonb(n)), last.event_time \
             FROM (SELECT * FROM events ORDER BY epoch DESC, xid DESC, ordinal DESC LIMIT 1) last, \
               generate_series(1, {count}) n"
        ))
        .await;
    }
}

/// The events from the oldest one on, as soon as there are this many.
pub async fn events(caller: &Caller, count: usize) -> Vec<pb::Event> {
    let mut watcher = Watcher::begin(caller, watch_from(pb::FeedEnd::Oldest)).await;
    watcher.events(count).await
}

/// `kind user before>after …`, in the order of the message's fields.
pub fn line(event: &pb::Event) -> String {
    let changes = |changes: &[&Option<pb::UserChange>]| -> String {
        let change = |change: &&Option<pb::UserChange>| {
            let pb::UserChange { user_id, version_before, version_after } =
                change.as_ref().unwrap();
            format!(" {user_id} {version_before}>{version_after}")
        };
        changes.iter().map(change).collect()
    };
    match event.detail.as_ref().unwrap() {
        Detail::UserCreated(e) => format!("created{}", changes(&[&e.user])),
        Detail::UsersImported(e) => format!("imported {}", e.user_count),
        Detail::UserUpdated(e) => format!("updated{}", changes(&[&e.user])),
        Detail::UserBlocked(e) => format!("blocked={}{}", e.blocked, changes(&[&e.user])),
        Detail::UserDeleted(e) => format!("deleted{}", changes(&[&e.user])),
        Detail::UserLinked(e) => format!("linked{}", changes(&[&e.primary, &e.absorbed])),
        Detail::UserUnlinked(e) => format!("unlinked{}", changes(&[&e.user, &e.restored])),
        Detail::LinkUndone(e) => format!("undone{}", changes(&[&e.user, &e.restored])),
        Detail::IdentityAttached(e) => format!("attached{}", changes(&[&e.user])),
        Detail::IdentityDetached(e) => format!("detached{}", changes(&[&e.user, &e.detached])),
        Detail::IdentitiesRenamed(e) => {
            format!("renamed {}{}", e.renamed.len(), changes(&[&e.user]))
        }
        Detail::IdentityReleased(e) => format!("released{}", changes(&[&e.user])),
        Detail::IdentityUpdated(e) => format!("refreshed{}", changes(&[&e.user])),
        Detail::UserMetadataMerged(e) => format!("merged{}", changes(&[&e.user])),
        Detail::UserPrimaryIdentityChanged(e) => format!("primary{}", changes(&[&e.user])),
        Detail::IdentityLoggedOut(e) => format!("logged out {}", e.user_id),
        Detail::AccountEventReported(e) => format!("reported {}", e.user_id),
    }
}

//! Clients that read slowly, or not at all.

use std::time::Duration;

use identity_link::grpc::proto::{self as pb, FeedEnd, event::Detail};
use tokio::time::timeout;
use tonic::transport::Endpoint;

use crate::support::{
    events::{Watcher, events, watch_after, watch_from},
    tokens::Token,
    *,
};

/// More events than the server buffers for slow watchers, and than any buffer on the way holds.
const MANY: usize = 30_000;

/// A service that receives 64 KiB at a time, on a connection of its own.
fn slow_service(server: &TestServer) -> Caller {
    slow(server, 65_535)
}

/// The same with another window, in bytes.
fn slow(server: &TestServer, window: u32) -> Caller {
    let channel = Endpoint::from_shared(format!("http://{}", server.address))
        .unwrap()
        .initial_stream_window_size(window)
        .initial_connection_window_size(window)
        .connect_lazy();
    Caller::new(channel, Some(Token::of("services", "backend").sign()))
}

fn versions(events: &[pb::Event]) -> Vec<i64> {
    let version = |event: &pb::Event| match event.detail.as_ref().unwrap() {
        Detail::UserCreated(created) => created.user.as_ref().unwrap().version_after,
        other => panic!("{other:?}"),
    };
    events.iter().map(version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_does_not_read_delays_no_other_and_misses_nothing() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    service.create("sms", "s").await;
    let position = events(&service, 1).await[0].position.clone();
    let mut slow = Watcher::begin(&slow_service(&server), watch_after(&position)).await;
    assert_eq!(slow.caught_up().await, []);
    let mut other = Watcher::begin(&service, watch_after(&position)).await;
    assert_eq!(other.caught_up().await, []);

    server.database.db_tell(MANY).await;

    let told = other.events(MANY).await;
    assert_eq!(versions(&told), (1..=i64::try_from(MANY).unwrap()).collect::<Vec<_>>());
    // It begins to read only now, when most events are in the database alone.
    assert!(slow.events(MANY).await == told, "the slow watcher should get the same events");
    service.create("sms", "later").await;
    assert_eq!(slow.events(1).await, other.events(1).await);
}

/// Two watchers may read from the database at once: neither permit nor connection waits for a
/// client.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_does_not_read_blocks_no_other() {
    // So that the server does not cut them off during the test.
    let for_long = Duration::from_secs(3600);
    let server =
        TestServer::start_feed_changed(|config| config.limits.stall_timeout = for_long).await;
    let service = server.service();
    service.create("sms", "s").await;
    server.database.db_tell(MANY).await;
    let mut silent = Vec::new();
    for _ in 0..6 {
        silent.push(Watcher::begin(&slow(&server, 1), watch_from(FeedEnd::Oldest)).await);
    }

    // The test waits for all events, not until the watcher has caught up: a transaction of another
    // test may hold the feed back.
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    assert_eq!(watcher.events(MANY + 1).await.len(), MANY + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_whose_next_events_have_expired_is_refused() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    service.create("sms", "s").await;
    server.database.db_tell(MANY).await;
    let all = events(&service, MANY + 1).await;
    let mut slow = Watcher::begin(&slow_service(&server), watch_from(FeedEnd::Oldest)).await;
    let first = slow.next().await.unwrap().events;
    assert_eq!(first[..], all[..first.len()]);

    super::retention::db_age_events(&server.database, "true").await;
    super::retention::sweep(&server, 0).await;

    let end = slow.end().await;
    let oldest = super::retention::oldest_position(&end);
    assert_eq!(refusal::<()>(Err(end)), "OutOfRange POSITION_EXPIRED");
    let mut again = Watcher::begin(&service, watch_after(&oldest)).await;
    assert_eq!(again.caught_up().await, []);
    service.create("sms", "later").await;
    assert_eq!(again.events(1).await.len(), 1);
}

/// Watches as soon as there is a permit: a test cannot see when the server notices that a watcher
/// has gone.
async fn watch_when_there_is_room(caller: &Caller, position: &str) -> Watcher {
    let begin = async {
        loop {
            if let Ok(stream) = caller.watch_events(watch_after(position)).await {
                return Watcher::of(stream);
            }
        }
    };
    timeout(Duration::from_secs(60), begin).await.expect("a permit should become free")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_stalls_too_long_is_cut_off_and_may_continue_later() {
    let server =
        TestServer::start_feed_for_one(|limits| limits.stall_timeout = Duration::from_secs(1))
            .await;
    let service = server.service();
    service.create("sms", "s").await;
    let first = events(&service, 1).await.remove(0);
    server.database.db_tell(MANY).await;
    let mut slow = watch_when_there_is_room(&slow_service(&server), &first.position).await;
    slow.position = first.position.clone();

    drop(watch_when_there_is_room(&service, &first.position).await);

    let mut told = Vec::new();
    while let Ok(message) = slow.next().await {
        told.extend(message.events);
    }
    assert!(told.len() < MANY);
    let mut again = watch_when_there_is_room(&service, &slow.position).await;
    told.extend(again.events(MANY - told.len()).await);
    assert_eq!(versions(&told), (1..=i64::try_from(MANY).unwrap()).collect::<Vec<_>>());
}

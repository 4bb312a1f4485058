//! Events are kept for the retention; a position before the oldest one is refused as expired.

use std::time::Duration;

use identity_link::grpc::proto::{self as pb, FeedEnd};
use tokio::time::timeout;
use tonic::Status;
use tonic_types::StatusExt as _;

use crate::support::{
    cluster::Database,
    events::{Watcher, events, list_after, list_from, watch_after},
    *,
};

/// Makes events older than the retention, by a condition in SQL.
pub(super) async fn db_age_events(database: &Database, that: &str) {
    let aged =
        format!("UPDATE events e SET event_time = event_time - interval '91 days' WHERE {that}");
    database.db_execute(&aged).await;
}

/// Waits until so many events are left: every server deletes expired events at its start.
pub(super) async fn sweep(server: &TestServer, left: usize) {
    let other = TestServer::start_on(server.database.clone()).await;
    let left = left.to_string();
    let swept = async {
        while server.database.db_texts("SELECT count(*)::text FROM events").await != [left.clone()]
        {
        }
    };
    timeout(Duration::from_secs(60), swept).await.expect("expired events should be deleted");
    drop(other);
}

/// The position in a refusal after which all events are kept.
pub(super) fn oldest_position(status: &Status) -> String {
    status.get_details_error_info().unwrap().metadata["oldest_position"].clone()
}

/// A server that itself deletes no event which a test has aged. Its first sweep may still run.
async fn keeping_server() -> TestServer {
    TestServer::start_feed_with(|toml| toml.replace("[feed]\n", "[feed]\nretention = \"3650d\"\n"))
        .await
}

/// Creates users, the first `old` of them long ago; returns the events.
async fn some_came_long_ago(server: &TestServer, old: usize, new: usize) -> Vec<pb::Event> {
    let service = server.service();
    for n in 0..old + new {
        service.create("sms", &format!("s{n}")).await;
        if n + 1 == old {
            db_age_events(&server.database, "true").await;
        }
    }
    events(&service, old + new).await
}

#[tokio::test]
async fn expired_events_are_deleted_and_their_positions_name_the_oldest_one() {
    let server = keeping_server().await;
    let service = server.service();
    let all = some_came_long_ago(&server, 4, 3).await;
    let (first, last_old) = (&all[0].position, &all[3].position);

    sweep(&server, 3).await;

    for request in [list_after(first), list_after(&all[2].position)] {
        let refused = service.list_events(request).await.unwrap_err();
        assert_eq!(&oldest_position(&refused), last_old);
        assert_eq!(refusal::<()>(Err(refused)), "OutOfRange POSITION_EXPIRED");
    }
    let refused = service.watch_events(watch_after(first)).await.unwrap_err();
    assert_eq!(&oldest_position(&refused), last_old);
    assert_eq!(refusal::<()>(Err(refused)), "OutOfRange POSITION_EXPIRED");
    for request in [list_after(last_old), list_from(FeedEnd::Oldest)] {
        assert_eq!(service.list_events(request).await.unwrap().events, all[4..]);
    }
    assert_eq!(service.list_events(list_after(&all[5].position)).await.unwrap().events, all[6..]);
}

#[tokio::test]
async fn the_position_before_the_first_event_expires_too() {
    let server = keeping_server().await;
    let service = server.service();
    let start = service.list_users(pb::ListUsersRequest::default()).await.unwrap().position;
    let all = some_came_long_ago(&server, 2, 1).await;
    assert_eq!(service.list_events(list_after(&start)).await.unwrap().events, all);

    sweep(&server, 1).await;

    let refused = service.list_events(list_after(&start)).await.unwrap_err();
    assert_eq!(oldest_position(&refused), all[1].position);
    assert_eq!(refusal::<()>(Err(refused)), "OutOfRange POSITION_EXPIRED");
}

#[tokio::test]
async fn the_position_of_the_newest_event_stays_good_after_all_events_expired() {
    let server = keeping_server().await;
    let service = server.service();
    let all = some_came_long_ago(&server, 2, 0).await;
    let position = &all[1].position;
    let mut watcher = Watcher::begin(&service, watch_after(position)).await;
    assert_eq!(watcher.caught_up().await, []);

    sweep(&server, 0).await;

    assert_eq!(
        service.list_users(pb::ListUsersRequest::default()).await.unwrap().position,
        *position
    );
    let listed = service.list_events(list_after(position)).await.unwrap();
    assert_eq!((listed.events, &listed.position), (vec![], position));
    let mut later = Watcher::begin(&service, watch_after(position)).await;
    assert_eq!(later.caught_up().await, []);
    service.create("sms", "later").await;
    assert_eq!(later.events(1).await, watcher.events(1).await);
}

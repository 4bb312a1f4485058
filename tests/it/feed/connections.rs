//! The feed and calls take no connections from each other.

use futures_util::future::join_all;
use identity_link::grpc::proto::FeedEnd;

use crate::support::{
    cluster::{Database, feed_cluster},
    events::{Watcher, events, list_from, watch_from},
    *,
};

/// The connections for calls of the tests' servers.
const CALLS: usize = 8;
const WATCHERS: usize = 40;

/// How many connections the server has for the feed.
async fn db_feed_connections(database: &Database) -> usize {
    let ours = "SELECT 'one' FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'identity-link feed'";
    database.db_texts(ours).await.len()
}

/// A server whose calls wait longer than any test runs.
async fn patient_server() -> TestServer {
    let database = feed_cluster().db_migrated().await;
    let url = &database.url;
    let joined = if url.contains('?') { '&' } else { '?' };
    let patient =
        format!("{url}{joined}options=-c%20lock_timeout%3D10min%20-c%20statement_timeout%3D10min");
    let direct = url.clone();
    TestServer::start_with(database, |toml| {
        let toml = toml.replace(&direct, &patient);
        format!("max_call_time = \"10m\"\nmax_concurrent_calls = {CALLS}\n{toml}")
    })
    .await
}

/// F10: all connections for calls, and all slots of calls, are in use.
#[tokio::test(flavor = "multi_thread")]
async fn watchers_begin_while_calls_keep_all_their_connections_busy() {
    let server = patient_server().await;
    let service = server.service();
    let id = service.create("sms", "ann").await.id;
    service.update_user(block(&id, true)).await.unwrap();
    let known = events(&service, 2).await;
    let held = server.database.db_hold_table("users").await;
    let calls = (0..CALLS).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { service.list_users(Default::default()).await })
    });
    let calls: Vec<_> = calls.collect();
    server.database.db_until_waiting(CALLS).await;

    let watch = async || {
        let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
        watcher.events(known.len()).await
    };
    for seen in join_all((0..WATCHERS).map(|_| watch())).await {
        assert_eq!(seen, known);
    }
    assert!((1..=3).contains(&db_feed_connections(&server.database).await));
    assert!(calls.iter().all(|call| !call.is_finished()), "the calls should still wait");

    held.db_release().await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn without_a_watcher_the_feed_reads_nothing() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    service.create("sms", "ann").await;
    service.list_events(list_from(FeedEnd::Oldest)).await.unwrap();

    assert_eq!(db_feed_connections(&server.database).await, 0);
}

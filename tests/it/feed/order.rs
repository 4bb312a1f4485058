//! The feed has the order of the changes, whichever commits first, and skips no event.

use std::time::Duration;

use identity_link::grpc::proto::{self as pb, FeedEnd};
use tokio::time::timeout;
use tonic::{Streaming, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::support::{
    child::Running,
    cluster::feed_cluster,
    events::{Watcher, events, line, list_after, watch_after, watch_from},
    fold::Folded,
    standstill::Moment,
    tokens::Token,
    *,
};
use crate::{
    management::serving,
    metrics::{scraped, series},
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first of two changes has its transaction id and waits; the second commits before it.
async fn told_in_the_order_of_ids(moment: Moment) {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let first = service.create("google-oauth2", "first").await.id;
    let second = service.create("google-oauth2", "second").await.id;
    let position = events(&service, 2).await[1].position.clone();
    let mut watcher = Watcher::begin(&service, watch_after(&position)).await;
    assert_eq!(watcher.caught_up().await, []);
    let held = server.database.db_hold_events(&first, moment).await;
    let early = {
        let (service, request) = (service.clone(), block(&first, true));
        tokio::spawn(async move { service.update_user(request).await })
    };
    server.database.db_until_waiting(1).await;

    service.update_user(block(&second, true)).await.unwrap();

    // The second change is committed, and the first is not.
    let listed = service.list_events(list_after(&position)).await.unwrap();
    assert_eq!((listed.events, listed.position, listed.has_more), (vec![], position, false));
    held.db_release().await;
    early.await.unwrap().unwrap();
    let told: Vec<String> = watcher.events(2).await.iter().map(line).collect();
    assert_eq!(told, [format!("blocked=true {first} 1>2"), format!("blocked=true {second} 1>2")]);
}

/// R17: a change that commits late is not skipped.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_commits_late_is_not_skipped() {
    told_in_the_order_of_ids(Moment::AfterInsert).await;
}

/// R19: an event that its transaction inserts late is not skipped.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_inserted_late_is_not_skipped() {
    told_in_the_order_of_ids(Moment::BeforeInsert).await;
}

/// Whether the update came before the link. Each call goes to another server, so that all calls
/// wait in the database.
async fn linked_while_updated(servers: &[TestServer; 3], name: &str, holds_primary: bool) -> bool {
    let [server, linker, updater] = servers;
    let service = server.service();
    let primary = service.create("google-oauth2", name).await.id;
    let secondary = service.create("github", name).await.id;
    let (held, other) = if holds_primary { (&primary, &secondary) } else { (&secondary, &primary) };
    let wait = server.database.db_hold_events(held, Moment::AfterInsert).await;
    let call = |server: &TestServer, request: pb::UpdateUserRequest| {
        let service = server.service();
        tokio::spawn(async move { service.update_user(request).await })
    };
    let busy = {
        let change = pb::UserUpdate {
            user_metadata: object(serde_json::json!({"a": 1})),
            ..Default::default()
        };
        call(server, update(held, &["user_metadata"], change))
    };
    server.database.db_until_waiting(1).await;
    let linking = {
        let (service, request) = (linker.service(), link_user(&primary, &secondary));
        tokio::spawn(async move { service.link(request).await })
    };
    server.database.db_until_waiting(2).await;
    let change =
        pb::UserUpdate { user_metadata: object(serde_json::json!({"b": 2})), ..Default::default() };
    let updating = call(updater, update(other, &["user_metadata"], change));
    // The update waits if the link already has its lock, and succeeds if not.
    let settled =
        async { while !updating.is_finished() && server.database.db_waiting().await < 3 {} };
    timeout(Duration::from_secs(30), settled).await.expect("the update should wait or return");
    let is_through = updating.is_finished();

    wait.db_release().await;
    busy.await.unwrap().unwrap();
    linking.await.unwrap().unwrap();
    // The secondary user may be absorbed by now.
    let updated = updating.await.unwrap();
    assert!(updated.is_ok() || !is_through);
    is_through
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_waits_while_a_user_is_updated_comes_after_the_update() {
    let first = TestServer::start_feed().await;
    let servers = [first.another().await, first.another().await, first];
    let [.., server] = &servers;
    let mut through = 0;
    // The order of their locks is random.
    for name in 0.. {
        for holds_primary in [true, false] {
            let name = format!("{name} {holds_primary}");
            through += usize::from(linked_while_updated(&servers, &name, holds_primary).await);
        }
        if through > 0 {
            break;
        }
    }

    let kept: usize =
        server.database.db_texts("SELECT count(*)::text FROM events").await[0].parse().unwrap();
    let mut folded = Folded::default();
    for event in events(&server.service(), kept).await {
        folded.take_in_order(&event);
    }
    folded.db_assert_is_all(&server.database).await;
}

/// A stream of the feed's health, after its first message.
async fn watch_health(channel: tonic::transport::Channel) -> Streaming<HealthCheckResponse> {
    let request = HealthCheckRequest { service: "identitylink.v1.EventService".to_owned() };
    let mut stream = HealthClient::new(channel).watch(request).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_elsewhere_delays_the_feed_with_a_warning_and_skips_nothing() {
    let database = feed_cluster().db_migrated().await;
    let elsewhere = feed_cluster().db_empty().await;
    let (mut child, address) =
        Running::serve(&database, |toml| toml.replace("[feed]\n", "[feed]\nheartbeat = \"1s\"\n"));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel.clone(), Some(Token::of("services", "backend").sign()));
    let id = service.create("google-oauth2", "g").await.id;
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    watcher.events(1).await;
    let mut health = watch_health(channel).await;

    let held = elsewhere.db_hold_transaction().await;
    service.update_user(block(&id, true)).await.unwrap();
    service.update_user(block(&id, false)).await.unwrap();
    // Makes the changes look an hour old.
    let long_ago = "UPDATE events SET event_time = event_time - interval '1 hour' WHERE detail->>'kind' = 'user_blocked'";
    database.db_execute(long_ago).await;

    let hour = 3_600_000;
    loop {
        let message = watcher.next().await.unwrap();
        assert_eq!(message.events, [], "the feed should wait");
        if message.delay_millis >= hour {
            break;
        }
    }
    child.stderr_until(|line| {
        line.contains("the feed waits for a transaction") && line.contains("WARN")
    });
    assert_eq!(health.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);

    held.db_release().await;
    let told: Vec<String> = watcher.events(2).await.iter().map(line).collect();
    assert_eq!(told, [format!("blocked=true {id} 1>2"), format!("blocked=false {id} 2>3")]);
    assert_eq!(health.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    while watcher.next().await.unwrap().delay_millis > 0 {}
}

/// Readers of `ListEvents` wait for the same transaction as watchers.
#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_show_the_delay_also_without_a_watcher() {
    let database = feed_cluster().db_migrated().await;
    let elsewhere = feed_cluster().db_empty().await;
    let (mut child, management, address) = serving(&database, |toml| toml);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let delay = async || {
        let (_, text) = scraped(management, "*/*").await;
        series(&text)["identity_link_feed_delay_seconds"]
    };
    assert_eq!(delay().await, 0.0);

    let held = elsewhere.db_hold_transaction().await;
    service.create("google-oauth2", "g").await;
    let long_ago = "UPDATE events SET event_time = event_time - interval '1 hour'";
    database.db_execute(long_ago).await;

    timeout(PATIENCE, async { while delay().await < 3600.0 {} }).await.unwrap();
    child.stderr_until(|line| line.contains("the feed waits for a transaction"));
    held.db_release().await;
    timeout(PATIENCE, async { while delay().await > 0.0 {} }).await.unwrap();
}

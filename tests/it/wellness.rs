//! The health service reports a database that is gone, and nothing else.

use std::time::Duration;

use futures_util::{FutureExt as _, future::join_all};
use tokio::time::timeout;
use tonic::Streaming;
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::support::{cluster::Database, own_postgres::OwnPostgres, *};

/// The server as a whole, and the services that it serves.
const SERVICES: [&str; 4] = [
    "",
    "identitylink.v1.IdentityService",
    "identitylink.v1.SignInService",
    "identitylink.v1.EventService",
];
/// The time within which a stream must report a change.
const SOON: Duration = Duration::from_secs(5);

fn request(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

/// A stream of each service's health.
async fn watch_all(server: &TestServer) -> Vec<Streaming<HealthCheckResponse>> {
    let client = HealthClient::new(server.channel());
    let watch = |service| {
        let mut client = client.clone();
        async move { client.watch(request(service)).await.unwrap().into_inner() }
    };
    join_all(SERVICES.map(watch)).await
}

/// Waits until each stream reports this status, and checks that `Check` returns it too.
async fn expect_soon(
    server: &TestServer,
    streams: &mut [Streaming<HealthCheckResponse>],
    expected: ServingStatus,
) {
    let all = join_all(streams.iter_mut().map(Streaming::message));
    for told in timeout(SOON, all).await.expect("the status should be reported in time") {
        assert_eq!(told.unwrap().unwrap().status(), expected);
    }
    for service in SERVICES {
        let answer = HealthClient::new(server.channel()).check(request(service)).await.unwrap();
        assert_eq!(answer.into_inner().status(), expected, "{service}");
    }
}

/// A86, F04: a balancer sends no calls to a server whose database is gone, and sends calls again
/// after it is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_reported_and_so_is_its_return() {
    let mut postgres = OwnPostgres::start("wellness");
    let database = postgres.db_migrated("wellness").await;
    let server = TestServer::start_on(database).await;
    let mut streams = watch_all(&server).await;
    expect_soon(&server, &mut streams, ServingStatus::Serving).await;

    postgres.stop();
    expect_soon(&server, &mut streams, ServingStatus::NotServing).await;

    postgres.start_again();
    expect_soon(&server, &mut streams, ServingStatus::Serving).await;
    server.service().create("google-oauth2", "g1").await;
}

/// When the server last checked that the database is there. A connection that was just opened has
/// not asked yet.
async fn db_asked(database: &Database) -> Vec<String> {
    let asked = "SELECT query_start::text FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'identity-link health' AND state = 'idle' \
          AND query_start IS NOT NULL";
    database.db_texts(asked).await
}

/// Returns after the server has checked the database twice more, and each check has ended.
async fn db_until_asked_again(database: &Database) {
    for _ in 0..2 {
        let before = db_asked(database).await;
        let again = async {
            let mut now = before.clone();
            while now == before || now.is_empty() {
                now = db_asked(database).await;
            }
        };
        timeout(Duration::from_secs(30), again)
            .await
            .expect("the server should check the database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_database_is_not_gone() {
    let database = cluster::cluster().db_migrated().await;
    let one = |toml: String| toml.replace("max_connections = 8", "max_connections = 1");
    let server = TestServer::start_with(database, one).await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let mut streams = watch_all(&server).await;
    expect_soon(&server, &mut streams, ServingStatus::Serving).await;
    let held = server.database.db_hold(&user.id).await;
    let writing = tokio::spawn(async move { service.update_user(block(&user.id, true)).await });
    server.database.db_until_waiting(1).await;

    db_until_asked_again(&server.database).await;
    // The end of one connection says nothing about the others either.
    let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'identity-link health'";
    assert_eq!(server.database.db_texts(end).await, ["true"]);
    db_until_asked_again(&server.database).await;

    for stream in &mut streams {
        assert!(stream.message().now_or_never().is_none(), "no change should be reported");
    }
    held.db_release().await;
    writing.await.unwrap().unwrap();
}

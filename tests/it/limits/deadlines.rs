//! How long a call may take.

use identity_link::grpc::proto::{CreateUserRequest, GetUserRequest, NewIdentity};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::patient_server;
use crate::support::{child::Running, cluster::cluster, tokens::Token, *};

const DEADLINE: &str = "DeadlineExceeded DEADLINE";
const GET_USER: &str = "/identitylink.v1.IdentityService/GetUser";

/// F08: a database that does not respond in time.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_deadline_passes_is_cancelled_and_the_next_is_served() {
    let server = patient_server().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let held = server.database.db_hold_table("tombstones").await;
    let mut person = timed_client(server.address, &server.proof("google-oauth2", "g1"), "3S");
    let reading = tokio::spawn(async move { person.get_user(GetUserRequest::default()).await });
    server.database.db_until_waiting(1).await;

    assert_eq!(refusal(reading.await.unwrap()), DEADLINE);

    server.database.db_until_idle().await;
    // The table is still locked. A service's read of a user by its id does not need it.
    assert_eq!(service.user(&user.id).await, user);
    held.db_release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_deadline_passes_is_carried_out_completely() {
    let server = patient_server().await;
    let user = server.service().create("google-oauth2", "g1").await;
    let held = server.database.db_hold(&user.id).await;
    let mut service = timed_client(server.address, &Token::of("services", "backend").sign(), "3S");
    let request = block(&user.id, true);
    let blocking = tokio::spawn(async move { service.update_user(request).await });
    server.database.db_until_waiting(1).await;

    assert_eq!(refusal(blocking.await.unwrap()), DEADLINE);

    assert_eq!(
        server.database.db_texts("SELECT version::text FROM users WHERE NOT blocked").await,
        ["1"]
    );
    held.db_release().await;
    // The server has one connection, so this read runs after the write.
    let blocked = server.service().user(&user.id).await;
    assert!(blocked.blocked);
    assert_eq!(blocked.version, 2);
}

#[tokio::test]
async fn a_call_that_is_given_no_time_is_not_begun() {
    let server = TestServer::start().await;
    for timeout in ["0n", "0S", "00000000H"] {
        let mut service =
            timed_client(server.address, &Token::of("services", "backend").sign(), timeout);
        let identity =
            NewIdentity { identity_ref: identity_ref("github", "h1"), ..Default::default() };
        let request = CreateUserRequest { identity: Some(identity), ..Default::default() };
        assert_eq!(refusal(service.create_user(request).await), DEADLINE, "{timeout}");
    }
    assert_eq!(server.database.db_everything().await, [""; 0]);
}

/// G08: a body of a byte a second.
#[tokio::test]
async fn an_unfinished_message_is_waited_for_at_most_as_long_as_a_call_may_take() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        format!("max_call_time = \"50ms\"\n{toml}")
    })
    .await;
    let bearer = format!("Bearer {}", Token::of("services", "backend").sign());
    // A malformed timeout changes nothing, nor does one that is longer than the server's.
    for told in [
        None,
        Some("99999999H"),
        Some("1"),
        Some("S"),
        Some("-1S"),
        Some("123456789n"),
        Some("0x1S"),
    ] {
        let metadata: Vec<_> = [("authorization", bearer.as_str())]
            .into_iter()
            .chain(told.map(|t| ("grpc-timeout", t)))
            .collect();
        assert_eq!(refusal(server.raw_unfinished(GET_USER, &metadata).await), DEADLINE, "{told:?}");
    }
}

#[tokio::test]
async fn a_stream_that_has_begun_is_not_cut() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        format!("max_call_time = \"50ms\"\n{toml}")
    })
    .await;
    let mut health = HealthClient::new(server.channel());
    let mut watching = health.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(watching.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let bearer = format!("Bearer {}", Token::of("services", "backend").sign());
    // This call begins after the watch, and ends because it takes too long.
    assert_eq!(
        refusal(server.raw_unfinished(GET_USER, &[("authorization", &bearer)]).await),
        DEADLINE
    );

    server.shutdown.cancel();

    assert_eq!(watching.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_deadline_passes_is_logged_as_such() {
    let database = cluster().db_migrated().await;
    let (mut child, address) = Running::serve(&database, |toml| toml);
    let mut service = timed_client(address, &Token::of("services", "backend").sign(), "0m");

    assert_eq!(refusal(service.get_user(GetUserRequest::default()).await), DEADLINE);

    let line = child.stderr_until(|line| line.contains("GetUser"));
    assert!(line.contains(r#""code":"DeadlineExceeded","reason":"DEADLINE""#), "{line}");
}

//! How the server stops, and writes whose client is gone.

use std::{net::SocketAddr, time::Duration};

use identity_link::grpc::proto::User;
use rustix::process::Signal;
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tonic::{
    Streaming,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    health_client::HealthClient,
};

use crate::support::{
    child::Running,
    cluster::{Database, cluster},
    standstill::Held,
    tokens::Token,
    *,
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn channel(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

/// A stream of the server's health, after its first message.
async fn watch(channel: Channel) -> Streaming<HealthCheckResponse> {
    let mut stream =
        HealthClient::new(channel).watch(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    stream
}

/// Releases the held row, first to the writer that waits for it and then to this function. Returns
/// after the writer has committed.
async fn db_release(database: &Database, user: &User, held: Held) {
    let behind: JoinHandle<()> = {
        let (database, user) = (database.clone(), user.id.clone());
        tokio::spawn(async move { drop(database.db_hold(&user).await) })
    };
    database.db_until_waiting(2).await;
    held.db_release().await;
    behind.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_runs_to_its_end_when_its_client_goes_away() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g").await;
    let sms = service.create("sms", "s").await;
    let held = server.database.db_hold(&sms.id).await;
    let person = server.person("google-oauth2", "g");
    let linking =
        tokio::spawn(async move { person.link(link_with(&Token::of("sms", "s").sign())).await });
    server.database.db_until_waiting(1).await;

    linking.abort();
    assert!(linking.await.unwrap_err().is_cancelled());
    // This call uses the same connection, so after its response the server knows that the other
    // call was cancelled.
    assert_eq!(service.user(&sms.id).await.id, sms.id);
    db_release(&server.database, &sms, held).await;

    assert_eq!(identities(&service.user(&sms.id).await), ["google-oauth2|g", "sms|s"]);
    assert_eq!(service.user(&sms.id).await.id, google.id);
}

/// F29: a stop ends.
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_server_even_while_a_client_watches_its_health() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let mut stream = watch(channel(address)).await;

    child.signal(Signal::TERM);

    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stderr.lines().last().unwrap().contains(r#""message":"stopped""#),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("grace"), "the stop should wait for no client: {}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_client_goes_away_is_logged_as_such() {
    let database = cluster().db_migrated().await;
    let (mut child, address) = Running::serve(&database, |toml| toml);
    let service = Caller::new(channel(address), Some(Token::of("services", "backend").sign()));
    let google = service.create("google-oauth2", "g").await;
    let held = database.db_hold(&google.id).await;
    let id = google.id.clone();
    let blocking = tokio::spawn(async move { service.update_user(block(&id, true)).await });
    database.db_until_waiting(1).await;

    blocking.abort();

    let line = child.stderr_until(|line| line.contains("UpdateUser"));
    assert!(
        line.contains(r#""caller":"service""#) && line.contains(r#""code":"Cancelled""#),
        "{line}"
    );
    db_release(&database, &google, held).await;
}

/// G22: a graceful stop.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_at_sigterm_is_answered() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let service = Caller::new(channel(address), Some(Token::of("services", "backend").sign()));
    let google = service.create("google-oauth2", "g").await;
    let sms = service.create("sms", "s").await;
    let held = database.db_hold(&sms.id).await;
    let linking = {
        let (service, request) = (service.clone(), link_user(&google.id, &sms.id));
        tokio::spawn(async move { service.link(request).await })
    };
    database.db_until_waiting(1).await;
    let mut stream = watch(channel(address)).await;

    child.signal(Signal::TERM);
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(stream);
    // Health says it first.
    let closed = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(PATIENCE, closed).await.expect("no new connection should be accepted");
    db_release(&database, &sms, held).await;

    let linked = linking.await.unwrap().unwrap().user.unwrap();
    assert_eq!(identities(&linked), ["google-oauth2|g", "sms|s"]);
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
}

/// F29: a stop loses no write that had begun.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_client_has_gone_is_waited_for_at_sigterm() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let service = Caller::new(channel(address), Some(Token::of("services", "backend").sign()));
    let google = service.create("google-oauth2", "g").await;
    let sms = service.create("sms", "s").await;
    let held = database.db_hold(&sms.id).await;
    let linking = {
        let (service, request) = (service.clone(), link_user(&google.id, &sms.id));
        tokio::spawn(async move { service.link(request).await })
    };
    database.db_until_waiting(1).await;
    linking.abort();
    assert!(linking.await.unwrap_err().is_cancelled());
    let mut stream = watch(channel(address)).await;

    child.signal(Signal::TERM);
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(stream);
    db_release(&database, &sms, held).await;

    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let absorbed =
        database.db_texts("SELECT absorbed_into FROM users WHERE absorbed_into IS NOT NULL").await;
    assert_eq!(absorbed, [google.id]);
}

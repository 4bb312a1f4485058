//! Reads that nobody waits for any more.

use identity_link::grpc::proto::GetUserRequest;

use crate::support::{cluster::cluster, *};

/// A server with one connection, whose statements wait for locks longer than any test does.
async fn patient_server() -> TestServer {
    let database = cluster().db_migrated().await;
    let patient = format!("{0}?options=-c%20lock_timeout%3D10min%20-c%20statement_timeout%3D10min", database.url);
    let url = database.url.clone();
    TestServer::start_with(database, |toml| {
        toml.replace("max_connections = 8", "max_connections = 1").replace(&url, &patient)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_client_goes_away_is_cancelled_and_the_next_is_served() {
    let server = patient_server().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let held = server.database.db_hold_table("links").await;
    let (person, request) = (server.person("google-oauth2", "g1"), GetUserRequest::default());
    let reading = tokio::spawn(async move { person.get_user(request).await });
    server.database.db_until_waiting(1).await;

    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());

    server.database.db_until_idle().await;
    // Still held: a service that reads a user by its id does not come there.
    assert_eq!(service.user(&user.id).await, user);
    held.db_release().await;
}

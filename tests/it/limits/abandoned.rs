//! Reads that nobody waits for any more.

use identity_link::grpc::proto::GetUserRequest;

use super::patient_server;

#[tokio::test(flavor = "multi_thread")]
async fn a_read_whose_client_goes_away_is_cancelled_and_the_next_is_served() {
    let server = patient_server().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let held = server.database.db_hold_table("links").await;
    let person = server.person("google-oauth2", "g1");
    let reading = tokio::spawn(async move { person.get_user(GetUserRequest::default()).await });
    server.database.db_until_waiting(1).await;

    reading.abort();
    assert!(reading.await.unwrap_err().is_cancelled());

    server.database.db_until_idle().await;
    // Still held: a service that reads a user by its id does not come there.
    assert_eq!(service.user(&user.id).await, user);
    held.db_release().await;
}

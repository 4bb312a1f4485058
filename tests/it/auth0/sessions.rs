//! Tokens after an unlink: those of the person that asked for it, on this device and on another
//! one, and those of the account that left.

use serde_json::json;

use crate::support::{TestServer, auth0::Asker, tokens::Token};

const JOHN: &str = "/api/v2/users/google-oauth2%7Cjohn";
const UNLINK: &str = "/api/v2/users/google-oauth2%7Cjohn/identities/sms/7";

/// A server with a user of two accounts, whose links are old, and a token of a sign-in of a minute
/// ago with each of these.
async fn server_with<const N: usize>(
    accounts: [(&'static str, &str); N],
) -> (TestServer, [Asker; N]) {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for (connection, user_id) in [("google-oauth2", "john"), ("sms", "7")] {
        backend
            .post("/api/v2/users", &json!({"connection": connection, "user_id": user_id}))
            .await
            .ok();
    }
    let sms = json!({"provider": "sms", "user_id": "7"});
    backend.post(&format!("{JOHN}/identities"), &sms).await.ok();
    server.database.db_linked_long_ago().await;
    let tokens =
        accounts.map(|(issuer, subject)| server.asker(&Token::of(issuer, subject).issued_ago(60)));
    (server, tokens)
}

async fn reads(asker: &Asker) -> u16 {
    asker.get(JOHN).await.status.as_u16()
}

#[tokio::test]
async fn after_a_person_s_own_unlink_the_token_that_asked_goes_on_alone() {
    let (server, [laptop, phone, by_sms]) =
        server_with([("google-oauth2", "john"), ("google-oauth2", "john"), ("sms", "7")]).await;
    for asker in [&laptop, &phone, &by_sms] {
        assert_eq!(reads(asker).await, 200);
    }

    assert_eq!(laptop.delete(UNLINK).await.status, 200);

    assert_eq!((reads(&laptop).await, reads(&phone).await, reads(&by_sms).await), (200, 401, 401));
    assert_eq!(phone.get(JOHN).await.refused(), "401 - Invalid token.");
    let again = server.asker(&Token::of("google-oauth2", "john").issued_ago(-2));
    assert_eq!(reads(&again).await, 200, "a new sign-in is good");
}

#[tokio::test]
async fn after_a_service_s_unlink_no_token_of_before_goes_on() {
    let (server, [laptop, by_sms]) = server_with([("google-oauth2", "john"), ("sms", "7")]).await;
    let backend = server.backend();

    assert_eq!(backend.delete(UNLINK).await.status, 200);

    assert_eq!((reads(&laptop).await, reads(&by_sms).await), (401, 401));
    assert_eq!(reads(&backend).await, 200);
    for (issuer, subject, path) in
        [("google-oauth2", "john", JOHN), ("sms", "7", "/api/v2/users/sms%7C7")]
    {
        let again = server.asker(&Token::of(issuer, subject).issued_ago(-2));
        assert_eq!(again.get(path).await.status, 200, "{issuer}");
    }
}

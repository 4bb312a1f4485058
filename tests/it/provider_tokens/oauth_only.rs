//! Tokens of providers that speak OAuth 2.0 alone and revoke them by RFC 7009.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::*;
use crate::{
    flows::{
        oauth_only::{client_at, discord_person, x_person},
        sign_in,
    },
    support::{
        fake_codes::{CLIENT_ID, CLIENT_SECRET},
        fake_oauth::{ACCESS_TOKEN, FakeOAuth},
        web_server::Answer,
    },
};

/// P56: a deletion revokes the token there, as the client.
async fn revoked_at(preset: &str, person: (&str, Value), revocation: &str) {
    let fake = FakeOAuth::start(&[person]).await;
    let database = cluster().db_migrated().await;
    let keys = first_key(&keys(&database));
    let toml = kept_of("fake", &client_at(&fake, preset), "", &keys);
    let server = TestServer::start_with(database, |own| own + &toml).await;
    fake.web.answer(revocation, Answer::ok("{}"));
    let done = sign_in(&server, "fake").await.unwrap();
    let Some(Came::Decision(decision)) = done.result else { panic!("not a sign-in: {done:?}") };
    assert_eq!(fake.web.asked_for(revocation).len(), 0);

    server.service().delete(&decision.user.unwrap().id).await;

    fake.web.until_asked_for(revocation, 1).await;
    let asked = fake.web.asked_for(revocation).remove(0);
    let credentials = BASE64.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}").as_bytes());
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.headers["authorization"], format!("Basic {credentials}"));
    assert_eq!(asked.form["token"], ACCESS_TOKEN);
    let waiting = "SELECT id::text FROM provider_token_revocations";
    server.database.db_until_none(waiting).await;
}

#[tokio::test]
async fn discord_revokes_below_its_token_endpoint() {
    let person = ("/users/@me", discord_person(&json!(true)));
    revoked_at("discord", person, "/token/revoke").await;
}

#[tokio::test]
async fn x_revokes_beside_its_token_endpoint() {
    revoked_at("x", ("/users/me", x_person(&json!({}))), "/revoke").await;
}

//! The `OpenID` Foundation's tests of refreshes by clients, under the names of its conformance
//! suite. A false ID token in the response to a refresh hands no token out, since the tokens may be
//! another person's (OpenID Connect Core §12.2).

use serde_json::{Value, json};

use super::*;
use crate::support::fake_codes::CLIENT_ID;

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// An ID token of a refresh at the fake for Alice: without a nonce, as most providers send it.
fn refreshed(fake: &FakeOidc) -> Token {
    let mut token =
        Token::of("okta", "alice").with("iss", fake.issuer.as_str()).with("aud", CLIENT_ID);
    token.header.typ = None;
    token
}

/// The provider lies in the ID token of a refresh, and then does not.
async fn refuses(lie: impl Fn(Token) -> Token) {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(20);
    fake.rotates_no_tokens();
    let user = signed_in(&service).await;
    fake.refreshes_with(json!({"id_token": lie(refreshed(&fake)).sign()}));

    assert_eq!(refusal(token(&service, &user).await), REJECTED);
    assert_eq!(fake.refreshes(), 1);

    fake.refreshes_with(json!({"id_token": refreshed(&fake).sign()}));
    assert!(token(&service, &user).await.unwrap().starts_with("access-"));
}

#[tokio::test]
async fn oidcc_client_test_refresh_token() {
    let (fake, server) = fake_and_server().await;
    fake.tokens_live(20);
    let user = signed_in(&server.service()).await;
    fake.refreshes_with(json!({"id_token": refreshed(&fake).sign()}));
    assert!(token(&server.service(), &user).await.unwrap().starts_with("access-"));
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_issuer() {
    refuses(|token| token.with("iss", iss("okta"))).await;
}

/// P58: the tokens of another account at the provider are not this user's.
#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_sub() {
    refuses(|token| token.with("sub", "mallory")).await;
    refuses(|token| token.with("sub", Value::Null)).await;
}

#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_aud() {
    refuses(|token| token.with("aud", "another")).await;
    refuses(|token| token.with("aud", json!([CLIENT_ID, "another"]))).await;
}

#[tokio::test]
async fn oidcc_client_test_refresh_token_invalid_azp() {
    refuses(|token| token.with("azp", "another")).await;
}

#[tokio::test]
async fn the_id_token_of_a_refresh_is_signed_by_the_provider() {
    refuses(|token| {
        let mut forged = Token { signer: "apple", ..token };
        forged.header.alg = jsonwebtoken::Algorithm::ES256;
        forged
    })
    .await;
}

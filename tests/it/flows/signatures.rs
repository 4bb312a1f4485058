//! ID tokens by their signatures, and keys that change.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pb::sign_in_decision::Outcome;

use super::*;
use crate::support::{
    tokens::{Token, jwk},
    web_server::Answer,
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// J01, J02: a token that nobody signed, or with what the client and the provider share, or with what everybody knows.
#[tokio::test]
async fn an_id_token_is_signed_by_a_key_that_only_the_provider_has() {
    let (fake, server) = fake_and_server().await;
    for alg in ["none", "None", "NONE", ""] {
        fake.lie(move |token| {
            let texts = [json!({"alg": alg, "typ": "JWT"}), token.claims].map(|json| json.to_string());
            texts.map(|text| BASE64URL_NOPAD.encode(text.as_bytes())).join(".") + "."
        });
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    let public = jwk("okta")["n"].as_str().unwrap().to_owned();
    for secret in [CLIENT_SECRET.to_owned(), CLIENT_ID.to_owned(), public, String::new()] {
        fake.lie(move |token| {
            let header = Header { kid: token.header.kid, ..Header::new(Algorithm::HS256) };
            jsonwebtoken::encode(&header, &token.claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
        });
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
}

/// The provider signs with a new key from now on.
#[tokio::test]
async fn a_provider_that_changes_its_keys_goes_on_signing_people_in() {
    let (fake, server) = fake_and_server().await;
    decision(sign_in(&server, "fake").await);

    let mut new = jwk("apple");
    new["kid"] = json!("2");
    fake.web.answer("/jwks", Answer::ok(&json!({"keys": [new]}).to_string()));
    fake.lie(|mut token| {
        token.header.alg = Algorithm::ES256;
        token.header.kid = Some("2".to_owned());
        Token { signer: "apple", ..token }.sign()
    });

    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::SignedIn);
}

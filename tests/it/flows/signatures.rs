//! Signatures of ID tokens, and keys that change.

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pb::sign_in_decision::Outcome;

use super::*;
use crate::support::{
    tokens::{Token, jwk},
    web_server::Answer,
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// J01, J02: a token without a signature, with the client's secret as the key, or with a public
/// value as the key.
#[tokio::test]
async fn an_id_token_must_be_signed_by_the_providers_private_key() {
    let (fake, server) = fake_and_server().await;
    for alg in ["none", "None", "NONE", ""] {
        fake.lie(move |token| {
            let texts =
                [json!({"alg": alg, "typ": "JWT"}), token.claims].map(|json| json.to_string());
            texts.map(|text| BASE64URL_NOPAD.encode(text.as_bytes())).join(".") + "."
        });
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    let public = jwk("okta")["n"].as_str().unwrap().to_owned();
    for secret in [CLIENT_SECRET.to_owned(), CLIENT_ID.to_owned(), public, String::new()] {
        fake.lie(move |token| {
            let header = Header { kid: token.header.kid, ..Header::new(Algorithm::HS256) };
            jsonwebtoken::encode(
                &header,
                &token.claims,
                &EncodingKey::from_secret(secret.as_bytes()),
            )
            .unwrap()
        });
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
}

/// The provider signs with a new key after the first sign-in.
#[tokio::test]
async fn sign_ins_go_on_after_a_provider_changes_its_keys() {
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

//! ID tokens that a provider signs with the client's secret (HS256), as LINE does for web logins.

use identity_link::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;
use crate::support::{
    fake_codes::ReadsBasic,
    tokens::{Token, iss, jwk},
    web_server::Answer,
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";
/// A secret that is long enough.
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A provider that signs with the secret, and a server whose operator says so.
async fn fake_and_server_by_secret() -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(alice()).await;
    fake.client(SECRET, ReadsBasic::Decoded);
    fake.lie(|token| signed(&token, SECRET.as_bytes()));
    // LINE has keys and metadata for its other clients.
    fake.metadata_with(&json!({"id_token_signing_alg_values_supported": ["ES256"]}));
    let further = format!("issuer = \"{}\"\nalgorithms = [\"HS256\"]", fake.issuer);
    let server =
        server_with(&client("fake", "oidc", &further).replace(CLIENT_SECRET, SECRET)).await;
    (fake, server)
}

/// A token, signed by HS256 with this secret, without a key id.
fn signed(token: &Token, secret: &[u8]) -> String {
    let header = Header { typ: token.header.typ.clone(), ..Header::new(Algorithm::HS256) };
    jsonwebtoken::encode(&header, &token.claims, &EncodingKey::from_secret(secret)).unwrap()
}

/// J02: where the secret counts, no other key does: neither the published ones, nor the public key as
/// a secret, nor another secret.
#[tokio::test]
async fn only_the_secret_signs_where_the_operator_says_so() {
    let (fake, server) = fake_and_server_by_secret().await;
    let public = jwk("okta").to_string();
    let number = jwk("okta")["n"].as_str().unwrap().to_owned();
    for secret in [CLIENT_ID.to_owned(), SECRET.to_uppercase(), public, number, String::new()] {
        fake.lie(move |token| signed(&token, secret.as_bytes()));
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    fake.lie(|token| token.sign());
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        fake.lie(move |token| {
            let key = EncodingKey::from_secret(SECRET.as_bytes());
            jsonwebtoken::encode(&Header::new(algorithm), &token.claims, &key).unwrap()
        });
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    // All other rules hold: the nonce, the audience, the times.
    type Change = fn(Token) -> Token;
    let changes: [Change; 4] = [
        |token| token.with("nonce", "n-0S6_WzA2Mj"),
        |token| token.with("aud", "another"),
        |token| token.with("exp", clock::now().timestamp() - 60),
        |token| token.with("iss", "https://okta.example.com"),
    ];
    for change in changes {
        fake.lie(move |token| signed(&change(token), SECRET.as_bytes()));
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }

    fake.lie(|token| signed(&token, SECRET.as_bytes()));
    decision(sign_in(&server, "fake").await);
    assert_eq!(fake.web.asked_for("/jwks").len(), 0, "no published key counts");
}

/// J02: the secret of a client makes no caller's token and no proof, of any issuer; nor does a public
/// key as the secret.
#[tokio::test]
async fn a_token_that_is_signed_with_a_secret_is_refused_everywhere_else() {
    let (fake, server) = fake_and_server_by_secret().await;
    let person = server.person("github", "ann");
    server.service().create("github", "ann").await;
    let issuers = ["okta", "apple", "github", "services"].map(iss);
    for issuer in issuers.iter().chain([&fake.issuer]) {
        for secret in [SECRET.to_owned(), CLIENT_SECRET.to_owned(), jwk("okta").to_string()] {
            for aud in [CLIENT_ID, tokens::AUDIENCE] {
                let mut token =
                    Token::of("okta", "alice").with("iss", issuer.as_str()).with("aud", aud);
                for typ in [Some("at+jwt"), Some("JWT"), None] {
                    token.header.typ = typ.map(str::to_owned);
                    let forged = signed(&token, secret.as_bytes());
                    let outcome = server
                        .raw_authorized(
                            "/identitylink.v1.IdentityService/GetUser",
                            &format!("Bearer {forged}"),
                        )
                        .await;
                    assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID");
                    let outcome = person.link(link_with(&forged)).await;
                    assert_eq!(refusal(outcome), "FailedPrecondition LINK_TOKEN_INVALID");
                    let begun = server.service().start_sign_in(to_link("fake", &forged)).await;
                    assert_eq!(refusal(begun), "Unauthenticated TOKEN_INVALID");
                }
            }
        }
    }
}

/// Userinfo that is signed with the secret counts like the ID token.
#[tokio::test]
async fn userinfo_may_be_signed_with_the_secret_too() {
    let (fake, server) = fake_and_server_by_secret().await;
    fake.person(json!({"sub": "alice", "name": "Alice"}));
    let mut userinfo = Token::of("okta", "alice")
        .with("iss", fake.issuer.as_str())
        .with("aud", CLIENT_ID)
        .with("email", "a@example.com");
    userinfo.header.typ = None;
    let head = "content-type: application/jwt\r\n";
    // Not by the published key.
    for (body, is_good) in [(userinfo.sign(), false), (signed(&userinfo, SECRET.as_bytes()), true)]
    {
        fake.web.answer("/userinfo", Answer::new("200 OK", head, &body));
        match is_good {
            false => refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await,
            true => {
                let user = decision(sign_in(&server, "fake").await).user.unwrap();
                assert_eq!(user.identities[0].email, "a@example.com");
            }
        }
    }
}

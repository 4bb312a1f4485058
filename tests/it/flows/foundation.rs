//! The `OpenID` Foundation's tests of clients, under the names of its conformance suite, as far as
//! they concern the code flow. Where a provider lies, no user is made; and the same provider signs
//! the person in as soon as it tells the truth, so that only the lie was refused. The page
//! `reference/tested-providers.md` has the list.

use std::sync::atomic::{AtomicBool, Ordering};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pb::sign_in_decision::Outcome;

use super::*;
use crate::support::{
    fake_codes::ReadsBasic,
    fake_oidc,
    tokens::{Token, jwk},
    web_server::{Answer, WebServer},
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// The provider lies in its ID token, and then does not.
async fn refuses(lie: impl Fn(Token) -> String + Send + Sync + 'static) {
    let (fake, server) = fake_and_server().await;
    fake.lie(lie);
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(|token| token.sign());
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Created);
}

/// A signed token whose signature is of other claims.
fn with_another_signature(token: &Token) -> String {
    let (good, other) = (token.sign(), token.clone().with("jti", "another").sign());
    let (signed, signature) = (good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    format!("{signed}.{signature}")
}

fn publish(fake: &FakeOidc, keys: &[Value]) {
    fake.web.answer("/jwks", Answer::ok(&json!({ "keys": keys }).to_string()));
}

fn jwk_as(issuer: &str, kid: &str) -> Value {
    let mut key = jwk(issuer);
    key["kid"] = json!(kid);
    key
}

/// The provider's new key signs this token.
fn by_the_new_key(mut token: Token) -> Token {
    token.header.alg = Algorithm::ES256;
    token.header.kid = Some("new".to_owned());
    Token { signer: "apple", ..token }
}

#[tokio::test]
async fn oidcc_client_test() {
    let (_fake, server) = fake_and_server().await;
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Created);
}

#[tokio::test]
async fn oidcc_client_test_invalid_iss() {
    refuses(|token| token.with("iss", "https://okta.example.com").sign()).await;
}

#[tokio::test]
async fn oidcc_client_test_missing_sub() {
    refuses(|token| token.with("sub", Value::Null).sign()).await;
}

#[tokio::test]
async fn oidcc_client_test_invalid_aud() {
    refuses(|token| token.with("aud", "another").sign()).await;
}

#[tokio::test]
async fn oidcc_client_test_missing_aud() {
    refuses(|token| token.with("aud", Value::Null).sign()).await;
}

#[tokio::test]
async fn oidcc_client_test_missing_iat() {
    refuses(|token| token.with("iat", Value::Null).sign()).await;
}

#[tokio::test]
async fn oidcc_client_test_nonce_invalid() {
    refuses(|token| token.with("nonce", "n-0S6_WzA2Mj").sign()).await;
}

#[tokio::test]
async fn oidcc_client_test_invalid_sig_rs256() {
    refuses(|token| with_another_signature(&token)).await;
}

/// The Foundation lets a client accept such tokens of a code flow; this service does not.
#[tokio::test]
async fn oidcc_client_test_idtoken_sig_none() {
    refuses(|token| {
        let texts = [json!({"alg": "none"}), token.claims].map(|json| json.to_string());
        let encoded = texts.map(|text| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes()));
        format!("{}.", encoded.join("."))
    })
    .await;
}

#[tokio::test]
async fn oidcc_client_test_idtoken_sig_rs256() {
    let (fake, server) = fake_and_server().await;
    fake.lie(|token| {
        assert_eq!(token.header.alg, Algorithm::RS256);
        token.sign()
    });
    decision(sign_in(&server, "fake").await);
}

#[tokio::test]
async fn oidcc_client_test_invalid_sig_es256() {
    let (fake, server) = fake_and_server().await;
    publish(&fake, &[jwk_as("apple", "new")]);
    fake.lie(|token| with_another_signature(&by_the_new_key(token)));
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(|token| by_the_new_key(token).sign());
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Created);
}

#[tokio::test]
async fn oidcc_client_test_invalid_sig_hs256() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let by_secret = |secret: &'static str| {
        move |token: Token| {
            let key = EncodingKey::from_secret(secret.as_bytes());
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &token.claims, &key).unwrap()
        }
    };
    let fake = FakeOidc::start(alice()).await;
    fake.client(SECRET, ReadsBasic::Decoded);
    fake.metadata_with(&json!({"id_token_signing_alg_values_supported": ["HS256"]}));
    let further = format!("issuer = \"{}\"\nalgorithms = [\"HS256\"]", fake.issuer);
    let toml = client("fake", "oidc", &further).replace(CLIENT_SECRET, SECRET);
    let server = server_with(&toml).await;
    fake.lie(by_secret("fedcba9876543210fedcba9876543210"));
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(by_secret(SECRET));
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Created);
}

#[tokio::test]
async fn oidcc_client_test_kid_absent_single_jwks() {
    let (fake, server) = fake_and_server().await;
    fake.lie(|mut token| {
        token.header.kid = None;
        token.sign()
    });
    decision(sign_in(&server, "fake").await);
}

/// The Foundation lets a client try all keys that fit; this service refuses to guess.
#[tokio::test]
async fn oidcc_client_test_kid_absent_multiple_jwks() {
    let fake = FakeOidc::start(alice()).await;
    publish(&fake, &[jwk_as("okta", "1"), jwk_as("okta", "2")]);
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    fake.lie(|mut token| {
        token.header.kid = None;
        token.sign()
    });
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(|token| token.sign());
    decision(sign_in(&server, "fake").await);
}

#[tokio::test]
async fn oidcc_client_test_ignores_unparseable_key_in_jwks() {
    let fake = FakeOidc::start(alice()).await;
    let later = json!({"kty": "AKP", "alg": "ML-DSA-9000", "kid": "later", "pub": "AAAA"});
    let made_up = json!({"kty": "made-up", "kid": "made-up", "x": 7});
    publish(&fake, &[later, made_up, jwk("okta")]);
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    decision(sign_in(&server, "fake").await);
}

#[tokio::test]
async fn oidcc_client_test_userinfo_invalid_sub() {
    // The ID token has no email, so the server requests userinfo.
    let fake = FakeOidc::start(json!({"sub": "alice"})).await;
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    let about = |sub: &str| json!({"sub": sub, "email": "v@example.com"}).to_string();
    fake.web.answer("/userinfo", Answer::ok(&about("mallory")));
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.web.answer("/userinfo", Answer::ok(&about("alice")));
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Created);
}

#[tokio::test]
async fn oidcc_client_test_userinfo_bearer_header() {
    let fake = FakeOidc::start(json!({"sub": "alice"})).await;
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    decision(sign_in(&server, "fake").await);
    let asked = fake.web.asked_for("/userinfo").remove(0);
    assert_eq!(asked.headers["authorization"], "Bearer access-token-of-the-fake");
    assert!(asked.query.is_empty() && asked.form.is_empty());
}

#[tokio::test]
async fn oidcc_client_test_scope_userinfo_claims() {
    let fake = FakeOidc::start(json!({"sub": "alice"})).await;
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    let about =
        json!({"sub": "alice", "email": "a@example.com", "email_verified": true, "name": "Alice"});
    fake.web.answer("/userinfo", Answer::ok(&about.to_string()));
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    assert_eq!(asked_for(&begun)["scope"], "email openid profile");
    let done = server.service().complete_sign_in(come_back(&begun).await).await;
    let identity = decision(done).user.unwrap().identities.remove(0);
    assert_eq!((identity.email.as_str(), identity.email_verified), ("a@example.com", true));
    assert_eq!(json(&identity.profile_data), json!({"name": "Alice"}));
}

#[tokio::test]
async fn oidcc_client_test_client_secret_basic() {
    let (fake, server) = fake_and_server().await;
    decision(sign_in(&server, "fake").await);
    let asked = fake.web.asked_for("/token").remove(0);
    assert!(asked.headers["authorization"].starts_with("Basic "));
    assert!(!asked.form.contains_key("client_secret"));
}

/// The claims of other parties in a response (OpenID Connect Core §5.6.2) are not the provider's
/// word on an email.
#[tokio::test]
async fn oidcc_client_test_aggregated_claims() {
    let (fake, server) = fake_and_server().await;
    let theirs =
        Token::of("github", "alice").with("email", "v@example.com").with("email_verified", true);
    fake.person(json!({
        "sub": "alice", "_claim_names": {"email": "src1", "email_verified": "src1"},
        "_claim_sources": {"src1": {"JWT": theirs.sign()}},
    }));
    let identity = decision(sign_in(&server, "fake").await).user.unwrap().identities.remove(0);
    assert_eq!((identity.email.as_str(), identity.email_verified), ("", false));
}

/// A47: nor does a response send this service to another server for claims.
#[tokio::test]
async fn oidcc_client_test_distributed_claims() {
    let (fake, server) = fake_and_server().await;
    let elsewhere = WebServer::start(|_| |_| Answer::ok("{}")).await;
    fake.person(json!({
        "sub": "alice", "_claim_names": {"email": "src1"},
        "_claim_sources": {"src1": {"endpoint": format!("http://{}", elsewhere.address), "access_token": "a"}},
    }));
    let identity = decision(sign_in(&server, "fake").await).user.unwrap().identities.remove(0);
    assert_eq!((identity.email.as_str(), elsewhere.asked()), ("", 0));
}

#[tokio::test]
async fn oidcc_client_test_form_post_error() {
    let fake = FakeOidc::start(alice()).await;
    let further = format!("issuer = \"{}\"\nresponse_mode = \"form_post\"", fake.issuer);
    let server = server_with(&client("fake", "oidc", &further)).await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    assert_eq!(asked_for(&begun)["response_mode"], "form_post");
    let error = pb::CompleteSignInRequest {
        code: String::new(),
        error: "access_denied".to_owned(),
        ..come_back(&begun).await
    };
    refused_to_everybody(&server, service.complete_sign_in(error).await, REJECTED).await;
    assert_eq!(fake.exchanges(), 0);
}

#[tokio::test]
async fn oidcc_client_test_discovery_openid_config() {
    let fake = FakeOidc::start(alice()).await;
    let elsewhere = format!("{}/another/authorize", fake.issuer);
    fake.metadata_with(&json!({ "authorization_endpoint": elsewhere }));
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    assert!(begun.authorization_url.starts_with(&format!("{elsewhere}?")));
}

#[tokio::test]
async fn oidcc_client_test_discovery_jwks_uri_keys() {
    let fake = FakeOidc::start(alice()).await;
    fake.metadata_with(&json!({"jwks_uri": format!("{}/another/jwks", fake.issuer)}));
    publish(&fake, &[jwk_as("apple", "1")]);
    let keys = json!({"keys": [jwk("okta")]}).to_string();
    fake.web.answer("/another/jwks", Answer::ok(&keys));
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    decision(sign_in(&server, "fake").await);
}

#[tokio::test]
async fn oidcc_client_test_discovery_issuer_mismatch() {
    let (fake, server) = fake_and_server().await;
    let metadata = fake_oidc::metadata("https://okta.example.com").to_string();
    fake.web.answer("/.well-known/openid-configuration", Answer::ok(&metadata));
    let outcome = server.service().start_sign_in(to_sign_in("fake")).await;
    refused_to_everybody(&server, outcome, "Unavailable PROVIDER_UNAVAILABLE").await;
    fake.web.answer_as_ever("/.well-known/openid-configuration");
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Created);
}

#[tokio::test]
async fn oidcc_client_test_signing_key_rotation() {
    let (fake, server) = fake_and_server().await;
    decision(sign_in(&server, "fake").await);
    publish(&fake, &[jwk_as("apple", "new")]);
    fake.lie(|token| by_the_new_key(token).sign());
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::SignedIn);
}

/// The key changes while the provider answers with the ID token.
#[tokio::test]
async fn oidcc_client_test_signing_key_rotation_just_before_signing() {
    let fake = std::sync::Arc::new(FakeOidc::start(alice()).await);
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    decision(sign_in(&server, "fake").await);
    let (rotated, provider) = (AtomicBool::new(false), std::sync::Arc::downgrade(&fake));
    fake.lie(move |token| {
        if !rotated.swap(true, Ordering::SeqCst) {
            publish(&provider.upgrade().unwrap(), &[jwk_as("apple", "new")]);
        }
        by_the_new_key(token).sign()
    });
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::SignedIn);
}

//! Providers with a preset, by the answers that their documents show. The fake provider takes the
//! place of the real one: its issuer is the only setting that differs.

use std::fs;

use identity_link::clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};

use super::*;
use crate::support::{
    child::temp_dir,
    fake_codes::ReadsBasic,
    tokens::{Token, jwk, pem, signing_key},
    web_server::Answer,
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// A provider whose account has these claims, and a server with a client there by this preset.
async fn fake_and_server_by(
    preset: &str,
    claims: Value,
    further: &str,
    change: impl FnOnce(&FakeOidc),
) -> (FakeOidc, TestServer) {
    let fake = FakeOidc::start(claims).await;
    change(&fake);
    let further = format!("issuer = \"{}\"\n{further}", fake.issuer);
    let toml = client("fake", "oidc", &further);
    let toml = toml.replace("kind = \"oidc\"", &format!("preset = \"{preset}\""));
    let server = server_with(&toml).await;
    (fake, server)
}

/// The identity of the account that signs in.
async fn identity(server: &TestServer) -> pb::Identity {
    decision(sign_in(server, "fake").await).user.unwrap().identities.remove(0)
}

/// A private relay address is an email like any other: Apple verifies it.
#[tokio::test]
async fn apple() {
    let folder = temp_dir("apple_key");
    fs::write(folder.join("apple.p8"), pem("PRIVATE KEY", signing_key("apple").as_bytes()))
        .unwrap();
    let claims = json!({
        "sub": "001234.abcdef0123456789abcdef0123456789.1234", "email": "x7k2@privaterelay.appleid.com",
        "email_verified": "true", "is_private_email": "true", "nonce_supported": true,
    });
    let key = format!(
        "client_secret_key_file = \"{}\"\nclient_secret_key_id = \"ABC123DEFG\"\nclient_secret_team_id = \"DEF123GHIJ\"",
        folder.join("apple.p8").display()
    );
    let fake = FakeOidc::start(claims).await;
    let issuer = fake.issuer.clone();
    // What Apple's documents demand of the secret.
    fake.client_whose_secret(move |secret| {
        let header = jsonwebtoken::decode_header(secret).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::ES256, Some("ABC123DEFG")));
        let public = serde_json::from_value(jwk("apple")).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[&issuer]);
        validation.set_issuer(&["DEF123GHIJ"]);
        let key = DecodingKey::from_jwk(&public).unwrap();
        let claims = jsonwebtoken::decode::<Value>(secret, &key, &validation).unwrap().claims;
        let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
        let now = clock::now().timestamp();
        claims["sub"] == CLIENT_ID && iat <= now && exp > now && exp - iat <= 15_777_000
    });
    let further = format!("issuer = \"{}\"\n{key}", fake.issuer);
    let toml = client("fake", "oidc", &further)
        .replace("kind = \"oidc\"", "preset = \"apple\"")
        .replace(&format!("client_secret = \"{CLIENT_SECRET}\"\n"), "");
    let server = server_with(&toml).await;

    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    let asked = asked_for(&begun);
    assert_eq!(
        (asked["response_mode"].as_str(), asked["scope"].as_str()),
        ("form_post", "email name openid")
    );
    let completed = server.service().complete_sign_in(come_back(&begun).await).await;
    let apple = decision(completed).user.unwrap().identities.remove(0);
    assert_eq!(
        (apple.email.as_str(), apple.email_verified),
        ("x7k2@privaterelay.appleid.com", true)
    );
    assert_eq!(fake.web.asked_for("/userinfo").len(), 0);
    // A07: the text "false" stays false.
    fake.person(json!({"sub": "002", "email": "b@example.com", "email_verified": "false"}));
    assert!(!identity(&server).await.email_verified);
}

/// A13: a user id of another workspace is another account.
#[tokio::test]
async fn slack() {
    let claims = |team: &str| {
        json!({
            "sub": "U0R7JM", "https://slack.com/user_id": "U0R7JM", "https://slack.com/team_id": team,
            "email": format!("krane@{team}.example.com"), "email_verified": true, "name": "krane",
        })
    };
    let (fake, server) = fake_and_server_by("slack", claims("T0R7GR"), "", |_| ()).await;
    let one = decision(sign_in(&server, "fake").await).user.unwrap();
    assert_eq!(identities(&one), ["fake|T0R7GR/U0R7JM"]);
    assert!(one.identities[0].email_verified);
    fake.person(claims("T0EVIL"));
    let other = decision(sign_in(&server, "fake").await).user.unwrap();
    assert_eq!(identities(&other), ["fake|T0EVIL/U0R7JM"]);
    assert_ne!(other.id, one.id);
}

/// The email comes only if the parameter `claims` requests it.
#[tokio::test]
async fn twitch() {
    let claims = json!({
        "sub": "713936733", "azp": CLIENT_ID, "preferred_username": "scottandrewlynch",
        "email": "scott@example.com", "email_verified": true,
    });
    let (fake, server) = fake_and_server_by("twitch", claims, "", |fake| {
        fake.metadata_with(&json!({
            "claims_parameter_supported": true, "scopes_supported": ["openid"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }));
    })
    .await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    let asked = asked_for(&begun);
    let requested: Value = serde_json::from_str(&asked["claims"]).unwrap();
    assert!(requested["id_token"].get("email_verified").is_some_and(Value::is_null));
    assert_eq!(asked["scope"], "openid user:read:email");
    let twitch = identity(&server).await;
    assert_eq!((twitch.email.as_str(), twitch.email_verified), ("scott@example.com", true));
    assert!(fake.web.asked_for("/token")[0].form.contains_key("client_secret"));
}

/// Web logins have ID tokens with HS256, without a key id; LINE asserts nothing about the email.
#[tokio::test]
async fn line() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let fake = FakeOidc::start(json!({
        "sub": "U1234567890abcdef1234567890abcdef", "amr": ["pwd"], "name": "Taro Line",
        "email": "taro.line@example.com", "auth_time": clock::now().timestamp(),
    }))
    .await;
    fake.client(SECRET, ReadsBasic::NotAtAll);
    fake.metadata_with(&json!({"id_token_signing_alg_values_supported": ["ES256"]}));
    fake.lie(|token| {
        let header = Header { typ: Some("JWT".to_owned()), ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&header, &token.claims, &key).unwrap()
    });
    fake.web.answer(
        "/userinfo",
        Answer::ok(r#"{"sub":"U1234567890abcdef1234567890abcdef","name":"Taro Line"}"#),
    );
    let further = format!("issuer = \"{}\"", fake.issuer);
    let toml = client("fake", "oidc", &further)
        .replace("kind = \"oidc\"", "preset = \"line\"")
        .replace(CLIENT_SECRET, SECRET);
    let server = server_with(&toml).await;
    // J02: the provider's published key is not the one that signs here.
    fake.lie(|token: Token| token.sign());
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(|token| {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &token.claims, &key).unwrap()
    });
    let line = identity(&server).await;
    assert_eq!((line.email.as_str(), line.email_verified), ("taro.line@example.com", false));
}

/// The ID token lacks the email here, and userinfo has `email_verified` as a text.
#[tokio::test]
async fn cognito() {
    let sub = "c1b2a3d4-5678-90ab-cdef-1234567890ab";
    let claims = json!({"sub": sub, "token_use": "id", "cognito:username": "mary"});
    let (fake, server) = fake_and_server_by("cognito", claims, "", |_| ()).await;
    let userinfo = json!({"sub": sub, "email_verified": "true", "email": "mary@example.com", "username": "mary"});
    fake.web.answer("/userinfo", Answer::ok(&userinfo.to_string()));
    let cognito = identity(&server).await;
    assert_eq!((cognito.email.as_str(), cognito.email_verified), ("mary@example.com", true));
}

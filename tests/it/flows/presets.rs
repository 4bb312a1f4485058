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

/// Providers that speak OpenID Connect without a peculiarity, by an ID token as their documents
/// show it.
#[tokio::test]
async fn okta_auth0_keycloak_salesforce_and_yahoo_have_openid_connects_claims() {
    for (preset, sub) in [
        ("okta", "00uid4BxXw6I6TV4m0g3"),
        ("auth0", "auth0|507f1f77bcf86cd799439020"),
        ("keycloak", "b5b1c5e9-2f0c-4b8e-9d0a-6a5f6b1c2d3e"),
        ("salesforce", "https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9P"),
        ("yahoo", "JCQ6LQ5RRVFA4XDNHL2YHEXAMPLE"),
    ] {
        let claims = json!({"sub": sub, "email": "ann@example.com", "email_verified": true});
        let (fake, server) = fake_and_server_by(preset, claims, "", |_| ()).await;
        let identity = identity(&server).await;
        assert_eq!(
            (identity.identity_ref.unwrap().subject.as_str(), identity.email_verified),
            (sub, true),
            "{preset}"
        );
        // A07: as for every provider.
        fake.person(json!({"sub": "2", "email": "bob@example.com", "email_verified": "true"}));
        assert!(!self::identity(&server).await.email_verified, "{preset}");
    }
}

/// A06: an administrator of the provider sets any address of its accounts, and marks it verified.
#[tokio::test]
async fn an_email_that_an_administrator_set_counts_in_the_own_domains_of_the_directory_only() {
    for preset in ["okta", "auth0", "keycloak", "salesforce"] {
        let fake = FakeOidc::start(alice()).await;
        let toml = client("fake", "oidc", &format!("issuer = \"{}\"", fake.issuer))
            .replace("kind = \"oidc\"", &format!("preset = \"{preset}\""))
            .replace(
                "email_trust = \"when_verified\"",
                "email_trust = \"authoritative_domains\"\nauthoritative_domains = [\"acme.example.com\"]",
            );
        let server = server_with(&toml).await;
        for (email, counts) in [("ann@acme.example.com", true), ("ceo@victim.example.com", false)] {
            fake.person(json!({"sub": email, "email": email, "email_verified": true}));
            assert_eq!(identity(&server).await.email_verified, counts, "{preset} {email}");
        }
    }
}

/// A06: no document says that the email of an external tenant was verified.
#[tokio::test]
async fn entra_external_id() {
    let (tenant, object) =
        ("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "690222be-ff1a-4d56-abd1-7e4f7d38e474");
    let claims = json!({
        "sub": "pairwise", "tid": tenant, "oid": object, "ver": "2.0", "email": "ceo@victim.example.com",
        "email_verified": true, "preferred_username": "ceo@victim.example.com",
    });
    let (fake, server) = fake_and_server_by("entra-external-id", claims, "", |_| ()).await;
    let identity = identity(&server).await;
    assert_eq!(identity.identity_ref.as_ref().unwrap().subject, format!("{tenant}/{object}"));
    assert_eq!(
        (identity.email.as_str(), identity.email_verified),
        ("ceo@victim.example.com", false)
    );
    assert_eq!(fake.web.asked_for("/userinfo").len(), 0);
    // A13: without the object, the account has no name that stays.
    fake.person(json!({"sub": "pairwise", "tid": tenant}));
    assert_eq!(refusal(sign_in(&server, "fake").await), REJECTED);
}

/// ORCID has no email in any answer, and no scope but `openid`.
#[tokio::test]
async fn orcid() {
    let claims = json!({
        "sub": "0000-0002-2601-8132", "given_name": "Credit", "family_name": "Metadata", "amr": "pwd",
        "at_hash": "yFS7kVsfbw-1jTkPfPFDJw", "jti": "9a8b7c",
    });
    let (fake, server) = fake_and_server_by("orcid", claims, "", |fake| {
        fake.metadata_with(&json!({
            "scopes_supported": ["openid"], "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }));
    })
    .await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    assert_eq!(asked_for(&begun)["scope"], "openid");
    let orcid = identity(&server).await;
    assert_eq!(
        (orcid.identity_ref.unwrap().subject.as_str(), orcid.email.as_str()),
        ("0000-0002-2601-8132", "")
    );
    assert!(fake.web.asked_for("/token")[0].form.contains_key("client_secret"));
    assert_eq!(fake.web.asked_for("/userinfo").len(), 0);
}

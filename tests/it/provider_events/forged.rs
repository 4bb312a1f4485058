//! Tokens that end nothing: forged ones, and good ones of another use.

use data_encoding::BASE64URL_NOPAD;
use identity_link::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;
use crate::support::fake_codes::CLIENT_SECRET;

/// Makes a false token out of a good one.
type Lie = Box<dyn Fn(Token) -> Token + Send + Sync>;

fn typed(mut token: Token, typ: Option<&str>) -> Token {
    token.header.typ = typ.map(str::to_owned);
    token
}

fn signed_by(mut token: Token, signer: &'static str, algorithm: Algorithm) -> Token {
    token.header.alg = algorithm;
    Token { signer, ..token }
}

/// J50: nothing but the provider's own logout token ends a session.
#[tokio::test]
async fn a_forged_logout_token_ends_nothing() {
    let (fake, server) = fake_and_server("events = \"http\"").await;
    let alice = server.service().create("fake", "alice").await.id;
    let bearer = bearer(&fake, "alice", 0);
    let now = clock::now().timestamp();
    let lies: Vec<(&str, Lie)> = vec![
        ("signed by another", Box::new(|token| signed_by(token, "github", Algorithm::EdDSA))),
        ("of another issuer", Box::new(|token| token.with("iss", "https://okta.example.com"))),
        (
            "an issuer with a slash",
            Box::new(|token| {
                let iss = format!("{}/", token.claims["iss"].as_str().unwrap());
                token.with("iss", iss)
            }),
        ),
        ("for another client", Box::new(|token| token.with("aud", "another"))),
        ("without an audience", Box::new(|token| token.with("aud", Value::Null))),
        ("another type", Box::new(|token| typed(token, Some("at+jwt")))),
        ("the other type of events", Box::new(|token| typed(token, Some("secevent+jwt")))),
        ("without events", Box::new(|token| token.with("events", Value::Null))),
        ("events in a list", Box::new(|token| token.with("events", value!([LOGOUT])))),
        ("another event", Box::new(|token| token.with("events", value!({"x": {}})))),
        ("an event that is no object", Box::new(|token| token.with("events", value!({LOGOUT: 1})))),
        ("with a nonce", Box::new(|token| token.with("nonce", "n"))),
        ("without a jti", Box::new(|token| token.with("jti", Value::Null))),
        ("an empty jti", Box::new(|token| token.with("jti", ""))),
        ("without iat", Box::new(|token| token.with("iat", Value::Null))),
        ("old", Box::new(move |token| token.with("iat", now - 660))),
        ("of the future", Box::new(move |token| token.with("iat", now + 60))),
        ("without exp", Box::new(|token| token.with("exp", Value::Null))),
        ("expired", Box::new(move |token| token.with("exp", now - 60))),
        ("an exp that is a text", Box::new(move |token| token.with("exp", (now + 60).to_string()))),
        ("not yet", Box::new(move |token| token.with("nbf", now + 60))),
        ("a number for a subject", Box::new(|token| token.with("sub", 7))),
        (
            "a security event token",
            Box::new(|token| {
                token.with("events", value!({format!("{RISC}/account-disabled"): {}}))
            }),
        ),
    ];
    for (what, lie) in lies {
        let token = lie(logout_token(&fake, "alice")).sign();
        assert_eq!(refusal(log_out(&server, &token).await), REFUSED, "{what}");
    }
    let good = logout_token(&fake, "alice");
    let texts = good.sign();
    let (signed, _) = texts.rsplit_once('.').unwrap();
    let none = format!(
        "{}.",
        signed.replacen(
            signed.split('.').next().unwrap(),
            &BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"logout+jwt"}"#),
            1,
        )
    );
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some("logout+jwt".to_owned());
    let by_secret = jsonwebtoken::encode(
        &header,
        &good.claims,
        &EncodingKey::from_secret(CLIENT_SECRET.as_bytes()),
    );
    for token in [none, by_secret.unwrap(), format!("{signed}."), "a.b.c".to_owned()] {
        assert_eq!(refusal(log_out(&server, &token).await), REFUSED);
    }
    assert_eq!(reads(&server, &bearer).await, alice);
    assert_eq!(db_reported(&server).await, [""; 0]);
    assert_eq!(server.database.db_texts("SELECT 'x'::text FROM event_tokens").await, [""; 0]);

    // Differences that do not matter.
    for (typ, aud) in [(None, value!([CLIENT_ID, "another"])), (Some("JWT"), value!(CLIENT_ID))] {
        let token = typed(logout_token(&fake, "alice").with("aud", aud), typ).with("sid", "s");
        log_out(&server, &token.sign()).await.unwrap();
    }
    assert_eq!(reads(&server, &bearer).await, WITHDRAWN);
}

/// A session that is named by its id alone is not known here.
#[tokio::test]
async fn a_logout_token_that_names_only_a_session_is_refused_with_what_to_do() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let token = logout_token(&fake, "").with("sub", Value::Null).with("sid", "session-1");
    let status = log_out(&server, &token.sign()).await.unwrap_err();
    assert_eq!(
        status.message(),
        "the logout token names only a session: have the provider send sub in it"
    );
    assert_eq!(refusal::<()>(Err(status)), REFUSED);
}

/// J51: an ID token and an access token of the provider end nothing.
#[tokio::test]
async fn a_token_of_a_person_is_no_event() {
    let (fake, server) =
        fake_and_server("events = \"http\"\naccount_events = \"withdraw_tokens\"").await;
    let alice = server.service().create("fake", "alice").await.id;
    let access = bearer(&fake, "alice", 0);
    let id_token =
        typed(access.clone().with("aud", CLIENT_ID).with("nonce", "n-0S6_WzA2Mj"), Some("JWT"));
    let without_nonce = id_token.clone().with("nonce", Value::Null);
    let for_us = access.clone().with("aud", CLIENT_ID);
    for token in [&access, &id_token, &without_nonce, &for_us] {
        assert_eq!(refusal(log_out(&server, &token.sign()).await), REFUSED);
        assert_eq!(refusal(report(&server, &token.sign()).await), REFUSED);
    }
    assert_eq!(reads(&server, &access).await, alice);
}

/// J51: the reverse. A logout token has an ID token's issuer, audience and subject, and may have its
/// type: it must not be a bearer, a proof, or the end of a flow.
#[tokio::test]
async fn an_event_is_no_token_of_a_person() {
    let (fake, server) = fake_and_server("events = \"http\"").await;
    let service = server.service();
    service.create("google-oauth2", "ann").await;
    service.create("fake", "alice").await;

    let events = value!({LOGOUT: {}});
    let bearer = bearer(&fake, "alice", 0);
    assert!(reads(&server, &bearer).await.starts_with("usr_"));
    let with_events = bearer.clone().with("events", events.clone());
    assert_eq!(reads(&server, &with_events).await, WITHDRAWN);

    let person = server.person("google-oauth2", "ann");
    for typ in [None, Some("JWT"), Some("logout+jwt")] {
        let proof = typed(logout_token(&fake, "alice").with("tenant", "default"), typ);
        let preview = pb::LinkRequest { validate_only: true, ..link_with(&proof.sign()) };
        assert_eq!(refusal(person.link(preview).await), NO_PROOF, "{typ:?}");
    }
    let proof = typed(
        logout_token(&fake, "alice").with("tenant", "default").with("events", Value::Null),
        Some("JWT"),
    );
    let preview = pb::LinkRequest { validate_only: true, ..link_with(&proof.sign()) };
    person.link(preview).await.unwrap();

    fake.lie(move |token| token.with("events", events.clone()).sign());
    let outcome = flows::sign_in(&server, "fake").await;
    assert_eq!(refusal(outcome), "FailedPrecondition PROVIDER_REJECTED");
    fake.lie(|token| token.sign());
    flows::sign_in(&server, "fake").await.unwrap();
}

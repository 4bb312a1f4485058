//! False statements of providers, and accounts about which a good provider says less than it seems
//! to.

use identity_link::clock;
use jsonwebtoken::Algorithm;

use super::*;
use crate::support::{
    form,
    tokens::Token,
    web_server::{Answer, WebServer},
};

/// Makes a false ID token out of a good one.
type Lie = Box<dyn Fn(Token) -> Token + Send + Sync>;

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// A13, A14, A21, A22: an ID token must be for this client and this flow, recent, and signed by its
/// issuer.
#[tokio::test]
async fn a_bad_id_token_creates_no_user() {
    let (fake, server) = fake_and_server().await;
    let now = clock::now().timestamp();
    let lies: Vec<(&str, Lie)> = vec![
        ("no nonce", Box::new(|token| token.with("nonce", Value::Null))),
        ("another nonce", Box::new(|token| token.with("nonce", "n-0S6_WzA2Mj"))),
        ("another audience", Box::new(|token| token.with("aud", "another"))),
        ("a second audience", Box::new(|token| token.with("aud", json!([CLIENT_ID, "another"])))),
        ("another party", Box::new(|token| token.with("azp", "another"))),
        ("another issuer", Box::new(|token| token.with("iss", "https://okta.example.com"))),
        ("no subject", Box::new(|token| token.with("sub", Value::Null))),
        ("a number for a subject", Box::new(|token| token.with("sub", 7))),
        ("expired", Box::new(move |token| token.with("exp", now - 60))),
        ("old", Box::new(move |token| token.with("iat", now - 660))),
        ("of the future", Box::new(move |token| token.with("iat", now + 60))),
        ("not yet", Box::new(move |token| token.with("nbf", now + 60))),
        ("signed by another", Box::new(|token| signed_by(token, "github", Algorithm::EdDSA))),
        ("an access token", Box::new(|token| typed(token, Some("at+jwt")))),
        (
            "another key",
            Box::new(|mut token| {
                token.header.kid = Some("2".to_owned());
                token
            }),
        ),
    ];
    for (what, lie) in lies {
        fake.lie(move |token| lie(token).sign());
        let outcome = sign_in(&server, "fake").await;
        assert!(outcome.is_err(), "{what}: {outcome:?}");
        refused_to_everybody(&server, outcome, REJECTED).await;
    }
    fake.lie(|token| {
        let signed = token.sign();
        signed.rsplit_once('.').unwrap().0.to_owned() + "."
    });
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;

    // Differences that do not matter.
    fake.lie(|token| {
        typed(token.with("aud", json!([CLIENT_ID])).with("azp", CLIENT_ID), None).sign()
    });
    decision(sign_in(&server, "fake").await);
}

/// An access token of an unsupported type, with a good ID token.
#[tokio::test]
async fn an_access_token_of_another_type_than_bearer_is_refused() {
    let (fake, server) = fake_and_server().await;
    for (token_type, is_good) in [("mac", false), ("DPoP", false), ("bEARER", true)] {
        let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
        let request = come_back(&begun).await;
        let nonce = form::parse(begun.authorization_url.split_once('?').unwrap().1)
            .remove("nonce")
            .unwrap();
        let id_token =
            Token::of("okta", "alice").with("iss", fake.issuer.as_str()).with("aud", CLIENT_ID);
        let id_token = typed(
            id_token
                .with("email", "a@example.com")
                .with("email_verified", true)
                .with("nonce", nonce),
            None,
        );
        let answer =
            json!({"access_token": "a", "token_type": token_type, "id_token": id_token.sign()});
        fake.web.answer("/token", Answer::ok(&answer.to_string()));
        let outcome = server.service().complete_sign_in(request).await;
        match is_good {
            true => drop(decision(outcome)),
            false => refused_to_everybody(&server, outcome, REJECTED).await,
        }
    }
}

fn typed(mut token: Token, typ: Option<&str>) -> Token {
    token.header.typ = typ.map(str::to_owned);
    token
}

fn signed_by(mut token: Token, signer: &'static str, algorithm: Algorithm) -> Token {
    token.header.alg = algorithm;
    Token { signer, ..token }
}

/// A17: the server compares the redirect's `iss` before it sends the code to any provider.
#[tokio::test]
async fn a_redirect_of_another_issuer_exchanges_no_code() {
    let (fake, server) = fake_and_server().await;
    for iss in ["https://evil.example.com", &format!("{}/", fake.issuer), ""] {
        let service = server.service();
        let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
        let request = pb::CompleteSignInRequest { iss: iss.to_owned(), ..come_back(&begun).await };
        refused_to_everybody(&server, service.complete_sign_in(request).await, REJECTED).await;
    }
    assert_eq!(fake.exchanges(), 0);
}

/// A17: an attempt belongs to the provider at which it was started; another provider's code does
/// not complete it.
#[tokio::test]
async fn a_code_of_one_provider_is_good_at_no_other() {
    let [here, there] =
        [FakeOidc::start(alice()).await, FakeOidc::start(json!({"sub": "mallory"})).await];
    let server = server_with(&(oidc("here", &here.issuer) + &oidc("there", &there.issuer))).await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("here")).await.unwrap();
    let query = begun.authorization_url.split_once('?').unwrap().1;
    let back =
        Browser::new(CALLBACK).open(&format!("{}/authorize?{query}", there.issuer)).await.back();

    let outcome = service.complete_sign_in(brought_back(&begun, &back)).await;

    refused_to_everybody(&server, outcome, REJECTED).await;
    assert_eq!((here.exchanges(), there.exchanges()), (0, 0));
}

/// A17: a provider `evil` redirects the victim to `honest` with an attacker's authorization
/// request: the code would complete the attacker's flow as the victim. Without `iss`, only the
/// redirect URI shows which provider sent the browser back.
#[tokio::test]
async fn a_code_at_another_providers_redirect_uri_is_not_exchanged() {
    let [evil, honest] =
        [FakeOidc::start(json!({"sub": "mallory"})).await, FakeOidc::start(alice()).await];
    for fake in [&evil, &honest] {
        let mut metadata = fake_oidc::metadata(&fake.issuer);
        metadata.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
        fake.web.answer("/.well-known/openid-configuration", Answer::ok(&metadata.to_string()));
    }
    let server = server_with(&(oidc("evil", &evil.issuer) + &oidc("honest", &honest.issuer))).await;
    let service = server.service();
    let victims = service.start_sign_in(to_sign_in("evil")).await.unwrap();
    let attackers = service.start_sign_in(to_sign_in("honest")).await.unwrap();
    let sent_on = attackers
        .authorization_url
        .replace(&asked_for(&attackers)["state"], &asked_for(&victims)["state"]);
    let back = Browser::new(&redirect_uri("honest")).open(&sent_on).await.back();
    let returned =
        pb::CompleteSignInRequest { iss: String::new(), ..brought_back(&victims, &back) };

    let mixed_up =
        pb::CompleteSignInRequest { redirect_uri: redirect_uri("honest"), ..returned.clone() };
    let outcome = service.complete_sign_in(mixed_up).await;

    refused_to_everybody(&server, outcome, "FailedPrecondition SIGN_IN_INVALID").await;
    assert_eq!((evil.exchanges(), honest.exchanges()), (0, 0));
    let again = service.complete_sign_in(returned).await;
    refused_to_everybody(&server, again, "FailedPrecondition SIGN_IN_INVALID").await;
}

/// A07: only the JSON value true means that an email is verified.
#[tokio::test]
async fn an_email_is_verified_only_by_the_json_value_true() {
    let (fake, server) = fake_and_server().await;
    let says = [
        json!("true"),
        json!("True"),
        json!("1"),
        json!(1),
        json!("false"),
        json!([true]),
        json!({}),
        Value::Null,
    ];
    for (number, says) in says.into_iter().enumerate() {
        fake.person(
            json!({"sub": format!("p{number}"), "email": "a@example.com", "email_verified": says}),
        );
        let user = decision(sign_in(&server, "fake").await).user.unwrap();
        assert!(!user.identities[0].email_verified, "{says}");
        assert_eq!(user.identities[0].email, "a@example.com");
    }
}

/// A23: userinfo counts only for the subject of the ID token. F22: userinfo of another subject.
#[tokio::test]
async fn userinfo_of_another_subject_is_refused() {
    let (fake, server) = fake_and_server().await;
    fake.person(json!({"sub": "alice", "name": "Alice"}));
    for about in [
        json!({"sub": "mallory", "email": "v@example.com", "email_verified": true}),
        json!({"email": "v@example.com"}),
    ] {
        fake.web.answer("/userinfo", Answer::ok(&about.to_string()));
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    fake.web.answer("/userinfo", Answer::ok(r#"{"sub":"alice","sub":"alice"}"#));
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;

    let good =
        json!({"sub": "alice", "email": "a@example.com", "email_verified": true, "nickname": "Al"});
    fake.web.answer("/userinfo", Answer::ok(&good.to_string()));
    let identity = decision(sign_in(&server, "fake").await).user.unwrap().identities.remove(0);
    assert_eq!((identity.email.as_str(), identity.email_verified), ("a@example.com", true));
    assert_eq!(json(&identity.profile_data), json!({"name": "Alice", "nickname": "Al"}));
}

/// A07: `email_verified` of one document says nothing about the email of another one.
#[tokio::test]
async fn an_email_and_its_verification_must_come_from_one_document() {
    let (fake, server) = fake_and_server().await;
    fake.person(json!({"sub": "alice", "email": "victim@example.com"}));
    fake.web.answer(
        "/userinfo",
        Answer::ok(&json!({"sub": "alice", "email_verified": true}).to_string()),
    );
    let identity = decision(sign_in(&server, "fake").await).user.unwrap().identities.remove(0);
    assert_eq!((identity.email.as_str(), identity.email_verified), ("victim@example.com", false));
}

#[tokio::test]
async fn a_sign_in_older_than_max_age_is_refused() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let now = clock::now().timestamp();
    for (auth_time, is_good) in
        [(json!(now), true), (json!(now - 300), false), (Value::Null, false), (json!("now"), false)]
    {
        fake.lie(move |token| token.with("auth_time", auth_time.clone()).sign());
        let max_age = Some(prost_types::Duration { seconds: 60, nanos: 0 });
        let begun = service
            .start_sign_in(pb::StartSignInRequest { max_age, ..to_sign_in("fake") })
            .await
            .unwrap();
        let outcome = service.complete_sign_in(come_back(&begun).await).await;
        match is_good {
            true => drop(decision(outcome)),
            false => assert_eq!(refusal(outcome), REJECTED),
        }
    }
}

/// A47: no response of a provider makes the server send a request to another host.
#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let (fake, server) = fake_and_server().await;
    let elsewhere = WebServer::start(|_| |_| Answer::ok("{}")).await;
    fake.web.answer("/token", Answer::redirect(&format!("http://{}/token", elsewhere.address)));
    let outcome = sign_in(&server, "fake").await;
    refused_to_everybody(&server, outcome, "Unavailable PROVIDER_UNAVAILABLE").await;
    assert_eq!(elsewhere.asked(), 0);
}

/// A13: metadata that name another issuer belong to another provider.
#[tokio::test]
async fn metadata_of_another_issuer_start_no_flow() {
    let (fake, server) = fake_and_server().await;
    let metadata = fake_oidc::metadata("https://okta.example.com").to_string();
    fake.web.answer("/.well-known/openid-configuration", Answer::ok(&metadata));
    let outcome = server.service().start_sign_in(to_sign_in("fake")).await;
    assert_eq!(refusal(outcome), "Unavailable PROVIDER_UNAVAILABLE");
}

/// A20: a provider whose metadata do not support S256 challenges is not used.
#[tokio::test]
async fn a_provider_that_supports_only_plain_challenges_starts_no_flow() {
    let (fake, server) = fake_and_server().await;
    let mut metadata = fake_oidc::metadata(&fake.issuer);
    metadata["code_challenge_methods_supported"] = json!(["plain"]);
    fake.web.answer("/.well-known/openid-configuration", Answer::ok(&metadata.to_string()));
    let outcome = server.service().start_sign_in(to_sign_in("fake")).await;
    assert_eq!(refusal(outcome), "Unavailable PROVIDER_UNAVAILABLE");
}

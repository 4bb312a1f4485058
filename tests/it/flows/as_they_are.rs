//! Providers that keep to the specification where most do otherwise, or that need a setting. Each
//! leniency comes with what it must not admit.

use data_encoding::BASE64URL_NOPAD;
use identity_link::clock;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;
use crate::support::{
    tokens::{Token, jwk},
    web_server::Answer,
};

const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";

/// The configuration of a client at the fake, with further settings of the client.
fn oidc_with(fake: &FakeOidc, further: &str) -> String {
    client("fake", "oidc", &format!("issuer = \"{}\"\n{further}", fake.issuer))
}

/// A provider that sends Unix times with fractions, as Canaille does: RFC 7519 §2.
#[tokio::test]
async fn times_may_have_fractions() {
    let (fake, server) = fake_and_server().await;
    let second = clock::now().timestamp();
    let now = second as f64;
    let with_times = |token: Token, [iat, exp, auth_time]: [f64; 3]| {
        token.with("iat", iat).with("nbf", iat).with("exp", exp).with("auth_time", auth_time).sign()
    };
    // J24: a fraction makes no bad time good.
    for times in [
        [now - 660.5, now + 600.5, now],
        [now - 61.5, now - 60.5, now],
        [now + 90.5, now + 600.5, now],
        [now, now + 600.5, now + 90.5],
    ] {
        fake.lie(move |token| with_times(token, times));
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    fake.lie(move |token| with_times(token, [now - 10.664_213, now + 600.5, now - 60.335_787]));
    let user = decision(sign_in(&server, "fake").await).user.unwrap();
    // An email is verified when the provider says so, not when the person last signed in there.
    let verified = user.identities[0].email_verify_time.unwrap();
    assert_eq!((verified.seconds, verified.nanos), (second - 11, 0));
}

/// Apple and Cognito send the text "true", and say so in their documents.
#[tokio::test]
async fn a_text_means_verified_only_where_the_operator_says_so() {
    let fake = FakeOidc::start(json!({})).await;
    let server = server_with(&oidc_with(&fake, "email_verified_as = [\"true\"]")).await;
    // A07: texts that are not configured.
    for (number, (says, counts)) in [
        (json!("true"), true),
        (json!(true), true),
        (json!("True"), false),
        (json!("1"), false),
        (json!(1), false),
        (json!("false"), false),
        (json!(false), false),
        (json!(["true"]), false),
        (Value::Null, false),
    ]
    .into_iter()
    .enumerate()
    {
        fake.person(
            json!({"sub": format!("p{number}"), "email": format!("p{number}@example.com"), "email_verified": says}),
        );
        let user = decision(sign_in(&server, "fake").await).user.unwrap();
        assert_eq!(user.identities[0].email_verified, counts, "{says}");
    }
}

/// The provider's only RSA key, without `alg`: the token names the algorithm (RFC 7517 §4.4).
#[tokio::test]
async fn a_key_without_an_algorithm_verifies_the_allowed_ones_of_its_kind() {
    let fake = FakeOidc::start(alice()).await;
    let mut key = jwk("okta");
    key.as_object_mut().unwrap().remove("alg");
    fake.web.answer("/jwks", Answer::ok(&json!({"keys": [key]}).to_string()));
    let allowed = "algorithms = [\"RS256\", \"PS256\", \"ES256\"]";
    let server = server_with(&oidc_with(&fake, allowed)).await;
    let signed_with = |algorithm: Algorithm| {
        fake.lie(move |mut token| {
            token.header.alg = algorithm;
            token.sign()
        });
    };
    // J03: an algorithm that is not in the list, though the key could have signed with it.
    for algorithm in [Algorithm::RS384, Algorithm::PS512] {
        signed_with(algorithm);
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    // J02: the public key as the secret; and a key of another kind.
    let public = jwk("okta")["n"].as_str().unwrap().to_owned();
    fake.lie(move |token| {
        let header = Header { kid: token.header.kid, ..Header::new(Algorithm::HS256) };
        let key = EncodingKey::from_secret(public.as_bytes());
        jsonwebtoken::encode(&header, &token.claims, &key).unwrap()
    });
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(|mut token| {
        token.header.alg = Algorithm::ES256;
        Token { signer: "apple", ..token }.sign()
    });
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;

    for algorithm in [Algorithm::RS256, Algorithm::PS256] {
        signed_with(algorithm);
        decision(sign_in(&server, "fake").await);
    }
}

#[tokio::test]
async fn a_token_without_a_key_id_is_verified_by_the_only_key_that_fits() {
    let fake = FakeOidc::start(alice()).await;
    let mut other_kind = jwk("apple");
    other_kind["kid"] = json!("2");
    let keys =
        |keys: Value| fake.web.answer("/jwks", Answer::ok(&json!({ "keys": keys }).to_string()));
    let without_id = |mut token: Token| {
        token.header.kid = None;
        token
    };
    // J09: with two keys that fit, the server would have to guess.
    let mut same_kind = jwk("okta");
    same_kind["kid"] = json!("2");
    keys(json!([jwk("okta"), same_kind]));
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    fake.lie(move |token| without_id(token).sign());
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;

    keys(json!([jwk("okta"), other_kind]));
    let server = server_with(&oidc("fake", &fake.issuer)).await;
    // The key that fits must have signed it.
    fake.lie(move |token| {
        let good = without_id(token.clone()).sign();
        let other = without_id(token.with("sub", "mallory")).sign();
        format!("{}.{}", other.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().1)
    });
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    fake.lie(move |token| without_id(token).sign());
    decision(sign_in(&server, "fake").await);
}

/// OpenID Connect Core §5.3.2: a client can be registered for signed userinfo.
#[tokio::test]
async fn signed_userinfo_is_verified_and_used() {
    let (fake, server) = fake_and_server().await;
    fake.person(json!({"sub": "alice", "name": "Alice"}));
    let signed = |change: &dyn Fn(Token) -> Token| {
        let token = Token::of("okta", "alice")
            .with("iss", fake.issuer.as_str())
            .with("aud", CLIENT_ID)
            .with("email", "a@example.com")
            .with("email_verified", true);
        let mut token = ["iat", "exp", "jti", "scope", "tenant"]
            .into_iter()
            .fold(token, |token, claim| token.with(claim, Value::Null));
        token.header.typ = None;
        change(token).sign()
    };
    let answer = |media_type: &str, body: &str| {
        let head = format!("content-type: {media_type}\r\n");
        fake.web.answer("/userinfo", Answer::new("200 OK", &head, body));
    };
    let now = clock::now().timestamp();
    // A23, A13, A21: about another person, of another issuer, for another client, signed by another
    // key or not at all, or expired.
    let unsigned = {
        let token = signed(&|token| token);
        let payload = token.split('.').nth(1).unwrap().to_owned();
        format!("{}.{payload}.", BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#))
    };
    for bad in [
        signed(&|token| token.with("sub", "mallory")),
        signed(&|token| token.with("sub", Value::Null)),
        signed(&|token| token.with("iss", "https://okta.example.com")),
        signed(&|token| token.with("iss", Value::Null)),
        signed(&|token| token.with("aud", "another")),
        signed(&|token| token.with("aud", Value::Null)),
        signed(&|token| token.with("exp", now - 60)),
        signed(&|token| token.with("nbf", now + 60)),
        signed(&|mut token| {
            token.header.alg = Algorithm::ES256;
            Token { signer: "apple", ..token }
        }),
        signed(&|mut token| {
            token.header.typ = Some("at+jwt".to_owned());
            token
        }),
        unsigned,
        "a.b.c.d.e".to_owned(),
        json!({"sub": "alice", "email": "v@example.com", "email_verified": true}).to_string(),
        String::new(),
    ] {
        answer("application/jwt", &bad);
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    // A signed document that does not say so is not JSON.
    answer("application/json", &signed(&|token| token));
    refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;

    answer(
        "application/JWT; charset=utf-8",
        &signed(&|token| token.with("aud", json!([CLIENT_ID, "another"]))),
    );
    let identity = decision(sign_in(&server, "fake").await).user.unwrap().identities.remove(0);
    assert_eq!((identity.email.as_str(), identity.email_verified), ("a@example.com", true));
}

/// OpenID Connect Core §3.1.3.7: further audiences must be trusted, and `azp` must be the client.
#[tokio::test]
async fn only_trusted_audiences_may_stand_beside_the_client() {
    let fake = FakeOidc::start(alice()).await;
    let server = server_with(&oidc_with(&fake, "trusted_audiences = [\"api\", \"app\"]")).await;
    // A21: a token for others is good for them, and not for this client.
    for (aud, azp) in [
        (json!([CLIENT_ID, "another"]), json!(CLIENT_ID)),
        (json!([CLIENT_ID, "api", "another"]), json!(CLIENT_ID)),
        (json!([CLIENT_ID, "api"]), Value::Null),
        (json!([CLIENT_ID, "api"]), json!("api")),
        (json!([CLIENT_ID, "api"]), json!([CLIENT_ID])),
        (json!([CLIENT_ID, 7]), json!(CLIENT_ID)),
        (json!(["api", "app"]), json!(CLIENT_ID)),
        (json!("api"), json!(CLIENT_ID)),
        (json!([]), json!(CLIENT_ID)),
    ] {
        fake.lie(move |token| token.with("aud", aud.clone()).with("azp", azp.clone()).sign());
        refused_to_everybody(&server, sign_in(&server, "fake").await, REJECTED).await;
    }
    for (aud, azp) in
        [(json!([CLIENT_ID, "api"]), json!(CLIENT_ID)), (json!(CLIENT_ID), Value::Null)]
    {
        fake.lie(move |token| token.with("aud", aud.clone()).with("azp", azp.clone()).sign());
        decision(sign_in(&server, "fake").await);
    }
}

/// With `form_post` the provider has the browser post the parameters to the callback.
#[tokio::test]
async fn a_response_mode_is_sent_to_the_provider() {
    let fake = FakeOidc::start(alice()).await;
    let further = "response_mode = \"form_post\"";
    let server = server_with(&oidc_with(&fake, further)).await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    assert_eq!(asked_for(&begun)["response_mode"], "form_post");

    let server = server_with(&oidc("fake", &fake.issuer)).await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    assert!(!asked_for(&begun).contains_key("response_mode"));
}

//! Every rpc, and through it every kind of token that must not be believed.

use std::collections::BTreeSet;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::rpcs;
use crate::support::{
    tokens::{Token, iss, keys_dir},
    *,
};

/// A token as text, from its parts as they are.
fn by_hand(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
    format!("{}.{}.{signature}", part(header), part(claims))
}

/// The parts of a good token.
fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// Tokens that are wrong in one way each; `good` is right in every way.
fn forgeries(good: &Token) -> Vec<(&'static str, String)> {
    let now = identity_link::clock::now().timestamp();
    let signed = good.sign();
    let [header, payload, signature] = parts(&signed);
    let header_of = |change: &dyn Fn(&mut Token)| {
        let mut token = good.clone();
        change(&mut token);
        token.sign()
    };
    let hmac = |secret: &[u8]| {
        let mut header = good.header.clone();
        header.alg = Algorithm::HS256;
        jsonwebtoken::encode(&header, &good.claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let jwks = std::fs::read(keys_dir().join(format!("{}.json", good.signer))).unwrap();
    let jwk: Value = serde_json::from_slice(&jwks).unwrap();
    let public_key = BASE64URL_NOPAD.decode(jwk["keys"][0]["x"].as_str().unwrap().as_bytes()).unwrap();
    let twice = good.claims.to_string().replacen('{', "{\"tenant\":\"other\",", 1);
    let twice = format!("{header}.{}.{signature}", BASE64URL_NOPAD.encode(twice.as_bytes()));
    let none = |alg: &str| by_hand(&json!({"alg": alg, "typ": "at+jwt", "kid": "1"}), &good.claims, "");
    let claims = |claim: &str, value: Value| good.clone().with(claim, value).sign();
    vec![
        ("nothing", String::new()),
        ("garbage", "garbage".to_owned()),
        ("three dots", "...".to_owned()),
        ("without a signature", format!("{header}.{payload}.")),
        ("of two parts", format!("{header}.{payload}")),
        ("of five parts", format!("{signed}.{payload}.{signature}")),
        ("with another's signature", format!("{header}.{payload}.{}", parts(&Token::of("sms", "x").sign())[2])),
        ("with other claims", by_hand(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "1"}), &good.claims, signature)),
        ("padded", format!("{signed}==")),
        ("with a space in front", format!(" {signed}")),
        ("with something behind", format!("{signed} {signed}")),
        ("alg none", none("none")),
        ("alg None", none("None")),
        ("alg unknown", none("EdDSA2")),
        ("HS256 by the public key", hmac(&public_key)),
        ("HS256 by the key set", hmac(&jwks)),
        ("HS256 by nothing", hmac(b"")),
        ("another algorithm", by_hand(&json!({"alg": "ES256", "typ": "at+jwt", "kid": "1"}), &good.claims, signature)),
        ("no typ", header_of(&|token| token.header.typ = None)),
        ("the typ of an ID token", header_of(&|token| token.header.typ = Some("JWT".to_owned()))),
        ("a logout token", header_of(&|token| token.header.typ = Some("logout+jwt".to_owned()))),
        ("another kid", header_of(&|token| token.header.kid = Some("2".to_owned()))),
        ("crit", header_of(&|token| token.header.crit = Some(vec!["exp".to_owned()]))),
        ("signed by another trusted issuer", Token { signer: "github", ..good.clone() }.sign()),
        ("signed by a stranger", Token { signer: "stranger", ..good.clone() }.sign()),
        ("of an unknown issuer", Token::of("stranger", "x").sign()),
        ("iss with a slash", claims("iss", json!(format!("{}/", iss(good.signer))))),
        ("iss a list", claims("iss", json!([iss(good.signer)]))),
        ("no iss", claims("iss", Value::Null)),
        ("another audience", claims("aud", json!("another"))),
        ("the audience in another case", claims("aud", json!("Identity-Link"))),
        ("audiences without ours", claims("aud", json!(["identity-link2", "x"]))),
        ("no audience", claims("aud", Value::Null)),
        ("an empty list of audiences", claims("aud", json!([]))),
        ("no sub", claims("sub", Value::Null)),
        ("an empty sub", claims("sub", json!(""))),
        ("a sub that is a number", claims("sub", json!(1))),
        ("a sub with a control character", claims("sub", json!("a\nb"))),
        ("a sub of 256 bytes", claims("sub", json!("x".repeat(256)))),
        ("no exp", claims("exp", Value::Null)),
        ("expired", good.clone().issued_ago(1000).with("exp", now - 60).sign()),
        ("exp a text", claims("exp", json!((now + 600).to_string()))),
        ("exp a fraction", claims("exp", json!(now as f64 + 600.5))),
        ("exp at the end of time", claims("exp", json!(i64::MAX))),
        ("no iat", claims("iat", Value::Null)),
        ("iat a text", claims("iat", json!(now.to_string()))),
        ("issued in the future", good.clone().issued_ago(-600).with("exp", now + 1200).sign()),
        ("not valid yet", claims("nbf", json!(now + 500))),
        ("nbf a text", claims("nbf", json!("0"))),
        ("living over 24 hours", claims("exp", json!(now + 86_401))),
        ("issued long ago", claims("iat", json!(now - 86_400))),
        ("auth_time a text", claims("auth_time", json!(now.to_string()))),
        ("scope a list", claims("scope", json!(["read:users", "read:current_user"]))),
        ("no tenant", claims("tenant", Value::Null)),
        ("an unknown tenant", claims("tenant", json!("nowhere"))),
        ("no tenant's name", claims("tenant", json!("../default"))),
        ("tenant a list", claims("tenant", json!(["default"]))),
        ("a claim twice", twice),
        ("over 8 KiB", claims("padding", json!("x".repeat(8 * 1024)))),
    ]
}

#[tokio::test]
async fn no_rpc_believes_a_bad_token_and_none_says_why() {
    let server = TestServer::start().await;
    server.service().create("google-oauth2", "g1").await;
    let before = server.database.db_everything().await;
    let mut answers = BTreeSet::new();

    for good in [Token::of("google-oauth2", "g1"), Token::of("services", "backend")] {
        for (cause, token) in forgeries(&good) {
            for path in rpcs() {
                let status = server.raw_authorized(path, &format!("Bearer {token}")).await.unwrap_err();
                answers.insert((status.message().to_owned(), status.details().to_vec()));
                assert_eq!(refusal::<()>(Err(status)), "Unauthenticated TOKEN_INVALID", "{path}: {cause}");
            }
        }
    }

    assert_eq!(answers.len(), 1, "one text for all causes");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn no_rpc_answers_without_a_token() {
    let server = TestServer::start().await;
    for path in rpcs() {
        assert_eq!(refusal(server.raw(path, &[], &[]).await), "Unauthenticated TOKEN_MISSING", "{path}");
        // What is no authorization is none.
        let token = Token::of("services", "backend").sign();
        let elsewhere = [("cookie", token.as_str()), ("x-authorization", &token), ("grpc-authorization", &token)];
        assert_eq!(refusal(server.raw(path, &elsewhere, &[]).await), "Unauthenticated TOKEN_MISSING", "{path}");
    }
}

/// Two credentials could be two callers, in whichever order they come.
#[tokio::test]
async fn no_rpc_takes_two_authorizations() {
    let server = TestServer::start().await;
    let good = format!("Bearer {}", Token::of("services", "backend").sign());
    let both = format!("{good}, {good}");
    for path in rpcs() {
        for second in [good.as_str(), "Bearer x", "Basic eDp5", ""] {
            for pair in [[good.as_str(), second], [second, good.as_str()]] {
                let metadata = pair.map(|value| ("authorization", value));
                let outcome = server.raw(path, &metadata, &[]).await;
                assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{path} {second}");
            }
        }
        assert_eq!(refusal(server.raw_authorized(path, &both).await), "Unauthenticated TOKEN_INVALID");
    }
}

#[tokio::test]
async fn the_scheme_is_bearer_in_any_case_and_nothing_else() {
    let server = TestServer::start().await;
    let path = "/identity.v1.IdentityService/GetUser";
    let token = Token::of("services", "backend").sign();

    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let outcome = server.raw_authorized(path, &format!("{scheme} {token}")).await;
        assert!(refusal(outcome).starts_with("InvalidArgument REQUEST_INVALID"), "{scheme}");
    }
    for authorization in [
        token.clone(),
        format!("Basic {token}"),
        format!("DPoP {token}"),
        format!("Bearer{token}"),
        format!("Bearer: {token}"),
        format!("Bearer\t{token}"),
        format!("Token Bearer {token}"),
        "Bearer".to_owned(),
        String::new(),
    ] {
        let outcome = server.raw_authorized(path, &authorization).await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{authorization}");
    }
}

/// What the forgeries differ from by one thing is believed: else their refusal would mean nothing.
#[tokio::test]
async fn good_tokens_of_every_form_are_believed() {
    let server = TestServer::start().await;
    let user = server.service().create("google-oauth2", "g1").await;
    let now = identity_link::clock::now().timestamp();
    let good = Token::of("google-oauth2", "g1");
    let typed = |typ: &str| {
        let mut token = good.clone();
        token.header.typ = Some(typ.to_owned());
        token
    };
    let mut without_kid = good.clone();
    without_kid.header.kid = None;

    for (form, token) in [
        ("as it is", good.clone()),
        ("typ as a media type", typed("application/at+JWT")),
        ("without a kid, where there is one key", without_kid),
        ("several audiences", good.clone().with("aud", json!(["another", "identity-link"]))),
        ("expired within the leeway", good.clone().issued_ago(600).with("exp", now - 1)),
        ("issued within the leeway", good.clone().issued_ago(-20)),
        ("living for 24 hours", good.clone().with("exp", now + 86_400).with("iat", now)),
        ("without jti", good.clone().with("jti", Value::Null)),
        ("nearly 8 KiB", good.clone().with("padding", "x".repeat(5_500))),
    ] {
        let outcome = server.caller(&token).get_user(get("")).await;
        assert_eq!(outcome.unwrap().user.as_ref(), Some(&user), "{form}");
    }
}

#[tokio::test]
async fn tokens_from_before_an_unlink_are_refused_like_any_other_bad_one() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    let before = [
        Token::of("google-oauth2", "g1").issued_ago(5),
        Token::of("sms", "s1").issued_ago(5),
        Token::of("users", &google.id).issued_ago(5),
        Token::of("users", &sms.id).issued_ago(5),
    ];
    for token in &before {
        server.caller(token).user("").await;
    }
    let bad = server.caller(&Token::of("stranger", "x")).get_user(get("")).await.unwrap_err();

    service.unlink(unlink(&google.id, "sms", "s1")).await.unwrap();

    for token in &before {
        let status = server.caller(token).get_user(get("")).await.unwrap_err();
        assert_eq!((status.message(), status.details()), (bad.message(), bad.details()));
        assert_eq!(refusal::<()>(Err(status)), "Unauthenticated TOKEN_INVALID");
        let proof = server.caller(&Token::of("google-oauth2", "g1")).link(link_with(&token.sign())).await;
        assert_eq!(
            refusal(proof),
            if token.claims["sub"] == "g1" {
                "InvalidArgument SAME_USER"
            } else {
                "FailedPrecondition LINK_TOKEN_INVALID"
            }
        );
    }
    assert_eq!(server.person("google-oauth2", "g1").user("").await.id, google.id);
    assert_eq!(server.person("sms", "s1").user("").await.id, sms.id);
}

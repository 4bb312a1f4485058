//! J30: what the server remembers of one verified token has no effect on another token.

use std::{sync::Arc, time::Duration};

use data_encoding::BASE64URL_NOPAD;
use identity_link::{
    auth::{Issuers, Keys, TokenUse},
    clock,
    config::Config,
};
use serde_json::json;

use crate::support::{
    server::config_toml,
    tokens::{Token, keys_dir},
    *,
};

const GET_USER: &str = "/identitylink.v1.IdentityService/GetUser";

#[tokio::test]
async fn tokens_that_differ_in_anything_are_judged_apart() {
    let server = TestServer::start().await;
    let [one, two] = [
        server.service().create("github", "1").await,
        server.service().create("github", "2").await,
    ];
    let first = Token::of("github", "1").with("jti", "same");
    let second = Token::of("github", "2").with("jti", "same");
    let unscoped = first.clone().scope("");

    for _ in 0..2 {
        assert_eq!(server.caller(&first).user("").await, one);
        assert_eq!(server.caller(&second).user("").await, two);
        let outcome = server.caller(&unscoped).get_user(get("")).await;
        assert_eq!(refusal(outcome), "PermissionDenied SCOPE_INSUFFICIENT");
    }
}

/// The signature is part of what is remembered.
#[tokio::test]
async fn a_remembered_token_with_another_signature_is_another_token() {
    let server = TestServer::start().await;
    server.service().create("github", "1").await;
    let good = Token::of("github", "1").sign();
    for _ in 0..2 {
        server.raw_authorized(GET_USER, &format!("Bearer {good}")).await.unwrap();
    }
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let mut flipped = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    flipped[0] ^= 1;
    for other in [
        format!("{signed}."),
        signed.to_owned(),
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&flipped)),
        format!("{signed}.{}", &signature[..signature.len() - 2]),
        format!("{good}A"),
        format!("{good} "),
        good.to_ascii_lowercase(),
    ] {
        let outcome = server.raw_authorized(GET_USER, &format!("Bearer {other}")).await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{other}");
    }
}

/// A bearer token that was just used is no proof for that: `link_with` has rules of its own.
#[tokio::test]
async fn a_remembered_bearer_is_no_proof() {
    let database = cluster::cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        toml.replace(
            "link_with.audiences = [\"identity-link\"]",
            "link_with.audiences = [\"proofs\"]",
        )
    })
    .await;
    server.service().create("github", "1").await;
    server.service().create("google-oauth2", "2").await;
    let github = Token::of("github", "1");
    for _ in 0..2 {
        server.caller(&github).user("").await;
    }

    let outcome = server.person("google-oauth2", "2").link(link_with(&github.sign())).await;

    assert_eq!(refusal(outcome), "FailedPrecondition LINK_TOKEN_INVALID");
}

/// The server reads the user's state from the database for each call.
#[tokio::test]
async fn a_remembered_token_of_a_blocked_user_is_refused() {
    let server = TestServer::start().await;
    let user = server.service().create("github", "1").await;
    let person = server.person("github", "1");
    for _ in 0..2 {
        person.user("").await;
    }
    server.service().update_user(block(&user.id, true)).await.unwrap();

    assert_eq!(refusal(person.get_user(get("")).await), "PermissionDenied USER_BLOCKED");
}

/// The test passes the time as an argument, and does not wait.
#[tokio::test]
async fn a_remembered_token_expires() {
    keys_dir();
    let toml = config_toml("127.0.0.1:0".parse().unwrap(), "postgres://a@127.0.0.1/x");
    let config = Config::parse(&toml, std::path::Path::new("."), []).unwrap();
    let http = identity_link::http_client::HttpClient::new(&config.outgoing);
    let mut trusted = Vec::new();
    for issuer in config.issuers {
        let keys = Arc::new(Keys::new(issuer.keys.clone(), issuer.algorithms.clone()));
        keys.refresh(&http).await.unwrap();
        trusted.push((issuer, keys));
    }
    let issuers = Issuers::new(trusted);
    let now = clock::now();
    let token = Token::of("github", "1").with("exp", json!(now.timestamp() + 60)).sign();
    let after = |seconds| now + Duration::from_secs(seconds);

    let first = issuers.verify(&token, TokenUse::Bearer, now).await.unwrap();
    let again = issuers.verify(&token, TokenUse::Bearer, after(60)).await.unwrap();
    assert!(Arc::ptr_eq(&first, &again), "the token should be remembered");
    assert!(
        issuers.verify(&token, TokenUse::Bearer, after(89)).await.is_ok(),
        "the leeway should apply"
    );
    assert!(issuers.verify(&token, TokenUse::Bearer, after(91)).await.is_err());
}

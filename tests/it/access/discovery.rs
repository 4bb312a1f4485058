//! Keys by discovery: the issuer's metadata names their URL.

use serde_json::{Value, json};

use super::stranger_jwk;
use crate::support::{
    tokens::Token,
    web_server::{Answer, WebServer},
    *,
};

const METADATA: &str = "/t/.well-known/openid-configuration";

/// A server with an issuer that has this metadata and whose keys are found by discovery. The
/// issuer's name is the address of the web server.
async fn discovering(metadata: impl FnOnce(&str) -> Answer) -> (WebServer, TestServer) {
    let keys =
        WebServer::of_keys(Answer::ok(&json!({"keys": [stranger_jwk("1")]}).to_string())).await;
    keys.answer(METADATA, metadata(&format!("http://{}", keys.address)));
    let settings = format!(
        "[issuers.stranger]\nissuer = \"http://{}/t\"\nalgorithms = [\"EdDSA\"]\ndiscovery = true\nkind = \"user\"\n\
         subject = \"subject\"\nprovider = \"p\"\ntenant = \"default\"\naudiences = [\"identity-link\"]\n\
         allowed_scopes = [\"read:current_user\"]\n",
        keys.address
    );
    let server =
        TestServer::start_with(cluster::cluster().db_migrated().await, |toml| toml + &settings)
            .await;
    (keys, server)
}

fn token(keys: &WebServer) -> Token {
    Token::of("stranger", "1").with("iss", format!("http://{}/t", keys.address))
}

#[tokio::test]
async fn the_keys_are_where_the_metadata_says() {
    let (keys, server) = discovering(|base| {
        Answer::ok(
            &json!({"issuer": format!("{base}/t"), "jwks_uri": format!("{base}/jwks"), "x": 1})
                .to_string(),
        )
    })
    .await;
    let user = server.service().create("p", "1").await;

    assert_eq!(server.caller(&token(&keys)).user("").await, user);
    assert_eq!(keys.asked(), 2);
    let forged = Token { signer: "github", ..token(&keys) };
    assert_eq!(
        refusal(server.caller(&forged).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
}

/// Metadata of another issuer, without a key URL, or with a key URL elsewhere gives no keys (A13,
/// A47, F20).
#[tokio::test]
async fn metadata_that_is_not_the_issuers_is_not_followed() {
    let elsewhere =
        WebServer::of_keys(Answer::ok(&json!({"keys": [stranger_jwk("1")]}).to_string())).await;
    let there = format!("http://{}/jwks", elsewhere.address);
    type Metadata = Box<dyn Fn(&str) -> Value>;
    let cases: [(&str, Metadata); 8] = [
        (
            "another issuer",
            Box::new(
                |base| json!({"issuer": "https://stranger.example.com", "jwks_uri": format!("{base}/jwks")}),
            ),
        ),
        (
            "a slash more",
            Box::new(
                |base| json!({"issuer": format!("{base}/t/"), "jwks_uri": format!("{base}/jwks")}),
            ),
        ),
        ("no issuer", Box::new(|base| json!({"jwks_uri": format!("{base}/jwks")}))),
        ("no jwks_uri", Box::new(|base| json!({"issuer": format!("{base}/t")}))),
        (
            "a jwks_uri that is not a URL",
            Box::new(|base| json!({"issuer": format!("{base}/t"), "jwks_uri": "jwks"})),
        ),
        (
            "a jwks_uri of a file",
            Box::new(|base| json!({"issuer": format!("{base}/t"), "jwks_uri": "file:///jwks"})),
        ),
        (
            "plain http to elsewhere",
            Box::new(
                |base| json!({"issuer": format!("{base}/t"), "jwks_uri": "http://192.0.2.1/jwks"}),
            ),
        ),
        ("a list", Box::new(|_| json!([]))),
    ];
    for (case, metadata) in cases {
        let (keys, server) = discovering(|base| Answer::ok(&metadata(base).to_string())).await;
        server.service().create("p", "1").await;
        let outcome = server.caller(&token(&keys)).get_user(get("")).await;
        assert_eq!(refusal(outcome), "Unavailable KEYS_UNAVAILABLE", "{case}");
        assert_eq!(keys.asked(), 1, "{case}: the key set should not be fetched");
    }
    let redirect = Answer::redirect(&there);
    let (keys, server) = discovering(|_| redirect).await;
    assert_eq!(
        refusal(server.caller(&token(&keys)).get_user(get("")).await),
        "Unavailable KEYS_UNAVAILABLE"
    );
    assert_eq!(elsewhere.asked(), 0, "the redirect should not be followed");
}

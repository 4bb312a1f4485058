//! Key sets that change, and endpoints of key sets that fail.

use data_encoding::BASE64URL_NOPAD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{stranger, stranger_jwk};
use crate::support::{
    tokens::{Token, keys_dir},
    web_server::{Answer, WebServer},
    *,
};

const GET_USER: &str = "/identitylink.v1.IdentityService/GetUser";

fn jwks(keys: &[Value]) -> Answer {
    Answer::ok(&json!({ "keys": keys }).to_string())
}

/// The public key that verifies tokens of `github`, under another key id.
fn github_jwk(kid: &str) -> Value {
    let set: Value =
        serde_json::from_slice(&std::fs::read(keys_dir().join("github.json")).unwrap()).unwrap();
    let mut key = set["keys"][0].clone();
    key["kid"] = json!(kid);
    key
}

/// A server that fetches the stranger's keys from this web server.
async fn fetching(keys: &WebServer, settings: &str) -> TestServer {
    let url = format!(
        "[issuers.stranger]\nissuer = \"https://stranger.example.com\"\nalgorithms = [\"EdDSA\"]\n\
         jwks_url = \"http://{}/jwks\"\nkind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\ntenant = \"default\"\n\
         audiences = [\"identity-link\"]\nallowed_scopes = [\"read:current_user\"]\n{settings}\n",
        keys.address
    );
    TestServer::start_with(cluster::cluster().db_migrated().await, |toml| toml + &url).await
}

/// A token of the stranger that names this key, signed with the key of `signer`.
fn token(kid: &str, signer: &'static str) -> Token {
    let mut token = Token { signer, ..Token::of("stranger", "1") };
    token.header.kid = Some(kid.to_owned());
    token
}

/// F21: the first token that names a new key makes the server fetch it. R21: many calls come at the
/// moment at which the keys change.
#[tokio::test]
async fn a_new_key_is_good_at_once() {
    let keys = WebServer::of_keys(jwks(&[stranger_jwk("1")])).await;
    let server = fetching(&keys, "").await;
    let user = server.service().create("p", "1").await;
    assert_eq!(server.caller(&token("1", "stranger")).user("").await, user);
    keys.answer("/jwks", jwks(&[stranger_jwk("1"), github_jwk("2")]));

    let calls = (0..20).map(|_| async { server.caller(&token("2", "github")).user("").await });
    for found in join_all(calls).await {
        assert_eq!(found, user);
    }

    assert_eq!(keys.asked(), 2, "all calls should share one fetch");
    let crossed = server.caller(&token("2", "stranger")).get_user(get("")).await;
    assert_eq!(refusal(crossed), "Unauthenticated TOKEN_INVALID");
}

/// A token without `kid`, of an issuer with one key.
fn unnamed(signer: &'static str) -> Token {
    let mut token = Token { signer, ..Token::of("stranger", "1") };
    token.header.kid = None;
    token
}

/// An issuer whose keys have no ids replaces its only one.
#[tokio::test]
async fn a_new_key_without_an_id_is_good_at_once() {
    let without_id = |mut key: Value| {
        key.as_object_mut().unwrap().remove("kid");
        key
    };
    let keys = WebServer::of_keys(jwks(&[without_id(stranger_jwk("1"))])).await;
    let server = fetching(&keys, "").await;
    let user = server.service().create("p", "1").await;
    assert_eq!(server.caller(&unnamed("stranger")).user("").await, user);
    keys.answer("/jwks", jwks(&[without_id(github_jwk("2"))]));

    let calls = (0..20).map(|_| async { server.caller(&unnamed("github")).user("").await });
    for found in join_all(calls).await {
        assert_eq!(found, user);
    }

    assert_eq!(keys.asked(), 2, "all calls should share one fetch");
    let old = server.caller(&unnamed("stranger")).get_user(get("")).await;
    assert_eq!(refusal(old), "Unauthenticated TOKEN_INVALID");
}

/// J08: nor do forged tokens that name no key.
#[tokio::test]
async fn a_flood_of_bad_signatures_makes_one_fetch() {
    let keys = WebServer::of_keys(jwks(&[stranger_jwk("1")])).await;
    let server = fetching(&keys, "").await;
    let user = server.service().create("p", "1").await;
    for _ in 0..100 {
        let forged = server.caller(&unnamed("github")).get_user(get("")).await;
        assert_eq!(refusal(forged), "Unauthenticated TOKEN_INVALID");
    }
    assert_eq!(server.caller(&unnamed("stranger")).user("").await, user);
    // An expired token that the key has signed makes none.
    let expired = unnamed("stranger").with("exp", 1);
    assert!(server.caller(&expired).get_user(get("")).await.is_err());
    assert_eq!(keys.asked(), 2, "one fetch at the start, and one for the flood");
}

/// J08: a flood of unknown key ids makes one request to the issuer.
#[tokio::test]
async fn a_flood_of_unknown_key_ids_makes_one_fetch() {
    let keys = WebServer::of_keys(jwks(&[stranger_jwk("1")])).await;
    let server = fetching(&keys, "").await;
    let user = server.service().create("p", "1").await;
    let good = server.caller(&token("1", "stranger"));
    let signed = token("1", "stranger").sign();
    let (_, rest) = signed.split_once('.').unwrap();
    let unknown = |n: usize| {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": format!("unknown-{n}")});
        format!("Bearer {}.{rest}", BASE64URL_NOPAD.encode(header.to_string().as_bytes()))
    };

    for round in 0..100 {
        let flood = (0..100).map(|n| {
            let (server, unknown) = (&server, unknown(round * 100 + n));
            async move { server.raw_authorized(GET_USER, &unknown).await }
        });
        // The calls of a round are concurrent. After some rounds, another caller must be served.
        for outcome in join_all(flood).await {
            assert_eq!(outcome.unwrap_err().code(), tonic::Code::Unauthenticated);
        }
        if round % 25 == 0 {
            assert_eq!(good.user("").await, user);
        }
    }

    assert_eq!(keys.asked(), 2, "one fetch at the start, and one for the flood");
}

/// F19: while the issuer does not respond, only calls that name an unknown key wait. A fetch goes
/// on after its call is cancelled, and serves later calls.
#[tokio::test]
async fn a_fetch_that_hangs_delays_no_call_with_a_known_key() {
    let keys = WebServer::of_keys(jwks(&[stranger_jwk("1")])).await;
    let server = fetching(&keys, "").await;
    let user = server.service().create("p", "1").await;
    let (held, release) = jwks(&[stranger_jwk("1"), github_jwk("2")]).held();
    keys.answer("/jwks", held);

    let caller = server.caller(&token("2", "github"));
    let waiting = tokio::spawn(async move { caller.get_user(get("")).await });
    keys.until_asked(1).await;
    for _ in 0..10 {
        assert_eq!(
            server.caller(&token("1", "stranger")).user("").await,
            user,
            "a known key should not wait"
        );
    }
    assert!(!waiting.is_finished());
    waiting.abort();
    release.notify_one();

    assert_eq!(server.caller(&token("2", "github")).user("").await, user);
    assert_eq!(keys.asked(), 2);
}

/// F19, F20: a bad response of the endpoint leaves the last good keys in use.
#[tokio::test]
async fn the_last_good_keys_outlive_bad_answers() {
    let endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    let cases = [
        ("500", Answer::status("500 Oops")),
        ("503", Answer::status("503 Later")),
        ("a redirect", Answer::status("302 Found\r\nlocation: http://127.0.0.1:1/jwks")),
        ("a reset", Answer::Reset),
        ("html", Answer::ok("<html>")),
        ("an empty object", Answer::ok("{}")),
        ("no keys", jwks(&[])),
        ("only a symmetric key", jwks(&[json!({"kty": "oct", "kid": "1", "k": "c2VjcmV0"})])),
        ("only an unknown kind", jwks(&[json!({"kty": "future", "kid": "1"})])),
        ("200 MB", Answer::Begin(b"HTTP/1.1 200 OK\r\ncontent-length: 200000000\r\n\r\n{\"keys\":".to_vec())),
        ("no end", Answer::Endless([endless, vec![b' '; 4096]].concat())),
        (
            "a bomb",
            Answer::Bytes(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08".to_vec(),
            ),
        ),
        ("no HTTP", Answer::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec())),
        ("endless headers", Answer::Endless(b"x: y\r\n".repeat(100))),
    ];
    let judged = cases.map(|(case, bad)| async move {
        let keys = WebServer::of_keys(jwks(&[stranger_jwk("1")])).await;
        let server = fetching(&keys, "").await;
        let user = server.service().create("p", "1").await;
        keys.answer("/jwks", bad);

        // The unknown key id makes the server fetch the keys; the call ends after the fetch.
        let unknown = server.caller(&token("2", "github")).get_user(get("")).await;

        assert_eq!(
            refusal(unknown),
            "Unavailable KEYS_UNAVAILABLE",
            "{case}: not a refusal of the key"
        );
        assert_eq!(keys.asked(), 2, "{case}");
        assert_eq!(server.caller(&token("1", "stranger")).user("").await, user, "{case}");
    });
    join_all(judged).await;
}

/// J31: after a key is removed, tokens that it signed are refused, also remembered ones. R21: no
/// call uses a removed key.
#[tokio::test]
async fn tokens_of_a_removed_key_are_refused_after_the_next_fetch() {
    let keys = WebServer::of_keys(jwks(&[stranger_jwk("1"), github_jwk("2")])).await;
    let server = fetching(&keys, "jwks_refresh = \"1s\"").await;
    let user = server.service().create("p", "1").await;
    let (first, second) = (token("1", "stranger"), token("2", "github"));
    for _ in 0..2 {
        assert_eq!(server.caller(&first).user("").await, user);
        assert_eq!(server.caller(&second).user("").await, user);
    }

    keys.answer("/jwks", jwks(&[stranger_jwk("1")]));
    // The second request from now on comes after the new keys are stored.
    keys.until_asked(2).await;

    assert_eq!(
        refusal(server.caller(&second).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    assert_eq!(server.caller(&first).user("").await, user);

    // Another key under the same key id.
    keys.answer("/jwks", jwks(&[github_jwk("1")]));
    keys.until_asked(2).await;

    assert_eq!(
        refusal(server.caller(&first).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    assert_eq!(server.caller(&token("1", "github")).user("").await, user);
}

/// F18: the last keys are good for as long as `jwks_max_age`; after it, the issuer's tokens are
/// unavailable.
#[tokio::test]
async fn keys_that_cannot_be_fetched_again_expire() {
    let keys = WebServer::of_keys(jwks(&[stranger_jwk("1")])).await;
    let server = fetching(&keys, "jwks_refresh = \"1s\"\njwks_max_age = \"2s\"").await;
    let user = server.service().create("p", "1").await;
    let good = token("1", "stranger");
    assert_eq!(server.caller(&good).user("").await, user);

    keys.answer("/jwks", Answer::status("503 Later"));
    keys.until_asked(1).await;
    assert_eq!(
        server.caller(&good).user("").await,
        user,
        "one failure should leave the keys in use"
    );
    // The requests are a second apart at least.
    keys.until_asked(3).await;

    assert_eq!(
        refusal(server.caller(&good).get_user(get("")).await),
        "Unavailable KEYS_UNAVAILABLE"
    );
    let unknown = token("2", "stranger");
    assert_eq!(
        refusal(server.caller(&unknown).get_user(get("")).await),
        "Unavailable KEYS_UNAVAILABLE"
    );

    keys.answer("/jwks", jwks(&[stranger_jwk("1")]));
    keys.until_asked(2).await;
    assert_eq!(server.caller(&good).user("").await, user);
}

/// The server reads a key file again, as it fetches a URL again.
#[tokio::test]
async fn keys_of_a_file_rotate_too() {
    let folder = child::temp_dir("keys-of-a-file");
    let file = folder.join("jwks.json");
    std::fs::write(&file, json!({"keys": [stranger_jwk("1")]}).to_string()).unwrap();
    let settings = "kind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\ntenant = \"default\"\n\
                    audiences = [\"identity-link\"]\nallowed_scopes = [\"read:current_user\"]\n";
    let database = cluster::cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        let own = keys_dir().join("stranger.json").display().to_string();
        stranger(&toml, settings).replace(&own, &file.display().to_string())
    })
    .await;
    let user = server.service().create("p", "1").await;
    assert_eq!(server.caller(&token("1", "stranger")).user("").await, user);

    std::fs::write(&file, json!({"keys": [github_jwk("2")]}).to_string()).unwrap();

    assert_eq!(server.caller(&token("2", "github")).user("").await, user);
    assert_eq!(
        refusal(server.caller(&token("1", "stranger")).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
}

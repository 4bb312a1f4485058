//! Where the server gets an issuer's keys, and which of them it uses.

use std::net::SocketAddr;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::support::{
    tokens::{Token, iss, jwk},
    *,
};

/// A web server that sends this response to every request for `/jwks`.
async fn web(answer: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"GET /jwks HTTP/1.1\r\n"));
            // A client that has read enough may close the connection.
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    address
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A server that fetches the stranger's keys from this address.
async fn fetching(address: SocketAddr) -> TestServer {
    let iss = iss("stranger");
    let settings = format!(
        "[issuers.stranger]\nissuer = \"{iss}\"\nalgorithms = [\"EdDSA\", \"ES256\", \"RS256\"]\n\
         jwks_url = \"http://{address}/jwks\"\nkind = \"user\"\nsubject = \"subject\"\nprovider = \"p\"\n\
         tenant = \"default\"\naudiences = [\"identity-link\"]\nlink_with.audiences = [\"identity-link\"]\n\
         allowed_scopes = [\"read:current_user\"]\n"
    );
    TestServer::start_with(cluster::cluster().db_migrated().await, |toml| toml + &settings).await
}

#[tokio::test]
async fn keys_are_fetched_from_a_url() {
    let server = fetching(web(ok(&json!({"keys": [jwk("stranger")]}).to_string())).await).await;
    let user = server.service().create("p", "1").await;

    assert_eq!(server.person("stranger", "1").user("").await, user);
    let forged = Token { signer: "github", ..Token::of("stranger", "1") };
    assert_eq!(
        refusal(server.caller(&forged).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
}

#[tokio::test]
async fn without_keys_an_issuers_tokens_are_unavailable_and_other_issuers_work() {
    // The port was bound and released: no server listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for address in [
        closed,
        web("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n".to_owned()).await,
        web(format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{closed}/jwks\r\ncontent-length: 0\r\n\r\n"
        ))
        .await,
        web(ok("<html>")).await,
        web(ok("{\"keys\": []}")).await,
        web(ok(&format!(
            "{{\"keys\": [{}], \"x\": \"{}\"}}",
            jwk("stranger"),
            "x".repeat(256 * 1024)
        )))
        .await,
    ] {
        let server = fetching(address).await;
        server.service().create("p", "1").await;
        let google = server.service().create("google-oauth2", "g1").await;

        let outcome = server.person("stranger", "1").get_user(get("")).await;
        assert_eq!(refusal(outcome), "Unavailable KEYS_UNAVAILABLE");
        let forged = Token { signer: "github", ..Token::of("stranger", "1") };
        assert_eq!(
            refusal(server.caller(&forged).get_user(get("")).await),
            "Unavailable KEYS_UNAVAILABLE"
        );
        let person = server.person("google-oauth2", "g1");
        assert_eq!(person.user("").await, google);
        let before = server.database.db_everything().await;
        let linked = person
            .link(link_with(
                &Token::of("stranger", "1").with("scope", "update:current_user_identities").sign(),
            ))
            .await;
        assert_eq!(refusal(linked), "Unavailable KEYS_UNAVAILABLE");
        assert_eq!(server.database.db_everything().await, before);
    }
}

/// J04: a reader of a symmetric key could sign with it, and a key set is public. J14: so a weak
/// symmetric key has no effect either.
#[tokio::test]
async fn a_symmetric_key_in_the_set_is_never_used() {
    let secret = [7; 32];
    let oct = |kid: &str, alg: Value| {
        let mut key =
            json!({"kty": "oct", "kid": kid, "use": "sig", "k": BASE64URL_NOPAD.encode(&secret)});
        if !alg.is_null() {
            key["alg"] = alg;
        }
        key
    };
    let keys = [
        jwk("stranger"),
        oct("hs", json!("HS256")),
        oct("eddsa", json!("EdDSA")),
        oct("es", json!("ES256")),
        oct("any", Value::Null),
    ];
    let server = fetching(web(ok(&json!({"keys": keys}).to_string())).await).await;
    let user = server.service().create("p", "1").await;
    let good = Token::of("stranger", "1");
    assert_eq!(
        server.caller(&good).user("").await,
        user,
        "the other keys of the set should be used"
    );

    for kid in ["hs", "eddsa", "es", "any", "1"] {
        let mut header = good.header.clone();
        header.alg = Algorithm::HS256;
        header.kid = Some(kid.to_owned());
        let forged =
            jsonwebtoken::encode(&header, &good.claims, &EncodingKey::from_secret(&secret))
                .unwrap();
        let outcome = server
            .raw_authorized("/identitylink.v1.IdentityService/GetUser", &format!("Bearer {forged}"))
            .await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{kid}");
    }
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_are_not_used() {
    let with = |name: &str, value: Value| {
        let mut key = jwk("stranger");
        key[name] = value;
        key
    };
    for unfit in [
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("alg", json!("ES256")),
        with("alg", json!("HS256")),
        with("crv", json!("X25519")),
    ] {
        let server = fetching(web(ok(&json!({"keys": [unfit]}).to_string())).await).await;
        let outcome = server.person("stranger", "1").get_user(get("")).await;
        assert_eq!(refusal(outcome), "Unavailable KEYS_UNAVAILABLE", "{unfit}");
    }
}

/// J15: a modulus that can be factored is no secret; with an exponent of 1 there is no need to
/// factor it.
#[tokio::test]
async fn weak_rsa_keys_are_not_used() {
    let good = jwk("okta");
    let modulus = BASE64URL_NOPAD.decode(good["n"].as_str().unwrap().as_bytes()).unwrap();
    let with = |name: &str, number: &[u8]| {
        let mut key = good.clone();
        key[name] = json!(BASE64URL_NOPAD.encode(number));
        key
    };
    let leading_zeros = [&[0; 192], &modulus[..64]].concat();
    let mut weak = [
        with("n", &modulus[..64]),
        with("n", &modulus[..128]),
        with("n", &modulus[..255]),
        with("n", &leading_zeros),
        with("n", &[]),
        with("e", &[0]),
        with("e", &[1]),
        with("e", &[3]),
        with("e", &[17]),
        with("e", &[0, 0, 0, 3]),
        with("e", &[0xff, 0xff]),
        with("e", &[]),
    ];
    for (key, kid) in weak.iter_mut().zip(1..) {
        key["kid"] = json!(kid.to_string());
    }

    let server = fetching(web(ok(&json!({"keys": weak}).to_string())).await).await;
    let outcome = server.person("stranger", "1").get_user(get("")).await;
    assert_eq!(refusal(outcome), "Unavailable KEYS_UNAVAILABLE", "none of them should be used");

    let server = fetching(web(ok(&json!({"keys": [good]}).to_string())).await).await;
    let user = server.service().create("p", "1").await;
    let strong = Token {
        signer: "okta",
        header: Token::of("okta", "1").header,
        ..Token::of("stranger", "1")
    };
    assert_eq!(server.caller(&strong).user("").await, user);
}

/// Without a key id, the server would have to guess which of two keys is meant.
#[tokio::test]
async fn a_token_without_a_key_id_needs_a_set_of_one_key() {
    let mut second = jwk("github");
    second["kid"] = json!("2");
    let keys = json!({"keys": [jwk("stranger"), second]}).to_string();
    let server = fetching(web(ok(&keys)).await).await;
    let user = server.service().create("p", "1").await;
    let mut token = Token::of("stranger", "1");

    assert_eq!(server.caller(&token).user("").await, user);
    token.header.kid = None;
    assert_eq!(
        refusal(server.caller(&token).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    // Each key verifies only the tokens that it signed, under its own key id.
    token.header.kid = Some("2".to_owned());
    assert_eq!(
        refusal(server.caller(&token).get_user(get("")).await),
        "Unauthenticated TOKEN_INVALID"
    );
    token.signer = "github";
    assert_eq!(server.caller(&token).user("").await, user);
}

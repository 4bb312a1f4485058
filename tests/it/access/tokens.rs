//! Which tokens are accepted, and which are refused.

use std::{collections::BTreeSet, io::ErrorKind, net::TcpListener};

use identity_link::grpc::proto::link_response::Outcome;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{
    forgeries::{self, Forgery, bringing_keys},
    rpcs,
};
use crate::support::{tokens::Token, *};

const GET_USER: &str = "/identitylink.v1.IdentityService/GetUser";

/// One issuer for each type of key.
const SIGNERS: [&str; 3] = ["sms", "okta", "apple"];

/// J32: every forgery gets the same refusal, for any cause.
#[tokio::test]
async fn all_forged_bearers_get_the_same_refusal() {
    let server = TestServer::start().await;
    for issuer in SIGNERS {
        server.service().create(issuer, "1").await;
    }
    let before = server.database.db_everything().await;
    let mut answers = BTreeSet::new();
    // The same layer authenticates every rpc, so each rpc is sent a share of the forgeries.
    let paths: Vec<&str> = rpcs().collect();

    for good in SIGNERS
        .map(|issuer| Token::of(issuer, "1"))
        .iter()
        .chain([&Token::of("services", "backend")])
    {
        let bearers = forgeries::of(good).into_iter().filter(Forgery::is_a_header);
        for (Forgery { id, what, token }, path) in bearers.zip(paths.iter().cycle()) {
            let outcome = server.raw_authorized(path, &format!("Bearer {token}")).await;
            let Err(status) = outcome else {
                panic!("{id} {}: {what}: {path} accepted it", good.signer)
            };
            answers.insert((status.message().to_owned(), status.details().to_vec()));
            assert_eq!(
                refusal::<()>(Err(status)),
                "Unauthenticated TOKEN_INVALID",
                "{id} {}: {what}",
                good.signer
            );
        }
    }

    assert_eq!(answers.len(), 1, "all causes should have one text");
    assert_eq!(server.database.db_everything().await, before);
}

#[tokio::test]
async fn all_forged_proofs_get_the_same_refusal() {
    let server = TestServer::start().await;
    for issuer in SIGNERS {
        server.service().create(issuer, "1").await;
    }
    let person = server.service().create("google-oauth2", "g1").await;
    let caller = server.person("google-oauth2", "g1");
    let before = server.database.db_everything().await;
    let mut answers = BTreeSet::new();

    for good in SIGNERS.map(|issuer| Token::of(issuer, "1")) {
        for Forgery { id, what, token } in forgeries::of(&good) {
            let Err(status) = caller.link(link_with(&token)).await else {
                panic!("{id} {}: {what}", good.signer)
            };
            answers.insert((status.message().to_owned(), status.details().to_vec()));
            let refused = refusal::<()>(Err(status));
            assert_eq!(
                refused, "FailedPrecondition LINK_TOKEN_INVALID",
                "{id} {}: {what}",
                good.signer
            );
        }
    }

    assert_eq!(answers.len(), 1, "all causes should have one text");
    assert_eq!(server.database.db_everything().await, before);
    // The good tokens that the forgeries are made from are accepted: without that, a refusal would
    // prove nothing.
    for issuer in SIGNERS {
        let linked = caller.link(link_with(&server.proof(issuer, "1"))).await.unwrap();
        assert_eq!(
            (linked.outcome(), linked.user.unwrap().id),
            (Outcome::Absorbed, person.id.clone())
        );
    }
}

/// The good tokens that the forgeries are made from are accepted: without that, a refusal would
/// prove nothing.
#[tokio::test]
async fn good_tokens_of_every_form_are_accepted() {
    let server = TestServer::start().await;
    for issuer in SIGNERS {
        let now = identity_link::clock::now().timestamp();
        let user = server.service().create(issuer, "1").await;
        let good = Token::of(issuer, "1");
        let with_header = |name: &str, value: Value| {
            let mut header = serde_json::to_value(&good.header).unwrap();
            header[name] = value;
            good.sign_texts(&header.to_string(), &good.claims.to_string())
        };
        let mut without_kid = good.clone();
        without_kid.header.kid = None;

        for (form, token) in [
            // The first one, since it comes closer to the end of the leeway while the test runs.
            ("expired within the leeway", good.clone().issued_ago(600).with("exp", now - 1).sign()),
            ("as it is", good.sign()),
            ("typ as a media type", with_header("typ", json!("application/at+JWT"))),
            ("typ in capitals", with_header("typ", json!("AT+JWT"))),
            ("without a kid, where there is one key", without_kid.sign()),
            ("with headers that the server ignores", with_header("x", json!({"y": [1]}))),
            (
                "several audiences",
                good.clone().with("aud", json!(["another", "identity-link"])).sign(),
            ),
            ("valid since now", good.clone().with("nbf", now).sign()),
            ("valid within the leeway", good.clone().with("nbf", now + 20).sign()),
            ("issued within the leeway", good.clone().issued_ago(-20).sign()),
            ("living for 24 hours", good.clone().with("exp", now + 86_400).with("iat", now).sign()),
            ("without jti", good.clone().with("jti", Value::Null).sign()),
            ("nearly 8 KiB", good.clone().with("padding", "x".repeat(5_400)).sign()),
        ] {
            let answer = server.raw_authorized(GET_USER, &format!("Bearer {token}")).await;
            let read: identity_link::grpc::proto::GetUserResponse = prost::Message::decode(
                answer.unwrap_or_else(|status| panic!("{form}: {status}")).as_slice(),
            )
            .unwrap();
            assert_eq!(read.user.as_ref(), Some(&user), "{issuer}: {form}");
        }
    }
}

/// J06: a token that names the URL of its key makes the server fetch nothing, with any signer.
#[tokio::test]
async fn a_key_is_never_fetched_because_a_token_says_so() {
    let server = TestServer::start().await;
    server.service().create("github", "h1").await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let person = server.person("github", "h1");

    for signer in ["sms", "stranger"] {
        for (name, value) in bringing_keys(&url) {
            let token = Token { signer, ..Token::of("sms", "s1") };
            let mut header = serde_json::to_value(&token.header).unwrap();
            header[name] = value;
            let token = token.sign_texts(&header.to_string(), &token.claims.to_string());
            // One of these tokens is good, but no user has its account: the outcomes of the calls
            // do not matter here.
            drop(server.raw_authorized(GET_USER, &format!("Bearer {token}")).await);
            drop(person.link(link_with(&token)).await);
        }
    }

    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// With ECDSA, one signature of a text is enough to make another one of the same text.
#[tokio::test]
async fn another_signature_makes_no_other_token() {
    let server = TestServer::start().await;
    let service = server.service();
    for subject in ["g1", "g2"] {
        service.create("google-oauth2", subject).await;
    }
    let token = Token::of("apple", "1").with("jti", Value::Null);
    assert_eq!(token.header.alg, Algorithm::ES256);
    let [first, second] = [token.sign(), token.sign()];
    assert_ne!(first, second);
    server.person("google-oauth2", "g1").link(link_with(&first)).await.unwrap();

    let again =
        server.db_refused(server.person("google-oauth2", "g2").link(link_with(&second))).await;

    assert_eq!(again, "FailedPrecondition LINK_TOKEN_INVALID");
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
        let proof =
            server.caller(&Token::of("google-oauth2", "g1")).link(link_with(&token.sign())).await;
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

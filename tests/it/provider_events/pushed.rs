//! Tokens that the provider sends itself, over HTTP.

use http::{Method, Request, StatusCode, header};
use hyper::body::Bytes;

use super::*;
use crate::support::{auth0::Said, form, http1::Http1};

const FORM: &str = "application/x-www-form-urlencoded";
const SET: &str = "application/secevent+jwt";
const LOGOUT_PATH: &str = "/providers/default/fake/backchannel-logout";
const EVENTS_PATH: &str = "/providers/default/fake/security-events";

async fn push(server: &TestServer, path: &str, media_type: &str, body: &str) -> Said {
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header(header::CONTENT_TYPE, media_type);
    server.stranger().send(request.body(Bytes::from(body.to_owned())).unwrap()).await
}

fn in_form(token: &str) -> String {
    form::write([("logout_token", token)])
}

/// What a provider sees: the status, and the body if there is one.
fn seen(said: &Said) -> String {
    assert_eq!(said.headers["cache-control"], "no-store");
    format!("{} {}", said.status.as_u16(), said.body)
}

#[tokio::test]
async fn a_provider_ends_sessions_by_its_own_request() {
    let (fake, server) = fake_and_server("events = \"http\"").await;
    let service = server.service();
    let alice = service.create("fake", "alice").await.id;
    service.create("fake", "bob").await;
    let bearer = bearer(&fake, "alice", 0);
    assert_eq!(reads(&server, &bearer).await, alice);

    let token = logout_token(&fake, "alice").sign();
    for _ in 0..2 {
        assert_eq!(seen(&push(&server, LOGOUT_PATH, FORM, &in_form(&token)).await), "200 null");
    }
    assert_eq!(reads(&server, &bearer).await, WITHDRAWN);
    // Over HTTP/1.1, as most providers send it, and for an account that no user has.
    let body = event_token(&fake, "stranger", &[&format!("{RISC}/account-purged")]).sign();
    let request = format!(
        "POST {EVENTS_PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: {SET}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = Http1::connect(server.address).await.ask(&request).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    assert_eq!(db_reported(&server).await, ["identity_logged_out fake"]);
}

#[tokio::test]
async fn a_bad_push_is_refused_in_the_words_of_its_standard() {
    let (fake, server) = fake_and_server("events = \"http\"").await;
    let alice = server.service().create("fake", "alice").await.id;
    let bearer = bearer(&fake, "alice", 0);
    let good = in_form(&logout_token(&fake, "alice").sign());
    let session = logout_token(&fake, "").with("sub", Value::Null).with("sid", "s").sign();
    let set = event_token(&fake, "alice", &[&format!("{RISC}/account-disabled")])
        .with("aud", "another")
        .sign();
    let mut all = Vec::new();
    for (path, media_type, body) in [
        (LOGOUT_PATH, FORM, "logout_token=a.b.c".to_owned()),
        (LOGOUT_PATH, FORM, in_form(&session)),
        (LOGOUT_PATH, FORM, format!("{good}&{good}")),
        (LOGOUT_PATH, FORM, "x".repeat(40_000)),
        (LOGOUT_PATH, "application/json", good.clone()),
        (EVENTS_PATH, SET, set),
        (EVENTS_PATH, FORM, good.clone()),
        ("/providers/default/github/backchannel-logout", FORM, good.clone()),
        ("/providers/elsewhere/fake/backchannel-logout", FORM, good.clone()),
        ("/providers/default/fake", FORM, good.clone()),
    ] {
        all.push(seen(&push(&server, path, media_type, &body).await));
    }
    insta::assert_snapshot!(all.join("\n"), @r#"
    400 {"error":"invalid_request","error_description":"the token was not accepted: send a new one of this provider, for this client"}
    400 {"error":"invalid_request","error_description":"the logout token names only a session: have the provider send sub in it"}
    400 {"error":"invalid_request","error_description":"send the token once, in the field logout_token"}
    400 {"error":"invalid_request","error_description":"the body is too long, incomplete or not text: send one token"}
    400 {"error":"invalid_request","error_description":"send a logout token as application/x-www-form-urlencoded, and a security event token as application/secevent+jwt"}
    400 {"description":"the token was not accepted: send a new one of this provider, for this client","err":"invalid_request"}
    400 {"description":"send a logout token as application/x-www-form-urlencoded, and a security event token as application/secevent+jwt","err":"invalid_request"}
    404 {"error":"invalid_request","error_description":"no tokens are accepted at this URL: check the tenant and the provider in it"}
    404 {"error":"invalid_request","error_description":"no tokens are accepted at this URL: check the tenant and the provider in it"}
    404 {"description":"no tokens are accepted at this URL: check the tenant and the provider in it","err":"invalid_request"}
    "#);
    let got = server.stranger().get(LOGOUT_PATH).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reads(&server, &bearer).await, alice);
}

/// A provider whose events come from services only takes none over HTTP, and nor does its tenant.
#[tokio::test]
async fn only_a_provider_that_may_push_is_heard() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let good = in_form(&logout_token(&fake, "alice").sign());
    let request = format!(
        "POST {LOGOUT_PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: {FORM}\r\ncontent-length: {}\r\n\r\n{good}",
        good.len()
    );
    let answer = Http1::connect(server.address).await.ask(&request).await;
    assert_ne!(answer.status, 200, "{answer:?}");

    let other = FakeOidc::start(flows::alice()).await;
    let rpc = client(&fake, "events = \"rpc\"");
    let http = flows::oidc("other", &other.issuer) + "\nevents = \"http\"\n";
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |own| own + &rpc + &http + &issuer(&fake)).await;
    assert_eq!(push(&server, LOGOUT_PATH, FORM, &good).await.status, StatusCode::NOT_FOUND);
    // Nor does one provider speak by the URL of another.
    let path = "/providers/default/other/backchannel-logout";
    assert_eq!(push(&server, path, FORM, &good).await.status, StatusCode::BAD_REQUEST);
}

/// J54: a flood of tokens that do not verify takes no slot of the calls, and writes nothing.
#[tokio::test]
async fn a_flood_of_pushes_leaves_the_calls_alone() {
    let (fake, server) = fake_and_server("events = \"http\"").await;
    let alice = server.service().create("fake", "alice").await.id;
    let bearer = bearer(&fake, "alice", 0);
    let forged = in_form(&logout_token(&fake, "alice").with("aud", "another").sign());
    let flood =
        futures_util::future::join_all((0..60).map(|_| push(&server, LOGOUT_PATH, FORM, &forged)));
    let (said, read) = tokio::join!(flood, reads(&server, &bearer));
    assert_eq!(read, alice);
    let is_refused = |said: &Said| matches!(said.status.as_u16(), 400 | 429 | 503);
    assert!(said.iter().all(is_refused), "{said:?}");
    assert_eq!(server.database.db_texts("SELECT 'x'::text FROM event_tokens").await, [""; 0]);
}

/// J54: what a stranger sends in the name of one provider is refused unread beyond a rate, and keeps no other
/// provider waiting.
#[tokio::test]
async fn a_flood_in_the_name_of_one_provider_does_not_silence_another() {
    let (fake, other) =
        (FakeOidc::start(flows::alice()).await, FakeOidc::start(flows::alice()).await);
    let toml = client(&fake, "events = \"http\"")
        + &flows::oidc("other", &other.issuer)
        + "\nevents = \"http\"\n";
    let server = TestServer::start_with(cluster().db_migrated().await, |own| own + &toml).await;
    server.service().create("other", "alice").await;
    let mut stranger = Http1::connect(server.address).await;
    let empty = format!(
        "POST {LOGOUT_PATH} HTTP/1.1\r\nhost: a\r\ncontent-type: {FORM}\r\ncontent-length: 0\r\n\r\n"
    );

    let mut looked_at = 0;
    let refused = loop {
        let answer = stranger.ask(&empty).await;
        if answer.status != 400 {
            break answer;
        }
        looked_at += 1;
    };

    assert!(looked_at >= 100, "{looked_at}");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("5")));
    insta::assert_snapshot!(refused.body, @r#"{"error":"temporarily_unavailable","error_description":"more tokens of this provider arrive than the server looks at: send the token again later"}"#);
    let token = in_form(&logout_token(&other, "alice").sign());
    let path = "/providers/default/other/backchannel-logout";
    assert_eq!(seen(&push(&server, path, FORM, &token).await), "200 null");
    assert_eq!(db_reported(&server).await, ["identity_logged_out other"]);
}

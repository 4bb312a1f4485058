//! The headers for browsers: which pages may call, and that no cache may store and no page may
//! frame a response.

use std::convert::Infallible;

use futures_util::stream;
use http::{Method, Request, StatusCode, header};
use http_body_util::{Full, StreamBody};
use hyper::{
    body::{Bytes, Frame},
    client::conn::http2::handshake,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    auth0::{AUTH0, Said},
    child::temp_dir,
    cluster::cluster,
    tls::{Authority, TlsClient, tls_toml},
};

const PAGE: &str = "https://app.example.com";
const ANOTHER: &str = "https://app.example.com.evil.example";
const ANN: &str = "/api/v2/users/github%7Cann";

fn from_page(method: Method, path: &str, origin: &str) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::ORIGIN, origin)
        .body(Bytes::new())
        .unwrap()
}

/// What an answer says to browsers, in lines.
fn headers(said: &Said) -> String {
    let mut lines: Vec<String> = said
        .headers
        .iter()
        .filter(|(name, _)| {
            !["date", "content-length", "x-ratelimit-reset"].contains(&name.as_str())
        })
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// The headers that let pages of this origin read a response, and no others.
fn assert_is_for(said: &Said, origin: Option<&str>) {
    let told = |name: &str| said.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(told("access-control-allow-origin").as_deref(), origin, "{said:?}");
    assert_eq!(told("access-control-allow-credentials"), None);
    // A cache keys it by origin.
    assert!(told("vary").unwrap().to_ascii_lowercase().contains("origin"), "{said:?}");
}

/// A55.
#[tokio::test]
async fn a_page_may_ask_what_it_may_do_if_it_is_one_of_ours() {
    let server = TestServer::start_auth0().await;
    let preflight = |origin: &str, method: &str| {
        let mut request = from_page(Method::OPTIONS, ANN, origin);
        let headers = request.headers_mut();
        headers.insert("access-control-request-method", method.parse().unwrap());
        headers.insert(
            "access-control-request-headers",
            "authorization,content-type".parse().unwrap(),
        );
        request
    };
    let ours = server.stranger().send(preflight(PAGE, "PATCH")).await;
    assert_eq!((ours.status, &ours.body), (StatusCode::OK, &Value::Null));
    insta::assert_snapshot!(headers(&ours), @r#"
        access-control-allow-headers: accept,authorization,content-type,auth0-client,x-tenant
        access-control-allow-methods: GET,POST,PATCH,DELETE
        access-control-allow-origin: https://app.example.com
        access-control-max-age: 600
        cache-control: no-store
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        referrer-policy: no-referrer
        vary: origin
        x-content-type-options: nosniff
    "#);
    for origin in [
        ANOTHER,
        "null",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://APP.example.com",
    ] {
        assert_is_for(&server.stranger().send(preflight(origin, "PATCH")).await, None);
    }
}

#[tokio::test]
async fn an_answer_is_for_our_pages_also_if_it_is_a_refusal() {
    let server = TestServer::start_auth0().await;
    let (backend, stranger) = (server.backend(), server.stranger());
    backend.post("/api/v2/users", &json!({"connection": "github", "user_id": "ann"})).await.ok();
    let mut long = from_page(Method::PATCH, ANN, PAGE);
    *long.body_mut() = vec![b' '; 1024 * 1024].into();
    let answers = [
        ("200", backend.send(from_page(Method::GET, ANN, PAGE)).await),
        ("200", stranger.send(from_page(Method::GET, "/api/v2/openapi.json", PAGE)).await),
        ("401", stranger.send(from_page(Method::GET, ANN, PAGE)).await),
        ("404", stranger.send(from_page(Method::GET, "/api/v2/nothing", PAGE)).await),
        ("404", backend.send(from_page(Method::GET, "/api/v2/users/github%7Cbob", PAGE)).await),
        ("405", backend.send(from_page(Method::PUT, ANN, PAGE)).await),
        ("413", backend.send(long).await),
    ];
    for (status, said) in answers {
        assert_eq!(said.status.as_str(), status);
        assert_is_for(&said, Some(PAGE));
        assert!(
            said.headers["access-control-expose-headers"].to_str().unwrap().contains("retry-after")
        );
    }
    for asker in [&backend, &stranger] {
        assert_is_for(&asker.send(from_page(Method::GET, ANN, ANOTHER)).await, None);
    }
    // No page is asked about where none calls.
    assert_is_for(&backend.get(ANN).await, None);
}

/// G08: a body that does not come.
#[tokio::test]
async fn a_page_sees_that_its_call_took_too_long() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        format!("max_call_time = \"50ms\"\n{toml}") + AUTH0
    })
    .await;
    let body = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Infallible>>());
    let request = from_page(Method::PATCH, ANN, PAGE).map(|_| body);

    let said = server.backend().send_body(request).await;

    assert_is_for(&said, Some(PAGE));
    assert_eq!(said.headers["x-ratelimit-limit"], "128");
    insta::assert_snapshot!(said.refused(), @"504 deadline The call did not finish in time, and its change may still be made: read before you try again.");
}

/// G20, G21: as Auth0's clients look for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_sees_that_there_is_no_room_and_when_to_try_again() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        format!("max_concurrent_calls = 2\n{toml}") + AUTH0
    })
    .await;
    let backend = server.backend();
    for account in ["ann", "ben"] {
        backend
            .post("/api/v2/users", &json!({"connection": "github", "user_id": account}))
            .await
            .ok();
    }
    let held = server.database.db_hold_statement("SELECT FROM users FOR UPDATE").await;
    let writes = [ANN, "/api/v2/users/github%7Cben"].map(|user| {
        let backend = backend.clone();
        tokio::spawn(async move { backend.patch(user, &json!({"blocked": true})).await })
    });
    server.database.db_until_waiting(2).await;

    let said = backend.send(from_page(Method::GET, ANN, PAGE)).await;
    assert_is_for(&said, Some(PAGE));
    insta::assert_snapshot!(said.refused(), @"429 too_many_requests Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset headers.");
    let told = |name: &str| said.headers[name].to_str().unwrap().parse::<i64>().unwrap();
    assert_eq!(
        (told("x-ratelimit-limit"), told("x-ratelimit-remaining"), told("retry-after")),
        (2, 0, 1)
    );
    let now = identity_link::clock::now().timestamp();
    assert!((now - 120..=now + 2).contains(&told("x-ratelimit-reset")));
    // A caller without permission gets its refusal, and takes no slot.
    let stranger = server.stranger().get(ANN).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);

    held.db_release().await;
    for write in writes {
        write.await.unwrap().ok();
    }
    // Twice as many calls as there are slots: each gives its slot back.
    for _ in 0..4 {
        assert_eq!(backend.get(ANN).await.ok()["blocked"], true);
    }
}

/// For each request: with a cookie, with an origin, with neither.
#[tokio::test]
async fn no_answer_is_kept_or_shown_or_sets_a_cookie() {
    let server = TestServer::start_auth0().await;
    let (backend, stranger) = (server.backend(), server.stranger());
    let mut told = Vec::new();
    for (asker, path) in [
        (&backend, "/api/v2/users"),
        (&backend, ANN),
        (&stranger, ANN),
        (&stranger, "/api/v2/openapi.json"),
        (&stranger, "/api/v2/nothing"),
    ] {
        let mut request = from_page(Method::GET, path, ANOTHER);
        request
            .headers_mut()
            .insert(header::COOKIE, "auth0=s%3Aabc; __Host-session=1".parse().unwrap());
        let said = asker.send(request).await;
        told.push(format!("{path} {}\n{}", said.status.as_u16(), headers(&said)));
    }
    insta::assert_snapshot!(told.join("\n\n"), @r#"
        /api/v2/users 200
        access-control-expose-headers: retry-after,www-authenticate,x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset
        cache-control: no-store
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/json; charset=utf-8
        referrer-policy: no-referrer
        vary: origin
        x-content-type-options: nosniff
        x-ratelimit-limit: 128
        x-ratelimit-remaining: 128

        /api/v2/users/github%7Cann 404
        access-control-expose-headers: retry-after,www-authenticate,x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset
        cache-control: no-store
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/json; charset=utf-8
        referrer-policy: no-referrer
        vary: origin
        x-content-type-options: nosniff
        x-ratelimit-limit: 128
        x-ratelimit-remaining: 128

        /api/v2/users/github%7Cann 401
        access-control-expose-headers: retry-after,www-authenticate,x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset
        cache-control: no-store
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/json; charset=utf-8
        referrer-policy: no-referrer
        vary: origin
        www-authenticate: Bearer
        x-content-type-options: nosniff
        x-ratelimit-limit: 128
        x-ratelimit-remaining: 128

        /api/v2/openapi.json 200
        access-control-expose-headers: retry-after,www-authenticate,x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset
        cache-control: no-store
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/json; charset=utf-8
        referrer-policy: no-referrer
        vary: origin
        x-content-type-options: nosniff
        x-ratelimit-limit: 128
        x-ratelimit-remaining: 128

        /api/v2/nothing 404
        access-control-expose-headers: retry-after,www-authenticate,x-ratelimit-limit,x-ratelimit-remaining,x-ratelimit-reset
        cache-control: no-store
        content-security-policy: default-src 'none'; frame-ancestors 'none'
        content-type: application/json; charset=utf-8
        referrer-policy: no-referrer
        vary: origin
        x-content-type-options: nosniff
        x-ratelimit-limit: 128
        x-ratelimit-remaining: 128
    "#);
}

/// RFC 6797 §7.2: not where there is no TLS.
#[tokio::test(flavor = "multi_thread")]
async fn over_tls_browsers_get_strict_transport_security() {
    let database = cluster().db_migrated().await;
    let dir = temp_dir(&database.name);
    let ours = Authority::new("ours");
    ours.issue().write(&dir);
    let server = TestServer::start_with(database, |toml| toml + AUTH0 + &tls_toml(&dir)).await;
    let stream = TlsClient::new(&ours, None).connect(server.address).await.unwrap();
    let (mut sender, connection) =
        handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for path in ["/api/v2/openapi.json", "/api/v2/nothing", ANN] {
        let request = Request::get(format!("https://localhost{path}"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000", "{path}");
    }
}

//! The caller's limit, or without one the server's free capacity, in the headers where Auth0's clients
//! look for it in each response.

use std::time::{Duration, Instant};

use http::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::{
    TestServer,
    auth0::{AUTH0, Said},
    cluster::cluster,
    tokens::Token,
};

const USERS: &str = "/api/v2/users";
const ANN: &str = "/api/v2/users/github%7Cann";

/// The headers of the limit and the free slots in a response.
fn room(said: &Said) -> (u64, u64) {
    let told = |name: &str| -> i64 {
        let values: Vec<_> = said.headers.get_all(name).iter().collect();
        assert_eq!(values.len(), 1, "{name} of {said:?}");
        values[0].to_str().unwrap().parse().unwrap()
    };
    let now = identity_link::clock::now().timestamp();
    assert!((now - 120..=now + 2).contains(&told("x-ratelimit-reset")), "{said:?}");
    let number = |name| u64::try_from(told(name)).unwrap();
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"))
}

/// A client that parses the headers strictly fails without them, even on a good response.
#[tokio::test]
async fn every_answer_says_how_much_room_there_is() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        format!("max_concurrent_calls = 3\n{toml}") + AUTH0
    })
    .await;
    let (backend, stranger) = (server.backend(), server.stranger());
    let ann = json!({"connection": "github", "user_id": "ann"});
    let mut told = Vec::new();
    let mut note = |what: &str, said: Said| {
        let (limit, remaining) = room(&said);
        assert!(limit == 3 && (1..=3).contains(&remaining), "{said:?}");
        told.push(format!("{} {what}", said.status.as_u16()));
    };
    note("created", backend.post(USERS, &ann).await);
    note("created again", backend.post(USERS, &ann).await);
    note("read", backend.get(ANN).await);
    note("listed", backend.get(USERS).await);
    note("found", backend.get("/api/v2/users-by-email?email=ann@example.com").await);
    note("changed", backend.patch(ANN, &json!({"nickname": "nan"})).await);
    note("a body that is none", backend.post(USERS, &json!([])).await);
    note("no such parameter", backend.get(&format!("{USERS}?color=red")).await);
    note(
        "linked to itself",
        backend
            .post(&format!("{ANN}/identities"), &json!({"provider": "github", "user_id": "ann"}))
            .await,
    );
    note("the main one", backend.delete(&format!("{ANN}/identities/github/ann")).await);
    note("without a token", stranger.get(ANN).await);
    note("without the scope", server.asker(&Token::of("github", "ann")).get(USERS).await);
    note("no such user", backend.get(&format!("{USERS}/github|bob")).await);
    note("no such path", stranger.get("/api/v2/nothing").await);
    note(
        "no such method",
        stranger.send(http::Request::put(ANN).body(Bytes::new()).unwrap()).await,
    );
    note("too long", backend.patch(ANN, &json!({"name": "x".repeat(200_000)})).await);
    note("the description", stranger.get("/api/v2/openapi.json").await);
    note(
        "no body",
        backend
            .send(
                http::Request::builder().method(Method::HEAD).uri(ANN).body(Bytes::new()).unwrap(),
            )
            .await,
    );
    note("deleted", backend.delete(ANN).await);
    insta::assert_snapshot!(told.join("\n"), @r#"
        201 created
        409 created again
        200 read
        200 listed
        200 found
        200 changed
        400 a body that is none
        400 no such parameter
        400 linked to itself
        400 the main one
        401 without a token
        403 without the scope
        404 no such user
        404 no such path
        405 no such method
        413 too long
        200 the description
        200 no body
        204 deleted
    "#);
}

/// G20, G21.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_carried_out_leave_less_room() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| {
        format!("max_concurrent_calls = 4\n{toml}") + AUTH0
    })
    .await;
    let backend = server.backend();
    let accounts = ["ann", "ben", "cid"];
    for account in accounts {
        backend.post(USERS, &json!({"connection": "github", "user_id": account})).await.ok();
    }
    let held = server.database.db_hold_statement("SELECT FROM users FOR UPDATE").await;
    let writes = accounts.map(|account| {
        let backend = backend.clone();
        tokio::spawn(async move {
            backend.patch(&format!("{USERS}/github|{account}"), &json!({"blocked": true})).await
        })
    });
    server.database.db_until_waiting(3).await;

    // The only free slot is the one that the call itself gives back.
    let read = backend.get(ANN).await;
    assert_eq!((room(&read), read.ok()["blocked"].take()), ((4, 1), Value::Bool(false)));
    assert_eq!(room(&server.stranger().get(ANN).await), (4, 1));

    held.db_release().await;
    for write in writes {
        write.await.unwrap().ok();
    }
    assert_eq!(room(&server.stranger().get(ANN).await), (4, 4));
}

/// G26: the headers have the caller's limit if it has one, and a refusal is true about when to repeat.
#[tokio::test]
async fn a_callers_limit_is_in_the_headers_and_a_refusal_is_auth0s() {
    let limits = "[rate_limits.services]\nreads = \"3/h\"\n[rate_limits.users]\nwrites = \"1/h\"\n";
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| toml + AUTH0 + limits).await;
    let backend = server.backend();
    let number =
        |said: &Said, name: &str| -> i64 { said.headers[name].to_str().unwrap().parse().unwrap() };
    let told =
        |said: &Said| ["x-ratelimit-limit", "x-ratelimit-remaining"].map(|name| number(said, name));
    // Writes of services have no limit: the server's capacity.
    let created = backend.post(USERS, &json!({"connection": "github", "user_id": "ann"})).await;
    assert_eq!(told(&created)[0], 128);
    let before = identity_link::clock::now().timestamp();
    for (path, left) in [(ANN, 2), (USERS, 1), ("/api/v2/users/github%7Cbob", 0)] {
        let said = backend.get(path).await;
        assert_eq!(told(&said), [3, left], "{said:?}");
        // All calls of the limit again, or the next one: each takes a third of an hour.
        let thirds = if left == 0 { 1 } else { 3 - left };
        let reset = number(&said, "x-ratelimit-reset") - thirds * 1200;
        assert!((before..=before + 60).contains(&reset), "{said:?}");
    }

    let began = Instant::now();
    let refused = backend.get(ANN).await;

    // The refusal was held back, so that a client that calls again at once takes little.
    assert!(began.elapsed() >= Duration::from_millis(40), "{:?}", began.elapsed());
    assert_eq!(
        refused.refused(),
        "429 too_many_requests Too many requests. Check the X-RateLimit-Limit, \
         X-RateLimit-Remaining and X-RateLimit-Reset headers."
    );
    assert_eq!(told(&refused), [3, 0]);
    let wait = number(&refused, "retry-after");
    assert!((1100..=1200).contains(&wait), "{wait}");
    let reset = number(&refused, "x-ratelimit-reset");
    assert!((before + wait..=before + wait + 60).contains(&reset), "{refused:?}");
    // The limit is one over both transports.
    let outcome = server.service().find_by_email(crate::support::by_email("a@b.c")).await;
    assert_eq!(crate::support::refusal(outcome), "ResourceExhausted RATE_LIMITED");

    let ann = server.asker(&Token::of("github", "ann"));
    ann.patch(ANN, &json!({"user_metadata": {"a": 1}})).await.ok();
    let refused = ann.patch(ANN, &json!({"user_metadata": {"a": 2}})).await;
    assert_eq!((refused.status.as_u16(), told(&refused)), (429, [1, 0]));
    let ann = ann.get(ANN).await.ok();
    assert_eq!(ann["user_metadata"], json!({"a": 1}));
}

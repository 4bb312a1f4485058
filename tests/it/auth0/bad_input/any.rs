//! Each request gets a response: never an internal fault, and a refusal in the envelope.

use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};
use tokio::{runtime::Handle, task::block_in_place};

use super::*;

/// The parts of the requests: some have a meaning here, some elsewhere.
const PLACES: &[&str] = &[
    "users",
    "users-by-email",
    "users/",
    "/github%7Cann",
    "/github|bob",
    "/identities",
    "/sms/ann",
    "openapi.json",
    "/..",
    "/%2F",
    "%",
    "%00",
    "%FF",
    "//",
    "é",
    "|",
    ";a=b",
];
const QUERIES: &[&str] = &[
    "?",
    "&",
    "=",
    "q=",
    "page=0",
    "per_page=1",
    "take=1",
    "from=",
    "fields=email",
    "email=ann@example.com",
    "%22",
    "email:",
    "identities.user_id:",
    "AND",
    "%20",
    "-",
    "%",
    "%FF",
    "%00",
    "include_totals=true",
    "999999999",
];
const BODIES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"connection\"",
    "\"github\"",
    "\"user_id\"",
    "\"provider\"",
    "\"link_with\"",
    "\"user_metadata\"",
    "\"app_metadata\"",
    "\"blocked\"",
    "\"email\"",
    "true",
    "null",
    "1e999",
    "\"\\u0000\"",
    "-1",
    "provider=github",
    "&",
    "user_id=bob",
    "%00",
    "link_with=e30.e30.",
    "\u{0}",
];
const TYPES: &[&str] =
    &["application/json", "application/x-www-form-urlencoded", "text/plain", ";", ""];
const METHODS: &[&str] = &["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "PROPFIND"];

fn pieces(of: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    vec(select(of), 0..most).prop_map(|pieces| pieces.concat())
}

fn requests() -> impl Strategy<Value = (String, String, Vec<&'static str>, Vec<u8>)> {
    let routes = prop_oneof![Just(USERS.to_owned()), Just(ANN.to_owned()), Just(ANNS.to_owned())];
    let paths = prop_oneof![routes, pieces(PLACES, 5).prop_map(|rest| format!("/api/v2/{rest}"))];
    let objects = vec((any::<Index>(), any::<Index>()), 0..4).prop_map(|properties| {
        let text = |index: Index| BODIES[index.index(BODIES.len())];
        let properties: Vec<String> = properties
            .into_iter()
            .map(|(name, value)| format!("{}:{}", text(name), text(value)))
            .collect();
        format!("{{{}}}", properties.join(",")).into_bytes()
    });
    let bodies = prop_oneof![
        pieces(BODIES, 8).prop_map(String::into_bytes),
        objects,
        vec(any::<u8>(), 0..64)
    ];
    let uris = (paths, pieces(QUERIES, 5)).prop_map(|(path, query)| match query.is_empty() {
        true => path,
        false => format!("{path}?{query}"),
    });
    (select(METHODS).prop_map(str::to_owned), uris, vec(select(TYPES), 0..2), bodies)
}

#[tokio::test(flavor = "multi_thread")]
async fn any_request_gets_a_response_or_a_refusal_in_the_envelope() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for account in ["ann", "bob"] {
        backend.post(USERS, &json!({"connection": "github", "user_id": account})).await.ok();
    }
    block_in_place(|| {
        let mut runner =
            TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
        let sent = runner.run(&requests(), |(method, uri, types, body)| {
            // No client sends a path that it cannot parse as a URI.
            let request = Request::builder().method(method.as_str()).uri(&uri);
            let request = types
                .iter()
                .fold(request, |request, given| request.header(header::CONTENT_TYPE, *given));
            let Ok(request) = request.body(Bytes::from(body)) else { return Ok(()) };
            let said = Handle::current().block_on(backend.send(request));
            assert!(!said.status.is_server_error(), "{said:?}");
            if !said.status.is_success() && method != "HEAD" {
                said.refused();
            }
            Ok(())
        });
        sent.unwrap();
    });
}

//! Which pages may call from a browser.

use http::Method;

use super::*;
use crate::support::{auth0::AUTH0, cluster::cluster};

const PAGE: &str = "https://app.example.com";
const FOREIGN: [&str; 5] = [
    "https://app.example.com.evil.example",
    "null",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
];

async fn server(allowed: &str) -> TestServer {
    let change = |toml: String| format!("allowed_origins = {allowed}\n{toml}");
    TestServer::start_with(cluster().db_migrated().await, change).await
}

fn from(origin: &str, mut request: Request<Bytes>) -> Request<Bytes> {
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

/// What a browser asks before a page's call.
fn preflight(path: &str, origin: &str) -> Request<Bytes> {
    let request = Request::builder()
        .method(Method::OPTIONS)
        .uri(path)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,connect-protocol-version,content-type",
        );
    from(origin, request.body(Bytes::new()).unwrap())
}

/// The headers of a response that are for pages.
fn for_pages(response: &Response<Bytes>) -> String {
    let mut lines: Vec<String> = response
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("access-control-"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// G36: off by default, also beside the pages of Auth0's HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_no_page_may_call() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| toml + AUTH0).await;
    let client = backend(&server, Version::HTTP_11);
    for request in [
        preflight(FIND, PAGE),
        from(PAGE, post(FIND, "{}")),
        from(PAGE, post(FIND, r#"{"email":"a@example.com"}"#)),
    ] {
        assert_eq!(for_pages(&client.send(request).await), "");
    }
    assert_eq!(client.send(preflight(FIND, PAGE)).await.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_listed_origin_may_ask_and_call_and_read_a_refusal() {
    let server = server(&format!("[\"{PAGE}\"]")).await;
    for version in BOTH {
        let (backend, stranger) = (backend(&server, version), stranger(&server, version));
        for path in [FIND, CREATE, WATCH, "/identitylink.v1.IdentityService/No"] {
            let asked = stranger.send(preflight(path, PAGE)).await;
            assert_eq!((asked.status().as_u16(), asked.body().len()), (200, 0));
            insta::allow_duplicates! { insta::assert_snapshot!(for_pages(&asked), @r"
                access-control-allow-headers: authorization,content-type,x-tenant,traceparent,connect-protocol-version,connect-timeout-ms,grpc-timeout,x-grpc-web,x-user-agent
                access-control-allow-methods: GET,POST
                access-control-allow-origin: https://app.example.com
                access-control-max-age: 600
                "); }
        }
        let good = r#"{"email":"a@example.com"}"#;
        let check = "/grpc.health.v1.Health/Check";
        for (status, got) in [
            (200, backend.send(from(PAGE, post(FIND, good))).await),
            (401, stranger.send(from(PAGE, post(FIND, good))).await),
            (400, backend.send(from(PAGE, post(FIND, "{}"))).await),
            (400, backend.send(from(PAGE, post(check, vec![b' '; 5000]))).await),
            (415, backend.send(from(PAGE, Request::post(FIND).body(Bytes::new()).unwrap())).await),
            (405, backend.send(from(PAGE, Request::put(FIND).body(Bytes::new()).unwrap())).await),
            (
                501,
                backend.send(from(PAGE, post("/identitylink.v1.IdentityService/No", "{}"))).await,
            ),
        ] {
            assert_eq!(got.status().as_u16(), status);
            insta::allow_duplicates! { insta::assert_snapshot!(for_pages(&got), @r"
                access-control-allow-origin: https://app.example.com
                access-control-expose-headers: grpc-status,grpc-message,grpc-status-details-bin,grpc-retry-pushback-ms,retry-after,www-authenticate
            "); }
            assert_eq!(header(&got, "access-control-allow-origin"), PAGE);
        }
        // Where no page calls, nothing is for pages.
        assert_eq!(for_pages(&backend.send(post(FIND, good)).await), "");
    }
}

/// G36: the call of a foreign page is one of any client without a page, and the page reads nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_reads_nothing() {
    let server = server(&format!("[\"{PAGE}\", \"http://127.0.0.1:3000\"]")).await;
    let client = backend(&server, Version::HTTP_11);
    for origin in FOREIGN {
        for request in
            [preflight(FIND, origin), from(origin, post(FIND, r#"{"email":"a@example.com"}"#))]
        {
            let got = client.send(request).await;
            assert_eq!(header(&got, "access-control-allow-origin"), "-", "{origin}");
            assert_eq!(header(&got, "access-control-allow-credentials"), "-");
        }
    }
}

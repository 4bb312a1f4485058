//! Requests for another service: a library for browsers knows one domain, and calls both the login
//! and the API there.

use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use serde_json::Value;

use crate::support::{
    TestServer,
    auth0::Said,
    http1::Http1,
    http2::{http2, outcome},
};

/// The tenant's paths that libraries and pages call beside `/api/v2`.
const ELSEWHERE: [(&str, &str); 13] = [
    ("GET", "/authorize?client_id=a&response_type=code"),
    ("GET", "/userinfo"),
    ("POST", "/oauth/token"),
    ("GET", "/.well-known/jwks.json"),
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/v2/logout"),
    ("POST", "/co/authenticate"),
    ("POST", "/dbconnections/signup"),
    ("GET", "/me/v1/authentication-methods"),
    ("POST", "/me/"),
    ("GET", "/my-org/v1/config"),
    ("GET", "/authorized"),
    ("GET", "/"),
];

/// The envelope of a response, whose status is the same as that of the response.
fn refused(status: u16, body: &Value) -> String {
    assert_eq!(
        (status, &body["statusCode"], &body["error"]),
        (404, &Value::from(404), &Value::from("Not Found"))
    );
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_path_of_another_service_says_which_it_is() {
    let server = TestServer::start_auth0().await;
    let mut responses = Vec::new();
    for (method, path) in ELSEWHERE {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json");
        let said = server.backend().send(request.body(Bytes::from_static(b"{}")).unwrap()).await;
        let message = refused(said.status.as_u16(), &said.body);
        responses.push(format!("{method} {path} -> {message}"));

        // The same over HTTP/1.1, by a client without a token.
        let head = format!("{method} {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{{}}");
        let answer = Http1::connect(server.address).await.ask(head).await;
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(refused(answer.status, &serde_json::from_str(&answer.body).unwrap()), message);
    }
    insta::assert_snapshot!(responses.join("\n"), @r#"
        GET /authorize?client_id=a&response_type=code -> /authorize belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /userinfo -> /userinfo belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        POST /oauth/token -> /oauth belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /.well-known/jwks.json -> /.well-known belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /.well-known/openid-configuration -> /.well-known belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /v2/logout -> /v2 belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        POST /co/authenticate -> /co belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        POST /dbconnections/signup -> /dbconnections belongs to the Authentication API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /me/v1/authentication-methods -> /me belongs to the My Account API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        POST /me/ -> /me belongs to the My Account API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /my-org/v1/config -> /my-org belongs to the My Organization API of the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET /authorized -> This path belongs to no service here, but perhaps to the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
        GET / -> This path belongs to no service here, but perhaps to the tenant that issues your tokens. This is identity-link, which serves /api/v2 only.
    "#);
}

/// Only a page of an allowed origin reads the response.
#[tokio::test]
async fn a_page_reads_that_it_asks_the_wrong_service() {
    let server = TestServer::start_auth0().await;
    let from = |origin: &str, method| {
        let mut request =
            Request::builder().method(method).uri("/oauth/token").body(Bytes::new()).unwrap();
        request.headers_mut().insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        request
    };
    let allowed = |said: &Said| said.headers.get("access-control-allow-origin").cloned();
    let ours = server.stranger().send(from("https://app.example.com", Method::POST)).await;
    assert_eq!(allowed(&ours).unwrap(), "https://app.example.com");
    assert_eq!(ours.status, 404);
    let others = server.stranger().send(from("https://evil.example", Method::POST)).await;
    assert_eq!(allowed(&others), None);
}

/// A request in a form of rpcs gets a response of that form at each path, and so does a request of
/// JSON for the path of an rpc.
#[tokio::test]
async fn a_call_of_grpc_stays_one() {
    let server = TestServer::start_auth0().await;
    let mut responses = Vec::new();
    for (method, path, media_type) in [
        ("POST", "/oauth/token", "application/grpc"),
        ("POST", "/identitylink.v1.IdentityService/Nothing", "application/grpc+proto"),
        ("GET", "/identitylink.v1.IdentityService/GetUser", "application/json"),
        ("POST", "/identitylink.v1.IdentityService/GetUser", "application/json"),
        ("POST", "/identitylink.v1.IdentityService/Nothing", "application/json"),
        ("POST", "/oauth/token", "application/connect+json"),
        ("POST", "/oauth/token", "application/grpc-web+proto"),
        ("GET", "/grpc.health.v1.Health/Check", "application/json"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://test{path}"))
            .header(header::CONTENT_TYPE, media_type);
        let answer = http2(server.address, request.body(Full::default()).unwrap()).await.unwrap();
        responses.push(format!("{method} {path} {media_type} -> {}", outcome(&answer)));
    }
    insta::assert_snapshot!(responses.join("\n"), @r#"
        POST /oauth/token application/grpc -> 200 16 application/grpc
        POST /identitylink.v1.IdentityService/Nothing application/grpc+proto -> 200 16 application/grpc
        GET /identitylink.v1.IdentityService/GetUser application/json -> 415 - text/plain; charset=utf-8
        POST /identitylink.v1.IdentityService/GetUser application/json -> 401 - application/json
        POST /identitylink.v1.IdentityService/Nothing application/json -> 401 - application/json
        POST /oauth/token application/connect+json -> 200 - application/connect+json
        POST /oauth/token application/grpc-web+proto -> 200 16 application/grpc-web+proto
        GET /grpc.health.v1.Health/Check application/json -> 405 - text/plain; charset=utf-8
    "#);
}

//! Calls in other forms than gRPC: gRPC-Web, Connect and JSON, on the same port and behind the same
//! gate.

mod access;
mod attacks;
mod bounds;
mod clients;
mod json;
mod observed;
mod pages;
mod refused;
mod streams;
mod unary;

use http::{Request, Response, Version};
use hyper::body::Bytes;
use serde_json::Value;

use crate::support::{TestServer, tokens::Token, wires::WireClient};

const FIND: &str = "/identitylink.v1.IdentityService/FindByEmail";
const CREATE: &str = "/identitylink.v1.IdentityService/CreateUser";
const GET: &str = "/identitylink.v1.IdentityService/GetUser";
const WATCH: &str = "/identitylink.v1.EventService/WatchEvents";
const BOTH: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

/// A client with this token.
fn with_token(server: &TestServer, version: Version, token: &Token) -> WireClient {
    WireClient { address: server.address, version, token: Some(token.sign()) }
}

/// A client with the token of a service, with every scope.
fn backend(server: &TestServer, version: Version) -> WireClient {
    with_token(server, version, &Token::of("services", "backend"))
}

/// A client without a token.
fn stranger(server: &TestServer, version: Version) -> WireClient {
    WireClient { address: server.address, version, token: None }
}

/// A POST of JSON.
fn post(path: &str, json: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(path).header("content-type", "application/json").body(json.into()).unwrap()
}

/// The JSON of a body.
fn json_of(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_else(|_| panic!("{response:?}"))
}

/// The value of a header; `-` without one.
fn header<'a, T>(response: &'a Response<T>, name: &str) -> &'a str {
    response.headers().get(name).map_or("-", |value| value.to_str().unwrap())
}

/// The status, the media type and the body of a response, in a line.
fn line(response: &Response<Bytes>) -> String {
    let body = String::from_utf8_lossy(response.body());
    format!(
        "{} {} {}",
        response.status().as_u16(),
        header(response, "content-type"),
        body.trim_end()
    )
}

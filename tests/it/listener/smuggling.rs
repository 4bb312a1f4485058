//! G24: HTTP/1.1 requests that a proxy between the client and the server ends elsewhere than the
//! server does (RFC 9112 §11.2). The server never takes the bytes after one of them for a request.

use super::{http1::*, *};
use crate::support::http1::*;

/// Sends these bytes and a request after them. Returns the status of the only response, after which
/// the connection is closed.
async fn only_status(server: &TestServer, bytes: impl AsRef<[u8]>) -> u16 {
    let mut client = Http1::connect(server.address).await;
    // All at once: bytes that the server has not read would reset the connection before its
    // response.
    client.send([bytes.as_ref(), OPEN.as_bytes()].concat()).await;
    match client.rest().await.as_slice() {
        [answer] => answer.status,
        answers => panic!("{} got the responses {answers:?}", bytes.as_ref().escape_ascii()),
    }
}

/// A request with these lines in its head, without a token.
fn create(lines: &str) -> String {
    format!("POST /api/v2/users HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n")
}

/// These requests are unambiguous, so the ones below are refused for their faults.
#[tokio::test(flavor = "multi_thread")]
async fn an_unambiguous_request_gets_a_response_and_the_connection_goes_on() {
    let server = server(|_| {}).await;
    for request in [
        create("content-length: 0"),
        create("content-length: 3") + "abc",
        create("content-length: 3\r\ncontent-length: 3") + "abc",
        create("transfer-encoding: chunked") + "3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n",
    ] {
        let mut client = Http1::connect(server.address).await;
        assert_eq!(client.ask(&request).await.status, 401, "{request}");
        assert_eq!(client.ask(OPEN).await.status, 200, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_is_given_in_two_ways_ends_the_connection() {
    let server = server(|_| {}).await;
    let attack = async {
        // The transfer coding counts (RFC 9112 §6.3), and no request after it.
        for lines in [
            "content-length: 5\r\ntransfer-encoding: chunked",
            "transfer-encoding: chunked\r\ncontent-length: 5",
        ] {
            assert_eq!(only_status(&server, create(lines) + "0\r\n\r\n").await, 401, "{lines}");
        }
        for (lines, status) in [
            ("content-length: 3\r\ncontent-length: 4", 400),
            ("content-length: 3, 3", 400),
            ("content-length: +3", 400),
            ("content-length: -3", 400),
            ("content-length: 0x3", 400),
            ("content-length: 3 4", 400),
            ("content-length:", 400),
            ("content-length: 99999999999999999999", 400),
            ("content-length : 3", 400),
            ("content-length: 3\r\n content-length: 4", 400),
            ("content-length: 3\r\n\tx: y", 400),
            ("content-length: 3\rx: y", 400),
            ("content-length: 3\0", 400),
            ("content-length: 3\r\n: y", 400),
            ("content-length: 3\r\nno colon", 400),
        ] {
            assert_eq!(only_status(&server, create(lines) + "abc").await, status, "{lines:?}");
        }
    };
    while_attacked(&server, attack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_transfer_coding_ends_the_connection() {
    let server = server(|_| {}).await;
    let attack = async {
        for (lines, status) in [
            ("transfer-encoding: gzip, chunked", 501),
            ("transfer-encoding: chunked, chunked", 501),
            ("transfer-encoding: chunked\r\ntransfer-encoding: chunked", 501),
            ("transfer-encoding: identity\r\ntransfer-encoding: chunked", 501),
            ("transfer-encoding: chunked\r\ntransfer-encoding: identity", 400),
            ("transfer-encoding: chunked, identity", 400),
            ("transfer-encoding: xchunked", 400),
            ("transfer-encoding: \"chunked\"", 400),
            ("transfer-encoding: \x0bchunked", 400),
            ("transfer-encoding:", 400),
            ("transfer-encoding : chunked", 400),
            ("transfer-encoding\0: chunked", 400),
            ("x: y\r\n transfer-encoding: chunked", 400),
        ] {
            assert_eq!(
                only_status(&server, create(lines) + "0\r\n\r\n").await,
                status,
                "{lines:?}"
            );
        }
    };
    while_attacked(&server, attack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_its_one_host_or_of_another_version_ends_the_connection() {
    let server = server(|_| {}).await;
    let attack = async {
        for (request, status) in [
            (OPEN.replace("host: a\r\n", ""), 400),
            (OPEN.replace("host: a", "host: a\r\nhost: a"), 400),
            (OPEN.replace("host: a", "host: a\r\nhost: b"), 400),
            (OPEN.replace("HTTP/1.1", "HTTP/1.0"), 505),
            (OPEN.replace("HTTP/1.1\r\n", "HTTP/1.0\r\nconnection: keep-alive\r\n"), 505),
            (create("transfer-encoding: chunked").replace("HTTP/1.1", "HTTP/1.0"), 400),
            (OPEN.replace("HTTP/1.1", "HTTP/1.2"), 400),
            (OPEN.replace("HTTP/1.1", "HTTP/2.0"), 400),
            (OPEN.replace(" HTTP/1.1", ""), 400),
            (OPEN.replace("GET ", "GET  "), 400),
            ("PRI * HTTP/1.1\r\n\r\n".to_owned(), 400),
        ] {
            assert_eq!(only_status(&server, &request).await, status, "{request}");
        }
    };
    while_attacked(&server, attack).await;
}

/// The server reads chunks only from authorized clients, so these are a backend's.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_or_unbounded_chunks_end_the_connection() {
    let server = server(|_| {}).await;
    let head = authorized("PATCH /api/v2/users/x") + "transfer-encoding: chunked\r\n\r\n";
    let attack = async {
        for chunks in [
            "-1\r\n",
            "+1\r\n{",
            "0x1\r\n{",
            "1_0\r\n{",
            " 1\r\n{",
            "\r\n",
            "fffffffffffffffff\r\n",
            // A line that ends with a bare LF.
            "1\n{\r\n",
            "1;a\nb\r\n{\r\n",
            "1\r\n{}\r\n",
            "1\r\n{\n0\r\n\r\n",
            "0\r\n\rx",
            "0\r\nno colon\r\n\r\n",
        ] {
            assert_eq!(only_status(&server, format!("{head}{chunks}")).await, 400, "{chunks:?}");
        }
        // A chunk extension and a trailer section without end.
        for endless in [
            format!("1;{}", "a".repeat(20_000)),
            format!("2\r\n{{}}\r\n0\r\nx: {}", "y".repeat(20_000)),
        ] {
            let mut client = Http1::connect(server.address).await;
            client.send(format!("{head}{endless}")).await;
            assert!(client.rest().await.iter().all(|answer| answer.status == 400));
        }
    };
    while_attacked(&server, attack).await;
}

//! Calls with wrong contents.

use http::{HeaderValue, Request, request::Builder};
use http_body_util::Full;
use hyper::body::Bytes;

use super::{CHECK, while_attacked};
use crate::support::{
    TestServer,
    cluster::cluster,
    frames::*,
    http2::{http2, outcome},
    refusal,
    tokens::Token,
};

const CREATE: &str = "/identitylink.v1.IdentityService/CreateUser";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

fn bearer() -> String {
    format!("Bearer {}", Token::of("services", "backend").sign())
}

/// A gRPC request without its body.
fn post(path: &str) -> Builder {
    Request::post(format!("http://test{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

fn body(bytes: &[u8]) -> Full<Bytes> {
    Full::new(Bytes::copy_from_slice(bytes))
}

/// G11: the length is judged before the server waits for any of the bytes, and no memory is
/// reserved for them.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_says_it_has_4_gib_is_out_of_range() {
    let server = TestServer::start().await;

    let attack = async {
        for _ in 0..50 {
            let request = post(CREATE).header("authorization", bearer());
            let request = request.body(body(&[0, 0xff, 0xff, 0xff, 0xff, 0x0a])).unwrap();
            assert_eq!(
                outcome(&http2(server.address, request).await.unwrap()),
                "200 11 application/grpc"
            );
        }
    };
    while_attacked(&server, attack).await;
}

/// G14: more than the 64 KiB in the server's settings, and more than four times as much.
#[tokio::test(flavor = "multi_thread")]
async fn too_much_metadata_is_refused_or_ends_the_connection() {
    let server = TestServer::start().await;

    let attack = async {
        let request = post(CHECK).header("a", "a".repeat(65 * 1024)).body(body(&[0; 5])).unwrap();
        assert_eq!(outcome(&http2(server.address, request).await.unwrap()), "431 - -");

        // A field that the server keeps, and a hundred references to it, of one byte each (RFC 7541
        // §6.2.1, §6.1).
        let mut bomb = fields(&[("a", &[b'a'; 4000])]);
        bomb[0] = 0x40;
        bomb.extend([0xbe; 100]);
        let mut call = Frame::call(1, CHECK, &[]);
        call.payload.extend(bomb);
        let heard = Peer::connect(server.address).await.send_to_the_end([call]).await;
        assert_eq!(goodbye(&heard).as_deref(), Some("ENHANCE_YOUR_CALM header_list_way_too_large"));
    };
    while_attacked(&server, attack).await;
}

/// G14: bytes that no field may hold end the connection. Any other bytes are metadata that the
/// server ignores.
#[tokio::test(flavor = "multi_thread")]
async fn metadata_of_any_bytes_causes_no_internal_error() {
    let server = TestServer::start().await;

    let attack = async {
        for value in [&b"a\r\nb: c"[..], b"a\0", b"\x7f"] {
            let peer = Peer::connect(server.address).await;
            let heard = peer.send_to_the_end([Frame::call(1, CHECK, &[("a", value)])]).await;
            assert_eq!(goodbye(&heard).as_deref(), Some("PROTOCOL_ERROR"));
        }
        for (name, value) in [
            ("a", &b"\xff\xfe\x80"[..]),
            ("a-bin", b"!!"),
            ("grpc-timeout", b"99999999H"),
            ("grpc-encoding", b"\xff"),
        ] {
            let request = post(CHECK).header(name, HeaderValue::from_bytes(value).unwrap());
            let answer = http2(server.address, request.body(body(&[0; 5])).unwrap()).await.unwrap();
            let expected = if name == "grpc-encoding" {
                "200 12 application/grpc"
            } else {
                "200 0 application/grpc"
            };
            assert_eq!(outcome(&answer), expected, "{name}");
        }
        // A malformed timeout may be ignored or refused.
        for timeout in
            ["", "x", "-1S", "1", "1.5S", "999999999999999999999999H", "18446744073709551616n"]
        {
            let request = post(CHECK).header("grpc-timeout", timeout).body(body(&[0; 5])).unwrap();
            let answer = outcome(&http2(server.address, request).await.unwrap());
            assert!(
                ["200 0 application/grpc", "200 3 application/grpc"].contains(&answer.as_str()),
                "{answer}"
            );
        }
    };
    while_attacked(&server, attack).await;
}

/// Each refusal has the code and the reason that the reference promises, also of a call that no
/// handler sees.
#[tokio::test(flavor = "multi_thread")]
async fn refusals_before_the_handler_have_a_reason() {
    let server = TestServer::start().await;
    let own = bearer();
    let gzip = [("authorization", own.as_str()), ("grpc-encoding", "gzip")];
    assert_eq!(refusal(server.raw(CREATE, &gzip, &[]).await), "Unimplemented ENCODING_UNSUPPORTED");
    let own = [("authorization", own.as_str())];
    let large = vec![0; 2 * 1024 * 1024 + 1];
    assert_eq!(refusal(server.raw(CREATE, &own, &large).await), "OutOfRange MESSAGE_TOO_LARGE");
    assert_eq!(refusal(server.raw(CHECK, &[], &[0; 5000]).await), "OutOfRange MESSAGE_TOO_LARGE");
    let nothing = "/identitylink.v1.IdentityService/Nothing";
    assert_eq!(refusal(server.raw(nothing, &own, &[]).await), "Unimplemented RPC_UNKNOWN");
    for size in [8 * 1024 + 1, 16 * 1024, 60 * 1024] {
        let token = format!("Bearer {}", "x".repeat(size));
        let outcome = server.raw_authorized(CREATE, &token).await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID", "{size}");
    }
    let signed = Token::of("services", "backend").with("note", "x".repeat(16 * 1024)).sign();
    let outcome = server.raw_authorized(CREATE, &format!("Bearer {signed}")).await;
    assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID");
}

/// The same to a client without gRPC's library: the status is in the headers, and the encodings that
/// the server accepts are beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_message_is_refused_with_what_would_be_accepted() {
    let server = TestServer::start().await;
    let request = post(CREATE).header("authorization", bearer()).header("grpc-encoding", "gzip");
    // The flag of a compressed message, and a message of gzip (RFC 1952).
    let message = [1, 0, 0, 0, 4, 0x1f, 0x8b, 8, 0];
    let answer = http2(server.address, request.body(body(&message)).unwrap()).await.unwrap();
    assert_eq!(outcome(&answer), "200 12 application/grpc");
    assert_eq!(answer.headers()["grpc-accept-encoding"], "identity");
    assert!(answer.headers().contains_key("grpc-status-details-bin"));
    let token = format!("Bearer {}", "x".repeat(16 * 1024));
    let request = post(CREATE).header("authorization", token).body(body(&[0; 5])).unwrap();
    let answer = http2(server.address, request).await.unwrap();
    assert_eq!(outcome(&answer), "200 16 application/grpc");
}

/// G15: groups within groups, a hundred thousand deep.
#[tokio::test(flavor = "multi_thread")]
async fn nesting_without_end_does_not_decode() {
    let server = TestServer::start().await;

    let attack = async {
        let authorization = bearer();
        let nested = vec![0x7b; 100_000];
        let outcome = server.raw(CREATE, &[("authorization", &authorization)], &nested).await;
        assert_eq!(refusal(outcome), "InvalidArgument REQUEST_INVALID");
    };
    while_attacked(&server, attack).await;
}

/// G16: requests that are not gRPC calls.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_calls_get_a_response() {
    let server = TestServer::start().await;
    let address = server.address;

    let attack = async {
        let mut outcomes = Vec::new();
        for (method, path, content_type) in [
            ("GET", "/", ""),
            ("GET", CREATE, ""),
            ("POST", CREATE, "text/plain"),
            ("POST", CREATE, "application/json"),
            ("POST", "/identitylink.v1.IdentityService/Nothing", "application/grpc"),
            ("OPTIONS", "*", ""),
            ("GET", CHECK, "application/grpc"),
            ("POST", CHECK, "text/plain"),
        ] {
            for authorization in ["", &bearer()] {
                let uri = if path == "*" { "*".to_owned() } else { format!("http://test{path}") };
                let request =
                    Request::builder().method(method).uri(uri).header("content-type", content_type);
                let request =
                    request.header("authorization", authorization).body(body(&[0; 5])).unwrap();
                let answer = http2(address, request)
                    .await
                    .map_or_else(|error| format!("{error:?}"), |a| outcome(&a));
                let token = if authorization.is_empty() { "" } else { " with a token" };
                outcomes.push(format!("{method} {path} {content_type}{token}: {answer}"));
            }
        }
        outcomes
    };
    let outcomes = while_attacked(&server, attack).await;

    insta::assert_snapshot!(outcomes.join("\n"), @r"
        GET / : 405 - text/plain; charset=utf-8
        GET /  with a token: 405 - text/plain; charset=utf-8
        GET /identitylink.v1.IdentityService/CreateUser : 405 - text/plain; charset=utf-8
        GET /identitylink.v1.IdentityService/CreateUser  with a token: 405 - text/plain; charset=utf-8
        POST /identitylink.v1.IdentityService/CreateUser text/plain: 415 - text/plain; charset=utf-8
        POST /identitylink.v1.IdentityService/CreateUser text/plain with a token: 415 - text/plain; charset=utf-8
        POST /identitylink.v1.IdentityService/CreateUser application/json: 401 - application/json
        POST /identitylink.v1.IdentityService/CreateUser application/json with a token: 400 - application/json
        POST /identitylink.v1.IdentityService/Nothing application/grpc: 200 16 application/grpc
        POST /identitylink.v1.IdentityService/Nothing application/grpc with a token: 200 12 application/grpc
        OPTIONS * : 405 - text/plain; charset=utf-8
        OPTIONS *  with a token: 405 - text/plain; charset=utf-8
        GET /grpc.health.v1.Health/Check application/grpc: 405 - text/plain; charset=utf-8
        GET /grpc.health.v1.Health/Check application/grpc with a token: 405 - text/plain; charset=utf-8
        POST /grpc.health.v1.Health/Check text/plain: 415 - text/plain; charset=utf-8
        POST /grpc.health.v1.Health/Check text/plain with a token: 415 - text/plain; charset=utf-8
    ");
}

/// G18: reflection that is switched off.
#[tokio::test(flavor = "multi_thread")]
async fn reflection_that_is_switched_off_is_not_there() {
    let database = cluster().db_migrated().await;
    let server =
        TestServer::start_with(database, |toml| format!("reflection = false\n{toml}")).await;

    let attack = async {
        for path in [REFLECTION, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] {
            assert_eq!(refusal(server.raw(path, &[], &[]).await), "Unimplemented RPC_UNKNOWN");
        }
    };
    while_attacked(&server, attack).await;
}

/// A call can be refused before its message has arrived. Messages that arrive later are no errors of
/// the connection, and cost it no resets.
#[tokio::test(flavor = "multi_thread")]
async fn messages_of_refused_calls_do_not_end_the_connection() {
    const AT_ONCE: u32 = 100;
    let server = TestServer::start().await;
    let mut peer = Peer::connect(server.address).await;

    for round in 0..20 {
        let ids = (0..AT_ONCE).map(|call| 2 * (round * AT_ONCE + call) + 1);
        peer.send(ids.clone().map(|id| Frame::call(id, CREATE, &[])).chain([Frame::ping()])).await;
        let (mut refused, mut headers_are_read) = (0, false);
        while refused < AT_ONCE {
            let frame = peer.until(|frame| frame.kind != RST_STREAM).await;
            match frame.kind {
                PING if frame.flags == ACK && !headers_are_read => {
                    headers_are_read = true;
                    peer.send(ids.clone().map(Frame::empty_message)).await;
                }
                GOAWAY => panic!("the server ended the connection: {}", frame.error()),
                HEADERS => refused += 1,
                _ => {}
            }
        }
    }
}

/// The server waits for the message of a refused call only briefly: a client cannot hold calls open
/// by sending none.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_is_answered_although_its_message_never_comes() {
    let server = TestServer::start().await;
    let mut peer = Peer::connect(server.address).await;

    peer.send([Frame::call(1, CREATE, &[])]).await;

    let refused = peer.until(|frame| frame.kind == HEADERS).await;
    assert_eq!((refused.stream, refused.flags & END_STREAM), (1, END_STREAM));
}

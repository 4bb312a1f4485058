//! What a call may cost, in each form: time, bytes, and what a client holds that does not go on.

use std::{convert::Infallible, time::Duration};

use futures_util::{StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use identity_link::grpc::proto as pb;

use super::*;
use crate::support::{
    block,
    cluster::cluster,
    http1::Http1,
    refusal,
    wires::{FORMS, Form, frame, frames, of_connect, whole},
};

const LARGE: &str = "OutOfRange MESSAGE_TOO_LARGE";

/// The limits of gRPC: 2 MiB of most services, 128 KiB of `SignInService`, and 4 KiB of what needs no
/// token.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_same_limit_in_each_form() {
    let server = TestServer::start().await;
    for (path, max) in [
        (CREATE, 2 * 1024 * 1024),
        ("/identitylink.v1.SignInService/ResolveSignIn", 128 * 1024),
        ("/identitylink.v1.EventService/ListEvents", 4 * 1024),
        ("/google.longrunning.Operations/GetOperation", 4 * 1024),
        ("/grpc.health.v1.Health/Check", 4 * 1024),
    ] {
        let client = backend(&server, Version::HTTP_2);
        for media_type in ["application/proto", "application/json"] {
            for length in [max, max + 1] {
                let request = Request::post(path).header("content-type", media_type);
                let said = request.body(vec![7; length].into()).unwrap();
                let got = refusal(Form::Connect.outcome(&client.send(said).await));
                // These bytes are a message of neither.
                let expected = if length > max { LARGE } else { "InvalidArgument REQUEST_INVALID" };
                assert_eq!(got, expected, "{path} {media_type} {length}");
                // The same without the length in front.
                let pieces = stream::iter(
                    vec![7; length]
                        .chunks(64 * 1024)
                        .map(|piece| {
                            Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece)))
                        })
                        .collect::<Vec<_>>(),
                );
                let request = Request::post(path).header("content-type", media_type);
                let request = request.body(StreamBody::new(pieces)).unwrap();
                let got = whole(client.begin(request).await).await;
                assert_eq!(
                    refusal(Form::Connect.outcome(&got)),
                    expected,
                    "{path} {media_type} {length}"
                );
            }
        }
    }
    // Of a stream, each message by the head of its frame, before its bytes.
    for media_type in ["application/connect+json", "application/connect+proto"] {
        let request = Request::post(WATCH).header("content-type", media_type);
        let head = &frame(0, &[0; 5000])[..5];
        let request = request.body(Bytes::copy_from_slice(head)).unwrap();
        let got = backend(&server, Version::HTTP_11).send(request).await;
        let (_, end) = frames(got.body()).remove(0);
        let end: Value = serde_json::from_slice(&end).unwrap();
        assert_eq!(refusal::<()>(Err(of_connect(&end["error"]))), LARGE);
    }
}

/// G33: no byte of a message is read before its caller is accepted, so nothing is kept for a stranger.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_before_its_message_is_read() {
    let server = TestServer::start().await;
    for version in BOTH {
        for form in FORMS.into_iter().filter(|form| *form != Form::Grpc) {
            let begun = form.request(CREATE, &pb::CreateUserRequest::default(), "{").map(|_| {
                let first = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{")));
                StreamBody::new(stream::iter([first]).chain(stream::pending()).boxed())
            });
            let got = whole(stranger(&server, version).begin(begun).await).await;
            assert_eq!(refusal(form.outcome(&got)), "Unauthenticated TOKEN_MISSING", "{form:?}");
        }
    }
}

/// G35: a body that does not go on ends with the server's bound on calls, and its slot is free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_end_is_not_waited_for() {
    let change =
        |toml: String| format!("max_call_time = \"300ms\"\nmax_concurrent_calls = 1\n{toml}");
    let server = TestServer::start_with(cluster().db_migrated().await, change).await;
    for version in BOTH {
        for form in FORMS.into_iter().filter(|form| *form != Form::Grpc) {
            let begun = form.request(CREATE, &pb::CreateUserRequest::default(), "{").map(|_| {
                let first = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"{")));
                StreamBody::new(stream::iter([first]).chain(stream::pending()).boxed())
            });
            let got = whole(backend(&server, version).begin(begun).await).await;
            assert_eq!(refusal(form.outcome(&got)), "DeadlineExceeded DEADLINE", "{form:?}");
        }
        let find = backend(&server, version).send(post(FIND, r#"{"email":"a@example.com"}"#)).await;
        assert_eq!(find.status(), 200);
    }
}

/// G35: a body that is cut before the length that it said is no message, also if its beginning would be
/// one.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_body_is_no_message() {
    let server = TestServer::start().await;
    let token = Token::of("services", "backend").sign();
    let json = r#"{"identity":{"identityRef":{"provider":"github","subject":"cut"}}}"#;
    for (media_type, lengths) in [
        ("application/json", format!("content-length: {}", json.len() + 1)),
        ("application/json", "transfer-encoding: chunked".to_owned()),
    ] {
        let body = match lengths.starts_with("transfer") {
            true => format!("{:x}\r\n{json}\r\n", json.len()),
            false => json.to_owned(),
        };
        let head = format!(
            "POST {CREATE} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: {media_type}\r\n{lengths}\r\n\r\n"
        );
        let mut client = Http1::connect(server.address).await;
        client.send(head + &body).await;
        // The client is gone in the middle.
        drop(client);
    }
    // A whole call after them is served, and no user came of those.
    let found = r#"{"identity":{"provider":"github","subject":"cut"}}"#;
    let path = "/identitylink.v1.IdentityService/FindByIdentity";
    let got = backend(&server, Version::HTTP_11).send(post(path, found)).await;
    assert_eq!(json_of(&got)["code"], "not_found", "{got:?}");
}

/// The deadline of Connect is the one of gRPC.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_the_call() {
    let server = TestServer::start().await;
    let user = server.service().create("github", "ann").await;
    let held = server.database.db_hold(&user.id).await;
    let update = "/identitylink.v1.IdentityService/UpdateUser";
    for version in BOTH {
        for (name, value, form) in [
            ("connect-timeout-ms", "200", Form::ConnectJson),
            ("connect-timeout-ms", "0", Form::ConnectJson),
            ("grpc-timeout", "200m", Form::GrpcWeb),
        ] {
            let json = format!(
                r#"{{"userId":"{}","update":{{"blocked":true}},"updateMask":"blocked"}}"#,
                user.id
            );
            let message = block(&user.id, true);
            let mut request = form.request(update, &message, &json);
            request.headers_mut().insert(name, value.parse().unwrap());
            let got = backend(&server, version).send(request).await;
            assert_eq!(refusal(form.outcome(&got)), "DeadlineExceeded DEADLINE", "{name} {value}");
            let status = if form == Form::GrpcWeb { 200 } else { 504 };
            assert_eq!(got.status().as_u16(), status);
        }
    }
    held.db_release().await;
}

/// A client that reads no response of a stream is cut, and its watch ends, as over gRPC.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_no_response_is_cut() {
    let server = TestServer::start_limited(|limits| {
        limits.first_call_timeout = Duration::from_secs(3600);
        limits.stall_timeout = Duration::from_millis(200);
    })
    .await;
    let call = "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    Http1::connect(server.address).await.send_until_cut(call.repeat(100), async || {}).await;
    assert_eq!(
        backend(&server, Version::HTTP_11)
            .send(post(FIND, r#"{"email":"a@example.com"}"#))
            .await
            .status(),
        200
    );
}

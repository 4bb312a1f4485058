//! Requests that are no calls get the status that the protocol names, and a sentence.

use identity_link::grpc::proto as pb;

use super::*;
use crate::support::wires::{Form, frame, frames, of_connect};

/// G16.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_or_media_type_gets_the_status_of_the_protocol() {
    let server = TestServer::start().await;
    let mut got = Vec::new();
    for (method, path, media_type) in [
        ("GET", "/", ""),
        ("GET", FIND, ""),
        ("GET", "/identitylink.v1.IdentityService/FindByEmail?encoding=yaml&message=x", ""),
        ("GET", CREATE, ""),
        ("GET", WATCH, "application/connect+json"),
        ("PUT", FIND, "application/json"),
        ("DELETE", CREATE, "application/grpc-web"),
        ("POST", FIND, ""),
        ("POST", FIND, "text/plain"),
        ("POST", FIND, "application/json; charset=latin-1"),
        ("POST", FIND, "application/jsonp"),
        ("POST", FIND, "application/connect+json"),
        ("POST", FIND, "application/grpc-web-thrift"),
        ("POST", WATCH, "application/json"),
        ("POST", WATCH, "application/proto"),
        ("POST", "/identitylink.v1.TransferService/ImportUsers", "application/connect+json"),
        ("POST", FIND, "application/grpc"),
        ("OPTIONS", FIND, ""),
        ("HEAD", FIND, ""),
    ] {
        let mut request = Request::builder().method(method).uri(path);
        if !media_type.is_empty() {
            request = request.header("content-type", media_type);
        }
        let response =
            backend(&server, Version::HTTP_11).send(request.body(Bytes::new()).unwrap()).await;
        got.push(format!(
            "{method} {path} {media_type} -> {} {} {}",
            line(&response),
            header(&response, "allow"),
            header(&response, "accept-post")
        ));
        assert_eq!(
            header(&response, "x-content-type-options") == "nosniff",
            media_type != "application/grpc"
        );
    }
    insta::assert_snapshot!(got.join("\n"), @r"
        GET /  -> 405 text/plain; charset=utf-8 This port speaks gRPC, gRPC-Web and Connect: call it with a client of one of them, such as grpcurl, or POST JSON to the path of an rpc. POST -
        GET /identitylink.v1.IdentityService/FindByEmail  -> 415 text/plain; charset=utf-8 Say in the query which encoding the message has: json or proto. - -
        GET /identitylink.v1.IdentityService/FindByEmail?encoding=yaml&message=x  -> 415 text/plain; charset=utf-8 Say in the query which encoding the message has: json or proto. - -
        GET /identitylink.v1.IdentityService/CreateUser  -> 405 text/plain; charset=utf-8 Call an rpc with POST, or with GET if it only reads and the message is in the query. POST -
        GET /identitylink.v1.EventService/WatchEvents application/connect+json -> 405 text/plain; charset=utf-8 Call an rpc with POST, or with GET if it only reads and the message is in the query. POST -
        PUT /identitylink.v1.IdentityService/FindByEmail application/json -> 405 text/plain; charset=utf-8 Call an rpc with POST, or with GET if it only reads and the message is in the query. GET, POST -
        DELETE /identitylink.v1.IdentityService/CreateUser application/grpc-web -> 405 text/plain; charset=utf-8 Call an rpc with POST, or with GET if it only reads and the message is in the query. POST -
        POST /identitylink.v1.IdentityService/FindByEmail  -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/json, application/proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.IdentityService/FindByEmail text/plain -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/json, application/proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.IdentityService/FindByEmail application/json; charset=latin-1 -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/json, application/proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.IdentityService/FindByEmail application/jsonp -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/json, application/proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.IdentityService/FindByEmail application/connect+json -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/json, application/proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.IdentityService/FindByEmail application/grpc-web-thrift -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/json, application/proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.EventService/WatchEvents application/json -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/connect+json, application/connect+proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.EventService/WatchEvents application/proto -> 415 text/plain; charset=utf-8 Send one content-type of those that accept-post lists. - application/connect+json, application/connect+proto, application/grpc-web+proto, application/grpc
        POST /identitylink.v1.TransferService/ImportUsers application/connect+json -> 505 text/plain; charset=utf-8 An rpc that streams in both directions needs HTTP/2. - -
        POST /identitylink.v1.IdentityService/FindByEmail application/grpc -> 505 -  - -
        OPTIONS /identitylink.v1.IdentityService/FindByEmail  -> 405 text/plain; charset=utf-8 Call an rpc with POST, or with GET if it only reads and the message is in the query. GET, POST -
        HEAD /identitylink.v1.IdentityService/FindByEmail  -> 405 text/plain; charset=utf-8  GET, POST -
        ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_message_is_refused_with_what_is_understood() {
    let server = TestServer::start().await;
    let find = pb::FindByEmailRequest { email: "a@example.com".into(), ..Default::default() };
    for version in BOTH {
        let client = backend(&server, version);
        for (form, name) in [
            (Form::Connect, "content-encoding"),
            (Form::ConnectJson, "content-encoding"),
            (Form::GrpcWeb, "grpc-encoding"),
            (Form::GrpcWebText, "grpc-encoding"),
        ] {
            let mut request = form.request(FIND, &find, r#"{"email":"a@example.com"}"#);
            request.headers_mut().insert(name, "gzip".parse().unwrap());
            let got = client.send(request).await;
            let refusal = crate::support::refusal(form.outcome(&got));
            assert_eq!(refusal, "Unimplemented ENCODING_UNSUPPORTED", "{form:?}");
            if name == "content-encoding" {
                assert_eq!(
                    (got.status().as_u16(), header(&got, "accept-encoding")),
                    (501, "identity")
                );
            }
        }
        let get = format!("{FIND}?encoding=json&message=%7B%7D&compression=gzip");
        let got = client.send(Request::get(get).body(Bytes::new()).unwrap()).await;
        assert_eq!((got.status().as_u16(), &json_of(&got)["code"]), (501, &"unimplemented".into()));
        // One frame that says it is compressed, and a stream that says it.
        for (name, value, flags) in
            [("connect-content-encoding", "gzip", 0), ("connect-content-encoding", "identity", 1)]
        {
            for media_type in ["application/connect+json", "application/connect+proto"] {
                let request = Request::post(WATCH).header("content-type", media_type);
                let request = request.header(name, value).body(frame(flags, b"{}").into()).unwrap();
                let got = client.send(request).await;
                let (end, error) = frames(got.body()).remove(0);
                let error: Value = serde_json::from_slice(&error).unwrap();
                let code = of_connect(&error["error"]).code();
                assert_eq!((got.status().as_u16(), end), (200, 2));
                let expected = [tonic::Code::Unimplemented, tonic::Code::InvalidArgument];
                assert!(expected.contains(&code), "{media_type} {flags} {error}");
            }
        }
    }
}

/// What headers and a query of Connect say wrong.
#[tokio::test(flavor = "multi_thread")]
async fn what_connect_does_not_know_is_refused_by_its_name() {
    let server = TestServer::start().await;
    let client = backend(&server, Version::HTTP_11);
    let mut got = Vec::new();
    for headers in [
        &[("connect-protocol-version", "2")][..],
        &[("connect-protocol-version", "1"), ("connect-protocol-version", "1")],
        &[("connect-timeout-ms", "1.5")],
        &[("connect-timeout-ms", "-1")],
        &[("connect-timeout-ms", "12345678901")],
        &[("connect-timeout-ms", "+5")],
        &[("connect-timeout-ms", "5"), ("connect-timeout-ms", "50000")],
    ] {
        let mut request = post(FIND, "{}");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        let refused = Form::ConnectJson.outcome(&client.send(request).await);
        got.push(format!("{headers:?} {}", crate::support::refusal(refused)));
    }
    for query in [
        "encoding=json",
        "encoding=json&message=%7B%7D&message=%7B%7D",
        "encoding=json&message=%7B%7D&connect=v2",
        "encoding=proto&message=%21&base64=1",
        "encoding=proto&message=&base64=yes",
        "encoding=json&message=%7B%22mail%22:%22%22%7D",
    ] {
        let request = Request::get(format!("{FIND}?{query}")).body(Bytes::new()).unwrap();
        let refused = Form::ConnectJson.outcome(&client.send(request).await);
        got.push(format!("{query} {}", crate::support::refusal(refused)));
    }
    insta::assert_snapshot!(got.join("\n"), @r#"
        [("connect-protocol-version", "2")] InvalidArgument REQUEST_INVALID
        connect-protocol-version: must be 1
        [("connect-protocol-version", "1"), ("connect-protocol-version", "1")] InvalidArgument REQUEST_INVALID
        connect-protocol-version: must be given once
        [("connect-timeout-ms", "1.5")] InvalidArgument REQUEST_INVALID
        connect-timeout-ms: must be milliseconds, in at most ten digits
        [("connect-timeout-ms", "-1")] InvalidArgument REQUEST_INVALID
        connect-timeout-ms: must be milliseconds, in at most ten digits
        [("connect-timeout-ms", "12345678901")] InvalidArgument REQUEST_INVALID
        connect-timeout-ms: must be milliseconds, in at most ten digits
        [("connect-timeout-ms", "+5")] InvalidArgument REQUEST_INVALID
        connect-timeout-ms: must be milliseconds, in at most ten digits
        [("connect-timeout-ms", "5"), ("connect-timeout-ms", "50000")] InvalidArgument REQUEST_INVALID
        connect-timeout-ms: must be given once
        encoding=json InvalidArgument REQUEST_INVALID
        message: is required
        encoding=json&message=%7B%7D&message=%7B%7D InvalidArgument REQUEST_INVALID
        message: must be given once
        encoding=json&message=%7B%7D&connect=v2 InvalidArgument REQUEST_INVALID
        connect: must be v1
        encoding=proto&message=%21&base64=1 InvalidArgument REQUEST_INVALID
        message: must be base64url (RFC 4648 §5)
        encoding=proto&message=&base64=yes InvalidArgument REQUEST_INVALID
        base64: must be 1, or be left out
        encoding=json&message=%7B%22mail%22:%22%22%7D InvalidArgument REQUEST_INVALID
        mail: is no field of its message: check how the proto spells it
        "#);
    // The longest deadline is longer than the server gives.
    let mut request = post(FIND, r#"{"email":"a@example.com"}"#);
    request.headers_mut().insert("connect-timeout-ms", "9999999999".parse().unwrap());
    assert_eq!(client.send(request).await.status(), 200);
}

//! An attacker who mixes the headers of the forms gets past no check of any of them.

use identity_link::grpc::proto as pb;

use super::*;
use crate::support::{
    refusal,
    wires::{FORMS, Form, frame},
};

/// G32: headers that mean something in one form, sent in the others by a stranger.
#[tokio::test(flavor = "multi_thread")]
async fn headers_of_other_forms_open_no_gate() {
    let server = TestServer::start().await;
    let get = pb::GetUserRequest { user_id: "x".into() };
    for (name, value) in [
        ("te", "trailers"),
        ("grpc-timeout", "1H"),
        ("grpc-status", "0"),
        ("grpc-encoding", "identity"),
        ("connect-protocol-version", "1"),
        ("connect-content-encoding", "identity"),
        ("x-grpc-web", "1"),
        ("x-http-method-override", "GET"),
        ("x-forwarded-proto", "https"),
        ("origin", "null"),
        ("grpc-metadata-authorization", "Bearer x"),
    ] {
        for version in BOTH {
            for form in FORMS.into_iter().filter(|form| form.goes_over(version)) {
                // A client of HTTP/2 may not send any other value, and none of HTTP/1.1 sends it so.
                let mut request = form.request(GET, &get, r#"{"userId":"x"}"#);
                request.headers_mut().insert(name, value.parse().unwrap());
                let got = stranger(&server, version).send(request).await;
                assert_eq!(
                    refusal(form.outcome(&got)),
                    "Unauthenticated TOKEN_MISSING",
                    "{name} {form:?} {version:?}"
                );
            }
        }
    }
}

/// Two media types: a reader in between may take the one, and the server the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_media_types_are_none() {
    let server = TestServer::start().await;
    let types = [
        "application/json",
        "application/proto",
        "application/grpc",
        "application/grpc-web",
        "text/plain",
    ];
    for version in BOTH {
        for first in types {
            for second in types {
                let request = Request::post(FIND)
                    .header("content-type", first)
                    .header("content-type", second)
                    .body(frame(0, b"").into())
                    .unwrap();
                let got = backend(&server, version).send(request).await;
                assert_eq!(got.status(), 415, "{first} {second} {got:?}");
            }
        }
    }
}

/// A deadline in a header of gRPC neither lengthens nor shortens that of Connect.
#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_grpc_does_not_count_in_connect() {
    let server = TestServer::start().await;
    for headers in
        [&[("grpc-timeout", "0n")][..], &[("grpc-timeout", "0n"), ("connect-timeout-ms", "30000")]]
    {
        let mut request = post(FIND, r#"{"email":"a@example.com"}"#);
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        assert_eq!(backend(&server, Version::HTTP_11).send(request).await.status(), 200);
    }
    let mut request = post(FIND, r#"{"email":"a@example.com"}"#);
    request.headers_mut().insert("grpc-timeout", "1H".parse().unwrap());
    request.headers_mut().insert("connect-timeout-ms", "0".parse().unwrap());
    assert_eq!(backend(&server, Version::HTTP_11).send(request).await.status(), 504);
}

/// The path decides what is judged, whatever stands around it.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_has_one_spelling() {
    let server = TestServer::start().await;
    for path in [
        "//identitylink.v1.IdentityService/FindByEmail",
        "/identitylink.v1.IdentityService/FindByEmail/",
        "/identitylink.v1.IdentityService//FindByEmail",
        "/identitylink.v1.IdentityService/findbyemail",
        "/identitylink.v1.IdentityService/FindByEmai%6c",
        "/x/../identitylink.v1.IdentityService/FindByEmail",
        "/identitylink.v1.IdentityService.FindByEmail",
    ] {
        for version in BOTH {
            let json = r#"{"email":"a@example.com"}"#;
            let got = backend(&server, version).send(post(path, json)).await;
            assert_eq!(
                refusal(Form::ConnectJson.outcome(&got)),
                "Unimplemented RPC_UNKNOWN",
                "{path}"
            );
            // A stranger does not learn which paths there are.
            let got = stranger(&server, version).send(post(path, json)).await;
            assert_eq!(
                refusal(Form::ConnectJson.outcome(&got)),
                "Unauthenticated TOKEN_MISSING",
                "{path}"
            );
        }
    }
}

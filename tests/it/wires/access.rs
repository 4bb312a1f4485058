//! The gate is the same in each form.

use identity_link::{
    auth::{AccessRule, CallShape, access::TABLE},
    grpc::proto as pb,
};

use super::*;
use crate::support::{
    refusal,
    wires::{FORMS, Form},
};

/// G32: each rpc with one message each way, by callers that it refuses: each form refuses as gRPC does.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_by_grpc_may_not_call_in_any_form() {
    let server = TestServer::start().await;
    let empty = pb::GetUserRequest::default();
    let callers = [
        None,
        Some("no.token.at-all".to_owned()),
        Some(Token::of("services", "backend").with("scope", "").sign()),
        Some(Token::of("github", "ann").with("scope", "").sign()),
        Some(Token::of("stranger", "ann").sign()),
        Some(Token::of("services", "backend").with("aud", "another").sign()),
    ];
    let rules: Vec<&AccessRule> =
        TABLE.iter().filter(|rule| rule.shape == CallShape::Unary).collect();
    assert!(rules.len() > 20);
    for rule in rules {
        for token in &callers {
            let caller =
                |version| WireClient { address: server.address, version, token: token.clone() };
            let by_grpc = caller(Version::HTTP_2).call(Form::Grpc, rule.path, &empty, "{}").await;
            let by_grpc = refusal(by_grpc);
            assert!(
                ["Unauthenticated", "PermissionDenied"]
                    .iter()
                    .any(|code| by_grpc.starts_with(code)),
                "{} {by_grpc}",
                rule.path
            );
            for form in FORMS.into_iter().filter(|form| *form != Form::Grpc) {
                let outcome = caller(Version::HTTP_11).call(form, rule.path, &empty, "{}").await;
                assert_eq!(refusal(outcome), by_grpc, "{} {form:?} {token:?}", rule.path);
            }
        }
    }
}

/// G34: what a caller may not read it may not read by GET either, and a GET changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_reads_can_be_called_by_get() {
    let server = TestServer::start().await;
    let before = server.database.db_everything().await;
    let empty = pb::GetUserRequest::default();
    for rule in TABLE {
        let request = Form::ConnectGet.request(rule.path, &empty, "");
        let stranger = stranger(&server, Version::HTTP_11).send(request).await;
        let reads =
            rule.class == identity_link::auth::CallClass::Read && rule.shape == CallShape::Unary;
        let expected = if reads { (401, "-") } else { (405, "POST") };
        assert_eq!(
            (stranger.status().as_u16(), header(&stranger, "allow")),
            expected,
            "{}",
            rule.path
        );
        if !reads {
            let request = Form::ConnectGet.request(rule.path, &empty, "");
            let refused = backend(&server, Version::HTTP_2).send(request).await;
            assert_eq!(refused.status(), 405, "{}", rule.path);
        }
    }
    assert_eq!(server.database.db_everything().await, before);
}

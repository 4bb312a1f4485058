//! Messages that do not decode, are too long, or come from callers without permission.

use identity_link::grpc::proto as pb;
use prost::Message as _;
use serde_json::json;

use crate::support::{tokens::Token, *};

const CREATE: &str = "/identitylink.v1.IdentityService/CreateUser";

fn bearer(token: &Token) -> String {
    format!("Bearer {}", token.sign())
}

/// An encoded request to create a user, with `user_metadata` nested so deep.
fn nested(levels: usize) -> Vec<u8> {
    let metadata = (1..levels).fold(json!({}), |inner, _| json!({ "d": inner }));
    let identity =
        pb::NewIdentity { identity_ref: identity_ref("github", "h1"), ..Default::default() };
    let user_metadata = object(metadata);
    pb::CreateUserRequest { identity: Some(identity), user_metadata, ..Default::default() }
        .encode_to_vec()
}

/// P02, G15: messages with bytes that are no UTF-8, are no message, or are nested too deep to
/// decode.
#[tokio::test]
async fn a_message_that_does_not_decode_gets_one_fixed_text() {
    let server = TestServer::start().await;
    let before = server.database.db_everything().await;
    let authorization = bearer(&Token::of("services", "backend"));
    let texts: [&[u8]; 7] = [
        &nested(40),
        &nested(500),
        // Field 1 is a message, with a length beyond the end.
        b"\x0a\x7f",
        // Field 1 as a number; a group without an end; a tag of no field.
        b"\x08\x01",
        b"\x0b",
        b"\x00\x00",
        // `identity.identity_ref.provider` that is not UTF-8.
        b"\x0a\x06\x0a\x04\x0a\x02\xff\xfe",
    ];

    for bytes in texts {
        let status =
            server.raw(CREATE, &[("authorization", &authorization)], bytes).await.unwrap_err();
        assert_eq!(
            status.message(),
            "the message does not decode: send what the proto describes, nested at most 16 levels deep"
        );
        assert_eq!(refusal::<()>(Err(status)), "InvalidArgument REQUEST_INVALID");
    }

    assert_eq!(server.database.db_everything().await, before);
    // A message nested twice as deep as the bound still decodes; the refusal names the path at
    // which it is too deep.
    let status = server.raw(CREATE, &[("authorization", &authorization)], &nested(30)).await;
    assert!(refusal(status).starts_with("InvalidArgument REQUEST_INVALID\nuser_metadata/d/d/"));
    // Unknown fields, as of a later version, are ignored.
    let later = [nested(1), b"\xf8\x3f\x01".to_vec()].concat();
    server.raw(CREATE, &[("authorization", &authorization)], &later).await.unwrap();
}

/// P10: with this bound, no value comes near the length limits of the Postgres protocol.
#[tokio::test]
async fn a_message_over_2_mib_is_out_of_range() {
    let server = TestServer::start().await;
    let before = server.database.db_everything().await;

    for bytes in [5 * 1024 * 1024, 2 * 1024 * 1024 + 1] {
        let message = vec![0; bytes];
        let authorization = bearer(&Token::of("services", "backend"));
        let status = server.raw(CREATE, &[("authorization", &authorization)], &message).await;
        assert_eq!(refusal(status), "OutOfRange MESSAGE_TOO_LARGE");
    }

    assert_eq!(server.database.db_everything().await, before);
    server.service().create("github", "h1").await;
}

/// A caller without permission learns nothing about its message.
#[tokio::test]
async fn a_message_is_judged_after_its_sender() {
    let server = TestServer::start().await;
    let service = Token::of("services", "backend").scope("read:users");
    let person = Token::of("github", "h1");
    let messages: [&[u8]; 3] = [&[], b"\x0a\x7f", &nested(40)];

    for message in messages {
        for token in [&service, &person] {
            let status = server.raw(CREATE, &[("authorization", &bearer(token))], message).await;
            assert_eq!(refusal(status), "PermissionDenied SCOPE_INSUFFICIENT");
        }
        let foreign = bearer(&Token::of("stranger", "x"));
        let status = server.raw(CREATE, &[("authorization", &foreign)], message).await;
        assert_eq!(refusal(status), "Unauthenticated TOKEN_INVALID");
        assert_eq!(
            refusal(server.raw(CREATE, &[], message).await),
            "Unauthenticated TOKEN_MISSING"
        );
    }
    let bad = pb::UpdateUserRequest { user_id: "a b".to_owned(), ..Default::default() };
    let outcome = server.caller(&person.scope("read:current_user")).update_user(bad).await;
    assert_eq!(refusal(outcome), "PermissionDenied SCOPE_INSUFFICIENT");
}

#[tokio::test]
async fn a_call_without_a_message_is_an_invalid_request() {
    let server = TestServer::start().await;
    let authorization = format!("Bearer {}", Token::of("services", "backend").sign());
    let refused = server
        .raw_without_message("/identitylink.v1.IdentityService/GetUser", &authorization)
        .await;
    assert_eq!(refusal(refused), "InvalidArgument REQUEST_INVALID");
}

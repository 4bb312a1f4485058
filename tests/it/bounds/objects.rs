//! Metadata and profile data: values that jsonb or a double cannot hold, and the limit on their
//! size.

use identity_link::grpc::proto as pb;
use prost_types::{Struct, Value as PbValue, value::Kind};
use serde_json::{Value, json};

use crate::support::*;

/// The refusals of this value in each field that accepts an object, with the path of the field.
async fn refusals(server: &TestServer, value: &Option<Struct>) -> Vec<(&'static str, String)> {
    let service = server.service();
    let user = service.create("github", &uuid::Uuid::new_v4().to_string()).await;
    let before = server.database.db_everything().await;
    let identity = |profile_data| {
        Some(pb::NewIdentity {
            identity_ref: identity_ref("github", "h2"),
            profile_data,
            ..Default::default()
        })
    };
    let create = async |request| refusal(service.create_user(request).await);
    let base = || pb::CreateUserRequest { identity: identity(None), ..Default::default() };
    let change = async |path, changed| {
        refusal(service.update_user(update(&user.id, &[path], changed)).await)
    };
    let give = async |given| {
        let source = Some(pb::merge_metadata_request::Source::Given(given));
        let request = pb::MergeMetadataRequest {
            user_id: user.id.clone(),
            source,
            user_metadata: merge_default(),
            app_metadata: merge_default(),
            ..Default::default()
        };
        refusal(service.merge_metadata(request).await)
    };
    let value = || value.clone();
    let told = vec![
        (
            "identity.profile_data",
            create(pb::CreateUserRequest { identity: identity(value()), ..base() }).await,
        ),
        ("user_metadata", create(pb::CreateUserRequest { user_metadata: value(), ..base() }).await),
        ("app_metadata", create(pb::CreateUserRequest { app_metadata: value(), ..base() }).await),
        (
            "profile_overrides",
            create(pb::CreateUserRequest { profile_overrides: value(), ..base() }).await,
        ),
        (
            "update.user_metadata",
            change(
                "user_metadata",
                pb::UserUpdate { user_metadata: value(), ..Default::default() },
            )
            .await,
        ),
        (
            "update.app_metadata",
            change("app_metadata", pb::UserUpdate { app_metadata: value(), ..Default::default() })
                .await,
        ),
        (
            "update.profile_overrides",
            change(
                "profile_overrides",
                pb::UserUpdate { profile_overrides: value(), ..Default::default() },
            )
            .await,
        ),
        (
            "given.user_metadata",
            give(pb::GivenMetadata { user_metadata: value(), ..Default::default() }).await,
        ),
        (
            "given.app_metadata",
            give(pb::GivenMetadata { app_metadata: value(), ..Default::default() }).await,
        ),
    ];
    assert_eq!(server.database.db_everything().await, before);
    told
}

/// Asserts that each of these fields refuses the value with these `(pointer, description)`.
async fn refused_everywhere(value: Option<Struct>, violations: &[(&str, &str)]) {
    let server = TestServer::start().await;
    for (field, told) in refusals(&server, &value).await {
        let lines: Vec<String> = violations
            .iter()
            .map(|(pointer, description)| format!("\n{field}{pointer}: {description}"))
            .collect();
        assert_eq!(told, format!("InvalidArgument REQUEST_INVALID{}", lines.concat()));
    }
}

/// `{"d": {"d": …}}` with this many levels.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "d": inner }))
}

fn number(number: f64) -> PbValue {
    PbValue { kind: Some(Kind::NumberValue(number)) }
}

/// P01: jsonb cannot hold U+0000.
#[tokio::test]
async fn nul_in_a_string_or_a_key_is_refused() {
    let nul = "This holds the character U+0000, which cannot be stored.";
    let value = object(json!({"a": ["x", {"b/c": "x\0y"}], "k\0": 1}));
    refused_everywhere(value, &[("/a/1/b~1c", nul), ("/k\\u{0}", nul)]).await;
}

/// P03: the server refuses it before the database reads it.
#[tokio::test]
async fn seventeen_levels_are_one_too_many() {
    let deep = "This is nested deeper than 16 levels.";
    let place = "/d".repeat(16);
    refused_everywhere(object(nested(17)), &[(&place, deep)]).await;
    refused_everywhere(object(nested(20)), &[(&place, deep)]).await;

    let server = TestServer::start().await;
    let user = server
        .service()
        .create_with("github", "h1", |request| request.user_metadata = object(nested(16)))
        .await;
    assert_eq!(json(&server.service().user(&user.id).await.user_metadata), nested(16));
}

#[tokio::test]
async fn a_mebibyte_is_too_much() {
    let value = object(json!({"k": "x".repeat(1024 * 1024 - 8)}));
    refused_everywhere(value, &[("", "This is 1048576 bytes of JSON; at most 16384 are allowed.")])
        .await;

    let server = TestServer::start().await;
    let largest = json!({"k": "x".repeat(16 * 1024 - 8)});
    let fill = |request: &mut pb::CreateUserRequest| request.app_metadata = object(largest.clone());
    let user = server.service().create_with("github", "h1", fill).await;
    assert_eq!(json(&server.service().user(&user.id).await.app_metadata), largest);
}

/// P05: no number is rounded silently.
#[tokio::test]
async fn a_number_is_kept_exactly_or_refused() {
    let beyond = "This number is beyond ±(2^53 − 1), so it may not be kept exactly.";
    let value = object(
        json!({"a": [9_007_199_254_740_991_i64, 9_007_199_254_740_992_i64], "b": {"c": -1e300}}),
    );
    refused_everywhere(value, &[("/a/1", beyond), ("/b/c", beyond)]).await;

    let none = "This number is infinite or not a number, which JSON does not have.";
    let list = prost_types::ListValue { values: vec![number(1.0), number(f64::INFINITY)] };
    let value = Struct {
        fields: [
            ("a~".to_owned(), number(f64::NAN)),
            ("b".to_owned(), PbValue { kind: Some(Kind::ListValue(list)) }),
            ("c".to_owned(), number(f64::NEG_INFINITY)),
        ]
        .into(),
    };
    refused_everywhere(Some(value), &[("/a~0", none), ("/b/1", none), ("/c", none)]).await;
}

/// An error by `google/protobuf/struct.proto`: as null it would be another value than the client
/// meant.
#[tokio::test]
async fn a_value_of_no_kind_is_refused() {
    let none = || PbValue { kind: None };
    let no_kind = "This value has no kind: leave the key out, or set null_value for null.";
    let list = prost_types::ListValue { values: vec![number(1.0), none()] };
    let value = Struct {
        fields: [
            ("a".to_owned(), none()),
            ("b".to_owned(), PbValue { kind: Some(Kind::ListValue(list)) }),
            ("c".to_owned(), PbValue { kind: Some(Kind::NullValue(0)) }),
        ]
        .into(),
    };
    refused_everywhere(Some(value), &[("/a", no_kind), ("/b/1", no_kind)]).await;
}

/// Text with a meaning in SQL, JSON or a terminal is stored as plain text.
#[tokio::test]
async fn text_is_returned_unchanged() {
    let server = TestServer::start().await;
    let value = json!({
        "'; DROP TABLE users; --": "\\u0000 \\ \" \u{1}\u{1b}[31m\u{7f}", "": "", "$1": "{}", "é": "e\u{301}\u{202e}",
        "ｘ": ["\u{10ffff}", "\u{feff}"], "n": [0.1, -5e-7, 1e-30, 9_007_199_254_740_i64],
    });
    let user = server
        .service()
        .create_with("github", "h1", |request| request.user_metadata = object(value.clone()))
        .await;
    assert_eq!(json(&server.service().user(&user.id).await.user_metadata), value);
}

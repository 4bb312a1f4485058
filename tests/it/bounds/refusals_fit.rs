//! A refusal is sent in headers, and most clients accept 8 or 16 KiB of these. So a refusal of any
//! number of violations must fit.

use identity_link::grpc::proto::{
    self as pb,
    metadata_merge::{Arrays, Conflict},
};
use prost_types::{Struct, Value as PbValue, value::Kind};
use serde_json::{Value, json};
use tonic::Status;

use crate::support::*;

/// Asserts that a refusal fits, and begins and ends with these texts.
fn assert_fits<T: std::fmt::Debug>(outcome: Result<T, Status>, begins: &str, ends: &str) {
    let details = outcome.as_ref().unwrap_err().details().len();
    assert!(details <= 5 * 1024, "{details} bytes of details");
    let told = refusal(outcome);
    assert!(told.starts_with(begins), "{told}");
    assert!(told.ends_with(ends), "{told}");
}

#[tokio::test]
async fn a_thousand_malformed_ids_are_refused_in_a_few_lines() {
    let server = TestServer::start().await;
    let outcome = server.service().resolve_users(resolve([" "; 1000])).await;
    assert_fits(
        outcome,
        "InvalidArgument REQUEST_INVALID\nuser_ids[0]: must be 1 to 255",
        "\n: there are more: correct these first",
    );
}

#[tokio::test]
async fn ten_thousand_numbers_that_are_none_are_refused_in_a_few_lines() {
    let server = TestServer::start().await;
    let fields =
        (0..10_000).map(|n| (n.to_string(), PbValue { kind: Some(Kind::NumberValue(f64::NAN)) }));
    let identity =
        pb::NewIdentity { identity_ref: identity_ref("github", "h1"), ..Default::default() };
    let request = pb::CreateUserRequest {
        identity: Some(identity),
        user_metadata: Some(Struct { fields: fields.collect() }),
        ..Default::default()
    };
    let outcome = server.service().create_user(request).await;
    assert_fits(
        outcome,
        "InvalidArgument REQUEST_INVALID\nuser_metadata/",
        "\n: there are more: correct these first",
    );
}

#[tokio::test]
async fn ten_thousand_unknown_paths_are_refused_in_a_few_lines() {
    let server = TestServer::start().await;
    let user = server.service().create("github", "h1").await;
    let paths = vec!["\u{1f600}\u{1f600}\u{1f600}"; 10_000];
    let outcome =
        server.service().update_user(update(&user.id, &paths, pb::UserUpdate::default())).await;
    assert_fits(
        outcome,
        "InvalidArgument REQUEST_INVALID\nupdate_mask: must name",
        "\n: there are more: correct these first",
    );
}

#[tokio::test]
async fn long_paths_in_many_places_are_refused_in_a_few_lines() {
    let server = TestServer::start().await;
    let wrong = || object(json!({ "\u{1f600}".repeat(500): vec!["\0"; 100] }));
    let identity = pb::NewIdentity {
        identity_ref: identity_ref("github", "h1"),
        profile_data: wrong(),
        ..Default::default()
    };
    let request = pb::CreateUserRequest {
        identity: Some(identity),
        user_metadata: wrong(),
        app_metadata: wrong(),
        profile_overrides: wrong(),
        ..Default::default()
    };
    let outcome = server.service().create_user(request).await;
    assert_fits(
        outcome,
        "InvalidArgument REQUEST_INVALID\nidentity.profile_data/",
        "\n: there are more: correct these first",
    );
}

#[tokio::test]
async fn a_thousand_conflicts_are_refused_in_a_few_lines() {
    let server = TestServer::start().await;
    let service = server.service();
    let side = |value: i32| {
        Value::Object((0..1000).map(|n| (format!("key-{n:04}"), json!(value))).collect())
    };
    let user = service
        .create_with("github", "h1", |request| request.user_metadata = object(side(1)))
        .await;
    let given = pb::GivenMetadata { user_metadata: object(side(2)), ..Default::default() };
    let request = pb::MergeMetadataRequest {
        user_id: user.id,
        source: Some(pb::merge_metadata_request::Source::Given(given)),
        user_metadata: merge(Conflict::Fail, Arrays::Unspecified),
        ..Default::default()
    };
    let outcome = service.merge_metadata(request).await;
    assert_fits(outcome, "FailedPrecondition METADATA_CONFLICT\nuser_metadata/key-0000\n", "\n");
}

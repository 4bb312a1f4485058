//! `UploadPlan`: a plan that a person has read and shortened.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use super::{apply, counted, found, links_of_plan, pairs};
use crate::support::{Caller, TestServer, jobs::metadata, refusal};

/// The lines of the plan of a search.
async fn plan(service: &Caller) -> Vec<Value> {
    let search = found(service).await;
    service.lines(&search).await.unwrap().into_iter().map(|(_, line)| line).collect()
}

fn texts(lines: &[Value]) -> Vec<String> {
    lines.iter().map(Value::to_string).collect()
}

#[tokio::test]
async fn a_plan_that_was_shortened_by_hand_is_applied() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    let lines = plan(&service).await;

    let kept = texts(&[lines[0].clone(), lines[2].clone()]);
    let uploaded = service.upload_plan(kept.chunks(1)).await.unwrap().operation.unwrap();

    assert_eq!((uploaded.done, metadata(&uploaded).line_count), (true, 2));
    let applied =
        service.done(&service.apply_plan(apply(&uploaded.name)).await.unwrap().name).await;
    assert_eq!(counted(metadata(&applied).counts.as_ref()), "1 0");
    let links = links_of_plan(&service, lines[0]["plan"].as_str().unwrap()).await;
    assert_eq!((links.len(), links[0].secondary_user_id.as_str()), (1, "github|b"));
}

/// A98: a plan with a wrong line is not stored, and all its wrong lines are named.
#[tokio::test]
async fn each_wrong_line_of_a_plan_is_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a"]).await;
    let lines = plan(&service).await;
    let mut marked = lines[1].clone();
    marked["against"] = json!([{"mark": "of a person"}]);
    let mut stranger = lines[1].clone();
    stranger["secondaries"][0]["id"] = json!("usr_unknown");
    let wrong = texts(&[lines[0].clone(), json!({"x": 1}), lines[1].clone(), marked]);

    let fields = |status: tonic::Status| {
        let violations = status.get_details_bad_request().unwrap().field_violations;
        violations.into_iter().map(|of| of.field).collect::<Vec<_>>().join(" ")
    };
    let refused = service.upload_plan(wrong.chunks(2)).await.unwrap_err();
    assert_eq!(fields(refused), "lines[2] lines[4]");
    let strangers = texts(&[lines[0].clone(), lines[1].clone(), stranger]);
    let refused = service.upload_plan(strangers.chunks(9)).await.unwrap_err();
    assert_eq!(fields(refused), "lines[3]");
    let none: [String; 0] = [];
    assert_eq!(fields(service.upload_plan(none.chunks(1)).await.unwrap_err()), "lines");
    let other = server.service().upload_plan(texts(&lines).chunks(9)).await;
    assert_eq!(
        refusal(other),
        "InvalidArgument REQUEST_INVALID\nlines[1]: is of a plan of another tenant"
    );
    let listed = service.list_operations(Default::default()).await.unwrap().operations;
    assert_eq!(listed.len(), 1);
}

/// A98: a plan that is cut short is not stored. A stream that its client resets looks like one that
/// has ended.
#[tokio::test]
async fn a_plan_that_does_not_say_that_it_is_complete_is_not_stored() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a"]).await;
    let lines = texts(&plan(&service).await);
    let message = |complete| pb::UploadPlanRequest { lines: lines.clone(), complete };

    let cut = service.upload_messages(vec![message(false)]).await;
    let late = service.upload_messages(vec![message(true), message(true)]).await;

    assert_eq!(
        refusal(cut),
        "InvalidArgument REQUEST_INVALID\ncomplete: is required in the last message: lines may be missing"
    );
    assert_eq!(
        refusal(late),
        "InvalidArgument REQUEST_INVALID\ncomplete: must be in the last message only"
    );
    let listed = service.list_operations(Default::default()).await.unwrap().operations;
    assert_eq!(listed.len(), 1);
    assert!(service.upload_messages(vec![message(true)]).await.is_ok());
}

/// What a plan has of a person beside ids is not stored.
#[tokio::test]
async fn of_an_uploaded_line_only_what_an_application_needs_is_stored() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a"]).await;
    let mut lines = plan(&service).await;
    lines[1]["note"] = json!("Ann, +15555550103");

    let uploaded = service.upload_plan(texts(&lines).chunks(9)).await.unwrap().operation.unwrap();

    let stored = service.lines(&uploaded.name).await.unwrap();
    insta::assert_snapshot!(stored[1].1, @r#"{"evidence":[{"holders":[{"user":"github|a"},{"user":"google-oauth2|a"}],"rule":"verified-email"}],"primary":{"id":"google-oauth2|a","version":1},"secondaries":[{"id":"github|a","version":1}]}"#);
    let upload = pb::job_metadata::Kind::UploadPlan;
    assert_eq!(metadata(&uploaded).kind(), upload);
}

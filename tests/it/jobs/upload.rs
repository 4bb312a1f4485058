//! `UploadPlan`: a plan that a person has read and shortened.

use identity_link::grpc::proto as pb;
use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use super::{apply, counted, found, links_of_plan, pairs};
use crate::support::{Caller, TestServer, block, cluster::cluster, jobs::metadata, refusal};

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
    let message =
        |complete| pb::UploadPlanRequest { lines: lines.clone(), complete, ..Default::default() };

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

/// These lines as a plan under this id, in so many messages.
fn under(request_id: &str, lines: &[String], parts: usize) -> Vec<pb::UploadPlanRequest> {
    let chunks = lines.chunks(lines.len().div_ceil(parts));
    let mut messages: Vec<_> = chunks
        .map(|lines| pb::UploadPlanRequest { lines: lines.to_vec(), ..Default::default() })
        .collect();
    messages[0].request_id = request_id.to_owned();
    messages.last_mut().unwrap().complete = true;
    messages
}

#[tokio::test]
async fn the_same_lines_under_the_same_id_are_stored_once() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    let lines = texts(&plan(&service).await);
    let id = uuid::Uuid::new_v4().to_string();

    let first = service.upload_messages(under(&id, &lines, 1)).await.unwrap();
    // However the lines are divided among messages.
    let again = service.upload_messages(under(&id, &lines, 3)).await.unwrap();
    let other = service.upload_messages(under(&id, &lines[..2], 1)).await;

    assert_eq!(first, again);
    assert_eq!(refusal(other), "InvalidArgument REQUEST_ID_REUSED");
    let listed = service.list_operations(Default::default()).await.unwrap().operations;
    assert_eq!(listed.len(), 2, "the search and one upload");
    assert_eq!(listed[0], first.operation.unwrap());
    let kept = "SELECT count(*)::text FROM jobs WHERE end_time IS NULL";
    assert_eq!(server.database.db_texts(kept).await, ["0"]);
}

#[tokio::test]
async fn a_wrong_id_is_named_together_with_the_wrong_lines() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a"]).await;
    let lines = texts(&plan(&service).await);
    let mut late = under("", &lines, 2);
    late[1].request_id = uuid::Uuid::new_v4().to_string();
    let wrong = [lines[0].clone(), "{}".to_owned()];

    let wrong = service.upload_messages(under("1", &wrong, 1)).await;
    let late = service.upload_messages(late).await;

    assert_eq!(
        refusal(wrong),
        "InvalidArgument REQUEST_INVALID\nrequest_id: must be a UUID other than the one with only zeros\n\
         lines[2]: is not of the plan's form"
    );
    assert_eq!(
        refusal(late),
        "InvalidArgument REQUEST_INVALID\nrequest_id: must be in the first message only"
    );
}

/// As an import, an upload lasts longer than other calls may.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_not_ended_by_the_time_of_a_call() {
    let database = cluster().db_migrated().await;
    let brief = |toml: String| format!("max_call_time = \"1s\"\n{toml}");
    let server = TestServer::start_with(database, brief).await;
    let service = server.service_of("joined");
    pairs(&service, &["a"]).await;
    let lines = texts(&plan(&service).await);
    let hold = "SELECT FROM users WHERE id = 'github|a' FOR UPDATE";
    let held = server.database.db_hold_statement(hold).await;
    let uploading = {
        let service = service.clone();
        tokio::spawn(async move { service.upload_plan(lines.chunks(9)).await })
    };
    server.database.db_until_waiting(1).await;
    let other = service.update_user(block("github|a", true)).await;
    assert_eq!(refusal(other), "DeadlineExceeded DEADLINE");

    held.db_release().await;

    assert!(uploading.await.unwrap().unwrap().operation.unwrap().done);
}

/// A client that sends nothing more does not keep its place.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_client_pauses_too_long_is_ended() {
    let database = cluster().db_migrated().await;
    let hasty = |toml: String| format!("{toml}\n[transfers]\nmax_pause = \"1s\"\n");
    let server = TestServer::start_with(database, hasty).await;

    let stalled = server.service().upload_and_pause().await;

    assert_eq!(refusal(stalled), "DeadlineExceeded DEADLINE");
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

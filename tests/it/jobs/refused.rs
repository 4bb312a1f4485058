//! Which calls about jobs are refused.

use identity_link::grpc::proto::{self as pb, google::longrunning::ListOperationsRequest};
use tonic_types::StatusExt as _;

use super::{apply, found, pairs};
use crate::support::{TestServer, cluster::cluster, refusal, tokens::Token};

/// A98: a token that may do all but jobs starts none, and does not read what others found.
#[tokio::test]
async fn only_the_scope_for_jobs_starts_and_reads_them() {
    let server = TestServer::start().await;
    let service = server.service();
    let search = found(&service).await;
    let scopes = "create:users delete:users read:connections read:events read:users sign_in:users update:users";
    let other = server.caller(&Token::of("services", "backend").scope(scopes));

    let refused = "PermissionDenied SCOPE_INSUFFICIENT";
    assert_eq!(refusal(other.find_duplicates(Default::default()).await), refused);
    assert_eq!(refusal(other.apply_plan(apply(&search)).await), refused);
    assert_eq!(refusal(other.undo_links(Default::default()).await), refused);
    assert_eq!(refusal(other.lines(&search).await), refused);
    assert_eq!(refusal(other.get_operation(&search).await), refused);
    assert_eq!(refusal(other.wait_operation(&search).await), refused);
    assert_eq!(refusal(other.cancel_operation(&search).await), refused);
    assert_eq!(refusal(other.delete_operation(&search).await), refused);
    assert_eq!(refusal(other.list_operations(Default::default()).await), refused);
}

/// A98: an operation of another tenant does not exist for its callers.
#[tokio::test]
async fn an_operation_of_another_tenant_does_not_exist() {
    let server = TestServer::start().await;
    let joined = server.service_of("joined");
    pairs(&joined, &["a"]).await;
    let search = found(&joined).await;
    let other = server.service();

    let gone = "NotFound OPERATION_NOT_FOUND";
    assert_eq!(refusal(other.get_operation(&search).await), gone);
    assert_eq!(refusal(other.wait_operation(&search).await), gone);
    assert_eq!(refusal(other.cancel_operation(&search).await), gone);
    assert_eq!(refusal(other.delete_operation(&search).await), gone);
    assert_eq!(refusal(other.lines(&search).await), gone);
    assert_eq!(refusal(other.apply_plan(apply(&search)).await), gone);
    assert!(other.list_operations(Default::default()).await.unwrap().operations.is_empty());
    assert!(joined.get_operation(&search).await.unwrap().done);
}

#[tokio::test]
async fn all_wrong_fields_are_named() {
    let server = TestServer::start().await;
    let service = server.service();
    let request = pb::ApplyPlanRequest {
        operation: "operations/1".to_owned(),
        limit: -1,
        rate: 20_000,
        accepted_marks: vec!["nothing".to_owned()],
        request_id: "1".to_owned(),
        ..Default::default()
    };
    let rule = Some(pb::undo_links_request::MadeBy::Rule(pb::SignInRule::IdentityKnown.into()));
    let undo = pb::UndoLinksRequest { made_by: rule, rate: -1, ..Default::default() };
    let rules = vec![0, 77];
    let find = pb::FindDuplicatesRequest { rules, primary: 9, ..Default::default() };
    let list = ListOperationsRequest {
        name: "x".to_owned(),
        filter: "done".to_owned(),
        page_size: 101,
        page_token: "x".to_owned(),
        ..Default::default()
    };

    let fields = |status: tonic::Status| {
        let violations = status.get_details_bad_request().unwrap().field_violations;
        violations.into_iter().map(|of| of.field).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        fields(service.apply_plan(request).await.unwrap_err()),
        "request_id operation limit rate accepted_marks"
    );
    assert_eq!(fields(service.undo_links(undo).await.unwrap_err()), "start_time rule rate");
    assert_eq!(fields(service.undo_links(Default::default()).await.unwrap_err()), "made_by");
    assert_eq!(fields(service.find_duplicates(find).await.unwrap_err()), "rules primary");
    assert_eq!(
        fields(service.list_operations(list).await.unwrap_err()),
        "name filter page_size page_token"
    );
    assert_eq!(fields(service.get_operation("1").await.unwrap_err()), "name");
}

/// A98: a plan that is not whole is not applied, and neither is what is no plan.
#[tokio::test]
async fn only_the_plan_of_a_search_that_succeeded_is_applied() {
    let database = cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| toml + "[jobs]\nat_once = 0\n").await;
    let service = server.service();
    let search = service.find_duplicates(Default::default()).await.unwrap().name;

    let unfinished = "FailedPrecondition OPERATION_UNFINISHED";
    assert_eq!(refusal(service.apply_plan(apply(&search)).await), unfinished);
    assert_eq!(refusal(service.lines(&search).await), unfinished);
    service.cancel_operation(&search).await.unwrap();
    assert_eq!(
        refusal(service.apply_plan(apply(&search)).await),
        "FailedPrecondition PLAN_INCOMPLETE"
    );
    let undo = super::undo_plan("0f1e2d3c-4b5a-4697-8877-665544332211");
    let undo = service.undo_links(undo).await.unwrap().name;
    assert_eq!(
        refusal(service.apply_plan(apply(&undo)).await),
        "InvalidArgument REQUEST_INVALID\noperation: must be of a search or of an upload"
    );
}

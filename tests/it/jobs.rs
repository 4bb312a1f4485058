//! Jobs: to find duplicates, to link by a plan and to take links back, over gRPC.

mod connections;
mod interrupted;
mod operations;
mod refused;
mod upload;

use identity_link::grpc::proto::{self as pb, link_proof::Proof};

use crate::support::{
    Caller, TestServer,
    jobs::{metadata, response},
    verified,
};

/// Creates a user at Google and one at GitHub for each of these names, with the same verified email:
/// `google-oauth2|NAME` is the older one.
async fn pairs(service: &Caller, names: &[&str]) {
    for name in names {
        let email = format!("{name}@example.com");
        service.create_with("google-oauth2", name, verified(&email)).await;
        service.create_with("github", name, verified(&email)).await;
    }
}

/// The name of a search that has succeeded.
async fn found(service: &Caller) -> String {
    let name = service.find_duplicates(Default::default()).await.unwrap().name;
    let operation = service.done(&name).await;
    let _: pb::FindDuplicatesResponse = response(&operation, "FindDuplicatesResponse");
    name
}

/// A request to apply the plan of this operation.
fn apply(operation: &str) -> pb::ApplyPlanRequest {
    pb::ApplyPlanRequest { operation: operation.to_owned(), ..Default::default() }
}

/// A request to take back the links of a plan.
fn undo_plan(plan_id: &str) -> pb::UndoLinksRequest {
    let made_by = Some(pb::undo_links_request::MadeBy::PlanId(plan_id.to_owned()));
    pb::UndoLinksRequest { made_by, ..Default::default() }
}

/// The counts of a job as `DONE ALREADY`, and with `REASON: COUNT` for each reason.
fn counted(counts: Option<&pb::VerdictCounts>) -> String {
    let pb::VerdictCounts { done, already, skipped } = counts.unwrap();
    let skipped = skipped.iter().map(|of| format!(" {}: {}", of.reason, of.count));
    format!("{done} {already}{}", skipped.collect::<String>())
}

/// The links of a plan, the newest first.
async fn links_of_plan(service: &Caller, plan_id: &str) -> Vec<pb::LinkRecord> {
    let filter = pb::LinkFilter { plan_id: plan_id.to_owned(), ..Default::default() };
    let request = pb::ListLinksRequest { filter: Some(filter), ..Default::default() };
    service.list_links(request).await.unwrap().links
}

#[tokio::test]
async fn a_service_finds_duplicates_links_them_by_the_plan_and_takes_the_links_back() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    service.create_with("apple", "c", verified("c@example.com")).await;

    let started = service.find_duplicates(Default::default()).await.unwrap();
    let search = service.done(&started.name).await;

    let figures: pb::FindDuplicatesResponse = response(&search, "FindDuplicatesResponse");
    assert_eq!((figures.identity_count, figures.cluster_count, figures.user_count), (5, 2, 4));
    let lines = service.lines(&search.name).await.unwrap();
    assert_eq!((lines.len(), &lines[0].1["plan"]), (3, &figures.plan_id.clone().into()));
    assert_eq!((lines[1].0, &lines[1].1["primary"]["id"]), (2, &"google-oauth2|a".into()));

    let why = server.service_of("joined").with_metadata("x-reason", "clean%20up");
    let applied = why.apply_plan(apply(&search.name)).await.unwrap();
    let applied = service.done(&applied.name).await;

    let result: pb::ApplyPlanResponse = response(&applied, "ApplyPlanResponse");
    assert_eq!((counted(result.counts.as_ref()), result.limited), ("2 0".to_owned(), false));
    let asked = pb::ApplyPlanRequest { rate: 50, ..apply(&search.name) };
    let asked = Some(pb::job_metadata::Request::ApplyPlan(asked));
    assert_eq!(metadata(&applied).request, asked);
    assert_eq!(result.plan_id, figures.plan_id);
    let report = service.lines(&applied.name).await.unwrap();
    assert_eq!(report.len(), 2);
    assert_eq!((&report[0].1["line"], &report[0].1["verdict"]), (&2.into(), &"linked".into()));
    let links = links_of_plan(&service, &figures.plan_id).await;
    let actors: Vec<_> = links.iter().map(|link| link.actor.clone().unwrap()).collect();
    assert_eq!(actors, vec![metadata(&applied).actor.unwrap(); 2]);
    assert_eq!((actors[0].subject.as_str(), actors[0].reason.as_str()), ("backend", "clean up"));
    let plan = Some(Proof::Plan(pb::link_proof::Plan {}));
    assert!(links.iter().all(|link| link.proof.clone().unwrap().proof == plan), "{links:?}");
    assert_eq!(service.user("github|a").await.id, "google-oauth2|a");

    let undone = service.undo_links(undo_plan(&figures.plan_id)).await.unwrap();
    let undone = service.done(&undone.name).await;

    let result: pb::UndoLinksResponse = response(&undone, "UndoLinksResponse");
    assert_eq!(counted(result.counts.as_ref()), "2 0");
    assert_eq!(service.user("github|a").await.id, "github|a");
    assert_eq!(service.lines(&undone.name).await.unwrap()[0].1["verdict"], "undone");
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_preview_changes_nothing_and_a_limit_leaves_the_rest_to_the_next_operation() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    let search = found(&service).await;
    let before = server.database.db_everything().await;

    let preview = pb::ApplyPlanRequest { validate_only: true, ..apply(&search) };
    let preview = service.done(&service.apply_plan(preview).await.unwrap().name).await;

    assert_eq!(counted(metadata(&preview).counts.as_ref()), "2 0");
    let report = service.lines(&preview.name).await.unwrap();
    assert_eq!(report.len(), 2);
    assert!(report.iter().all(|(_, line)| line["verdict"] == "would_link"), "{report:?}");
    assert_eq!(server.database.db_everything().await, before);
    for (limited, counts) in [(true, "1 0"), (false, "1 1")] {
        let request = pb::ApplyPlanRequest { limit: 1, ..apply(&search) };
        let applied = service.done(&service.apply_plan(request).await.unwrap().name).await;
        let result: pb::ApplyPlanResponse = response(&applied, "ApplyPlanResponse");
        assert_eq!((result.limited, counted(result.counts.as_ref())), (limited, counts.to_owned()));
    }
}

/// A98: what has changed since the plan is skipped, and so is a line with a mark.
#[tokio::test]
async fn what_changed_since_the_plan_or_has_a_mark_is_skipped() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    service.block("github|b", true).await;
    let search = found(&service).await;
    service.block("github|a", true).await;
    service.block("github|a", false).await;

    let applied = service.done(&service.apply_plan(apply(&search)).await.unwrap().name).await;

    assert_eq!(counted(metadata(&applied).counts.as_ref()), "0 0 MARKED: 1 VERSION_MISMATCH: 1");
    let report = service.lines(&applied.name).await.unwrap();
    let (_, marked) = report.iter().find(|(_, line)| line["reason"] == "MARKED").unwrap();
    assert_eq!(marked["marks"], serde_json::json!(["blocked"]));
    let marks = vec!["blocked".to_owned()];
    let request = pb::ApplyPlanRequest { accepted_marks: marks, ..apply(&search) };
    let applied = service.done(&service.apply_plan(request).await.unwrap().name).await;
    let counts = counted(metadata(&applied).counts.as_ref());
    assert_eq!(counts, "0 0 USER_BLOCKED: 1 VERSION_MISMATCH: 1");
}

#[tokio::test]
async fn links_of_a_service_are_taken_back_by_the_time_at_which_it_made_them() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a"]).await;
    service.link(crate::support::link_user("google-oauth2|a", "github|a")).await.unwrap();
    let link = service.list_links(pb::ListLinksRequest {
        user_id: "google-oauth2|a".to_owned(),
        ..Default::default()
    });
    let link = link.await.unwrap().links.remove(0);
    let actor = link.actor.unwrap();
    let made_by = pb::undo_links_request::Service { issuer: actor.issuer, subject: actor.subject };
    let made_by = Some(pb::undo_links_request::MadeBy::Service(made_by));

    let request =
        pb::UndoLinksRequest { made_by, start_time: link.link_time, ..Default::default() };
    let undone = service.done(&service.undo_links(request).await.unwrap().name).await;

    assert_eq!(counted(metadata(&undone).counts.as_ref()), "1 0");
    assert_eq!(service.user("github|a").await.id, "github|a");
}

/// A deletion reaches the lines of jobs: they hold ids and accounts.
#[tokio::test]
async fn a_line_is_erased_when_one_of_its_users_is_deleted() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    let search = found(&service).await;
    let preview = pb::ApplyPlanRequest { validate_only: true, ..apply(&search) };
    let preview = service.done(&service.apply_plan(preview).await.unwrap().name).await;

    service.delete_user(crate::support::delete("github|a")).await.unwrap();

    let numbers = async |name: &str| {
        let lines = service.lines(name).await.unwrap();
        lines.into_iter().map(|(number, _)| number).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&search).await, numbers(&preview.name).await), (vec![1, 3], vec![2]));
    let applied = service.done(&service.apply_plan(apply(&search)).await.unwrap().name).await;
    assert_eq!(counted(metadata(&applied).counts.as_ref()), "1 0");
    let about =
        "SELECT line FROM job_lines WHERE line LIKE '%github|a%' OR 'github|a' = ANY(concerned)";
    assert_eq!(server.database.db_texts(about).await, [""; 0]);
}

//! The state of jobs: they are listed, waited for, cancelled and forgotten.

use std::time::Duration;

use identity_link::grpc::proto::{self as pb, google::longrunning::ListOperationsRequest};
use tokio::time::timeout;

use super::{apply, counted, found, links_of_plan, pairs, undo_plan};
use crate::{
    management::{channel, serving},
    metrics::{scraped, series},
    support::{
        Caller, TestServer,
        cluster::cluster,
        jobs::{error, metadata},
        refusal,
        standstill::Moment,
        tokens::Token,
    },
};

/// A server that carries out no job, so that jobs wait.
async fn idle_server() -> TestServer {
    let database = cluster().db_migrated().await;
    TestServer::start_with(database, |toml| toml + "[jobs]\nat_once = 0\n").await
}

/// So a caller that did not start a job sees what it does, and can ask for the same.
#[tokio::test]
async fn an_operation_has_what_was_asked_for_with_the_defaults() {
    use pb::{job_metadata::Request, undo_links_request::MadeBy};
    let server = idle_server().await;
    let service = server.service();
    let request_id = uuid::Uuid::new_v4().to_string();
    let rules = vec![pb::DuplicateRule::Gmail.into(), pb::DuplicateRule::VerifiedPhone.into()];
    let search = pb::FindDuplicatesRequest { rules, request_id, ..Default::default() };
    let started = service.find_duplicates(search).await.unwrap();
    let Some(Request::FindDuplicates(search)) = metadata(&started).request else { panic!() };
    assert_eq!((search.rules.len(), search.primary().as_str_name()), (2, "PRIMARY_OLDEST"));
    assert_eq!(search.request_id, "");
    let default = service.find_duplicates(Default::default()).await.unwrap();
    let Some(Request::FindDuplicates(search)) = metadata(&default).request else { panic!() };
    assert_eq!(search.rules, [i32::from(pb::DuplicateRule::VerifiedEmail)]);

    let plan_id = uuid::Uuid::new_v4().to_string();
    let undo = pb::UndoLinksRequest { rate: 7, validate_only: true, ..undo_plan(&plan_id) };
    let started = service.undo_links(undo.clone()).await.unwrap();
    assert_eq!(metadata(&started).request, Some(Request::UndoLinks(undo)));
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let service_of = pb::undo_links_request::Service {
        issuer: "https://i.example".to_owned(),
        subject: "s".to_owned(),
    };
    let rule = pb::SignInRule::EmailVerifiedOnBothSides.into();
    for made_by in [MadeBy::Service(service_of), MadeBy::Rule(rule)] {
        let undo = pb::UndoLinksRequest {
            made_by: Some(made_by),
            start_time: at(1_700_000_000),
            end_time: at(1_700_000_001),
            ..Default::default()
        };
        let started = service.undo_links(undo.clone()).await.unwrap();
        let asked = Some(Request::UndoLinks(pb::UndoLinksRequest { rate: 50, ..undo }));
        assert_eq!(metadata(&started).request, asked);
        assert_eq!(service.get_operation(&started.name).await.unwrap(), started);
    }
}

#[tokio::test]
async fn a_repeated_call_returns_the_same_operation() {
    let server = idle_server().await;
    let service = server.service();
    let request_id = uuid::Uuid::new_v4().to_string();
    let request = pb::FindDuplicatesRequest { request_id, ..Default::default() };

    let first = service.find_duplicates(request.clone()).await.unwrap();
    let second = service.find_duplicates(request.clone()).await.unwrap();

    assert_eq!((first.done, &first), (false, &second));
    let rules = vec![pb::DuplicateRule::Gmail.into()];
    let other = pb::FindDuplicatesRequest { rules, ..request };
    assert_eq!(refusal(service.find_duplicates(other).await), "InvalidArgument REQUEST_ID_REUSED");
    assert_eq!(service.list_operations(Default::default()).await.unwrap().operations, [first]);
}

#[tokio::test]
async fn operations_are_listed_page_by_page_and_forgotten_after_their_deletion() {
    let server = idle_server().await;
    let service = server.service();
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(service.find_duplicates(Default::default()).await.unwrap().name);
    }
    names.reverse();
    let mut request = ListOperationsRequest { page_size: 2, ..Default::default() };

    let mut listed = Vec::new();
    for size in [2, 1] {
        let page = service.list_operations(request.clone()).await.unwrap();
        assert_eq!(page.operations.len(), size);
        listed.extend(page.operations.into_iter().map(|operation| operation.name));
        request.page_token = page.next_page_token;
    }
    assert_eq!((listed, request.page_token.as_str()), (names.clone(), ""));

    assert_eq!(
        refusal(service.delete_operation(&names[0]).await),
        "FailedPrecondition OPERATION_UNFINISHED"
    );
    service.cancel_operation(&names[0]).await.unwrap();
    service.delete_operation(&names[0]).await.unwrap();
    let gone = "NotFound OPERATION_NOT_FOUND";
    assert_eq!(refusal(service.get_operation(&names[0]).await), gone);
    assert_eq!(refusal(service.delete_operation(&names[0]).await), gone);
    let left = service.list_operations(Default::default()).await.unwrap().operations;
    assert_eq!(left.len(), 2);
}

#[tokio::test]
async fn a_cancelled_job_ends_after_the_link_that_is_being_made_and_reports_what_stays() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    // The server hears of the cancellation while it makes the next links: more than it can make by then.
    let names: Vec<String> = (b'a'..=b'z').map(|letter| char::from(letter).to_string()).collect();
    pairs(&service, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let search = found(&service).await;
    let held = server.database.db_hold_events("google-oauth2|b", Moment::BeforeInsert).await;
    let name = service.apply_plan(apply(&search)).await.unwrap().name;
    server.database.db_until_waiting(1).await;
    let running = metadata(&service.get_operation(&name).await.unwrap());
    assert_eq!(running.state(), pb::job_metadata::State::Running);

    service.cancel_operation(&name).await.unwrap();
    held.db_release().await;

    let ended = service.done(&name).await;
    assert_eq!(refusal::<()>(Err(error(&ended))), "Cancelled OPERATION_CANCELLED");
    let shown = metadata(&ended);
    assert_eq!(shown.state(), pb::job_metadata::State::Cancelled);
    let plan = search.trim_start_matches("operations/");
    let links = links_of_plan(&service, plan).await.len();
    assert_eq!(counted(shown.counts.as_ref()), format!("{links} 0"));
    assert!(links < names.len(), "{links}");
    assert_eq!(service.lines(&name).await.unwrap().len(), links);
    service.cancel_operation(&name).await.unwrap();
    assert_eq!(service.get_operation(&name).await.unwrap(), ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_jobs_ended() {
    let (_child, management, calls) = serving(&cluster().db_migrated().await, |toml| toml);
    let token = Token::of("services", "backend").sign();
    let service = Caller::new(channel(calls), Some(token));
    found(&service).await;
    // The server carries out one job at once, so the first one has been counted when it takes this.
    found(&service).await;

    let (_, text) = scraped(management, "*/*").await;

    let ended = "identity_link_jobs_ended_total{kind=\"find_duplicates\",outcome=\"succeeded\"}";
    let series = series(&text);
    assert!([1.0, 2.0].contains(&series[ended]), "{text}");
    assert!(series.contains_key("identity_link_jobs_running{kind=\"find_duplicates\"}"), "{text}");
    // Each plan has a header.
    let lines = series["identity_link_job_lines_total{kind=\"find_duplicates\"}"];
    assert!([1.0, 2.0].contains(&lines), "{text}");
    let failed = "identity_link_jobs_ended_total{kind=\"apply_plan\",outcome=\"failed\"}";
    assert_eq!(series[failed], 0.0, "an alert needs the zero before a rise");
}

/// A server that carries out no job still shows that some wait.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_that_jobs_wait() {
    let idle = |toml: String| toml + "[jobs]\nat_once = 0\n";
    let database = cluster().db_migrated().await;
    let (_child, management, calls) = serving(&database, idle);
    let token = Token::of("services", "backend").sign();
    let service = Caller::new(channel(calls), Some(token));
    service.find_duplicates(Default::default()).await.unwrap();
    database.db_execute("UPDATE jobs SET create_time = now() - interval '2 hours'").await;
    service.find_duplicates(Default::default()).await.unwrap();

    let seen = async {
        loop {
            let (_, text) = scraped(management, "*/*").await;
            let series = series(&text);
            if series["identity_link_jobs_waiting"] == 2.0 {
                return series["identity_link_jobs_longest_wait_seconds"];
            }
        }
    };
    let longest = timeout(Duration::from_secs(60), seen).await.expect("both should be seen");
    assert!((7200.0..8000.0).contains(&longest), "{longest}");
}

#[tokio::test]
async fn a_tenant_has_a_hundred_jobs_that_have_not_ended_at_most() {
    let server = idle_server().await;
    let service = server.service();
    // A client that resets its upload leaves such a row.
    let broken_off = "INSERT INTO jobs (tenant_id, id, kind, settings, actor, lease_owner, lease_until, expire_time) \
        SELECT 'default', gen_random_uuid(), 'upload_plan', '{}', '{}', gen_random_uuid(), now() - interval '1 s', \
          now() + interval '1 day' FROM generate_series(1, 200)";
    server.database.db_execute(broken_off).await;
    for _ in 0..100 {
        service.find_duplicates(Default::default()).await.unwrap();
    }

    let refused = refusal(service.find_duplicates(Default::default()).await);

    assert_eq!(refused, "FailedPrecondition TOO_MANY_OPERATIONS");
    server.service_of("joined").find_duplicates(Default::default()).await.unwrap();
}

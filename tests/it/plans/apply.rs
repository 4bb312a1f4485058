//! What a plan links, and what is known of each link afterwards.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _};

use identity_link::grpc::proto::{self as pb, actor::Kind, link_proof::Proof};
use serde_json::{Value, json};

use super::{Desk, figures, last_said};
use crate::support::{
    child::{binary, run_command},
    events::{events, line},
    link_user, links_of, object, unlink, verified,
};

#[tokio::test]
async fn a_plan_makes_one_user_of_each_cluster() {
    let desk = Desk::start("story").await;
    desk.pairs(&["ann", "bob"]).await;
    desk.service.create_with("apple", "ann", verified("ann@example.com")).await;
    desk.service.create_with("apple", "cy", verified("cy@example.com")).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let id = desk.lines("plan.ndjson")[0]["plan"].as_str().unwrap().to_owned();

    let before = desk.server.database.db_everything().await;
    let ran = desk.run("apply", &["--dry-run", &plan]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(
        ran.stdout,
        format!("plan {id} of joined\nwould be linked: 3, already: 0, skipped: 0")
    );
    assert_eq!(before, desk.server.database.db_everything().await, "a dry run wrote something");

    let ran = desk
        .run("apply", &["--reason", "clean up", "--report", &desk.path("report.ndjson"), &plan]);

    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(figures(&ran), "linked: 3, already: 0, skipped: 0");
    let ann = desk.service.user("google-oauth2|ann").await;
    assert_eq!((ann.identities.len(), ann.version), (3, 3));
    assert_eq!(desk.service.user("apple|cy").await.version, 1);
    let links = desk.service.list_links(links_of("google-oauth2|ann")).await.unwrap().links;
    assert_eq!(links.len(), 2);
    for link in &links {
        let (kind, reason) = (Kind::Operator.into(), "clean up".to_owned());
        assert_eq!(link.actor, Some(pb::Actor { kind, reason, ..Default::default() }));
        assert_eq!(link.proof.clone().unwrap().proof, Some(Proof::Plan(pb::link_proof::Plan {})));
        assert_eq!(link.plan_id, id);
        assert!(link.require_shared_verified_email);
    }
    let events = events(&desk.service, 9).await;
    let linked = events.iter().filter(|event| line(event).starts_with("linked"));
    let linked: Vec<_> =
        linked.map(|event| (line(event), event.actor.as_ref().unwrap().kind())).collect();
    assert_eq!(linked.len(), 3);
    assert!(linked.iter().all(|(_, kind)| *kind == Kind::Operator), "{linked:?}");
    let mut verdicts = desk.verdicts("report.ndjson");
    verdicts.sort();
    assert_eq!(verdicts, ["apple|ann linked", "github|ann linked", "github|bob linked"]);
    let report = desk.lines("report.ndjson");
    let of_ann = |line: &&Value| line["primary"] == "google-oauth2|ann";
    let mut ids: Vec<_> =
        report.iter().filter(of_ann).map(|line| line["link"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let mut expected: Vec<_> = links.iter().map(|link| link.id.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    desk.server.database.db_assert_invariants().await;

    let before = desk.server.database.db_everything().await;
    let again = desk.run("apply", &[&plan]);
    assert_eq!((again.code, figures(&again)), (Some(0), "linked: 0, already: 3, skipped: 0"));
    assert_eq!(before, desk.server.database.db_everything().await, "a link was made again");
}

#[tokio::test]
async fn the_tenant_is_that_of_the_plan() {
    let desk = Desk::start("of_plan").await;
    desk.pairs(&["ann"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let config = desk.config.to_str().unwrap();

    // The configuration has several.
    let ran = run_command(binary(&["apply", "--config", config, &plan]));

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(figures(&ran), "linked: 1, already: 0, skipped: 0");
    assert_eq!(desk.db_links_of_plans().await, ["google-oauth2|ann github|ann"]);
}

#[tokio::test]
async fn a_link_changes_no_metadata_of_the_primary_user() {
    let desk = Desk::start("metadata").await;
    let with_theme = |theme: &'static str| {
        move |request: &mut pb::CreateUserRequest| {
            verified("ann@example.com")(request);
            request.user_metadata = object(json!({"theme": theme}));
        }
    };
    let ann = desk.service.create_with("google-oauth2", "ann", with_theme("dark")).await;
    desk.service.create_with("github", "ann", with_theme("light")).await;
    let plan = desk.plan("plan.ndjson", &[]);

    assert_eq!(desk.run("apply", &[&plan]).code, Some(0));

    assert_eq!(desk.service.user(&ann.id).await.user_metadata, ann.user_metadata);
}

/// A96: what a sign-in would not link by itself needs the operator's word.
#[tokio::test]
async fn a_line_with_a_mark_is_linked_only_if_the_operator_accepts_its_marks() {
    let desk = Desk::start("marks").await;
    desk.pairs(&["ann", "bob"]).await;
    for subject in ["same1", "same2"] {
        desk.service.create_with("apple", subject, verified("same@example.com")).await;
    }
    desk.service.block("github|bob", true).await;
    let plan = desk.plan("plan.ndjson", &[]);

    let ran = desk.run("apply", &["--dry-run", &plan]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let marked = "MARKED: 2\n    blocked: 1\n    same_provider: 1";
    assert_eq!(figures(&ran), format!("would be linked: 1, already: 0, skipped: 2\n  {marked}"));
    let report = desk.path("report.ndjson");
    let ran = desk.run("apply", &["--report", &report, &plan]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(figures(&ran), format!("linked: 1, already: 0, skipped: 2\n  {marked}"));
    assert_eq!(marks_of(&desk, "report.ndjson", "github|bob"), json!(["blocked"]));
    assert_eq!(marks_of(&desk, "report.ndjson", "apple|same2"), json!(["same_provider"]));
    assert_eq!(marks_of(&desk, "report.ndjson", "github|ann"), json!(null));
    assert_eq!(last_said(&ran), "identity-link: 2 links were skipped");
    assert_eq!(desk.db_links_of_plans().await, ["google-oauth2|ann github|ann"]);

    let accept = ["--accept-mark", "same_provider", "--accept-mark", "blocked", &plan];
    let ran = desk.run("apply", &accept);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(figures(&ran), "linked: 1, already: 1, skipped: 1\n  USER_BLOCKED: 1");
    assert_eq!(
        desk.db_links_of_plans().await,
        ["apple|same1 apple|same2", "google-oauth2|ann github|ann"]
    );

    let ran = desk.run("apply", &["--accept-mark", "any", &plan]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

/// The marks with which the report says that a secondary user was skipped.
fn marks_of(desk: &Desk, report: &str, secondary: &str) -> Value {
    let mut lines = desk.lines(report).into_iter();
    lines.find(|line| line["secondary"] == secondary).unwrap()["marks"].take()
}

/// A96: the report names what an operator would have to accept, and not what was accepted.
#[tokio::test]
async fn the_report_names_each_mark_that_is_not_accepted() {
    let desk = Desk::start("each_mark").await;
    for subject in ["same1", "same2"] {
        desk.service.create_with("apple", subject, verified("same@example.com")).await;
    }
    desk.service.link(link_user("apple|same1", "apple|same2")).await.unwrap();
    desk.service.unlink(unlink("apple|same1", "apple", "same2")).await.unwrap();
    desk.service.block("apple|same2", true).await;
    let plan = desk.plan("plan.ndjson", &[]);

    for (accepted, left) in [
        (&[][..], &["blocked", "taken_apart", "same_provider"][..]),
        (&["same_provider"], &["blocked", "taken_apart"]),
        (&["same_provider", "blocked"], &["taken_apart"]),
    ] {
        let report = format!("report{}.ndjson", accepted.len());
        let path = desk.path(&report);
        let mut arguments = vec!["--report", &path, &plan];
        arguments.extend(accepted.iter().flat_map(|mark| ["--accept-mark", mark]));
        let ran = desk.run("apply", &arguments);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert_eq!(marks_of(&desk, &report, "apple|same2"), json!(left));
        let shown: String =
            BTreeSet::from_iter(left).iter().map(|m| format!("\n    {m}: 1")).collect();
        assert_eq!(figures(&ran), format!("linked: 0, already: 0, skipped: 1\n  MARKED: 1{shown}"));
    }
    assert!(desk.db_links_of_plans().await.is_empty());
}

/// A plan of a later release may have marks that this one does not know.
#[tokio::test]
async fn an_unknown_mark_is_never_accepted() {
    let desk = Desk::start("unknown_mark").await;
    desk.pairs(&["ann"]).await;
    desk.plan("plan.ndjson", &[]);
    let mut lines = desk.lines("plan.ndjson");
    lines[1]["against"] = json!([{"mark": "of_later"}, {"mark": "same_provider"}]);
    let plan = desk.write("later.ndjson", &lines);

    let ran = desk.run("apply", &["--accept-mark", "same_provider", &plan]);

    assert_eq!(figures(&ran), "linked: 0, already: 0, skipped: 1\n  MARKED: 1\n    of_later: 1");
}

/// The second user shares an email with the third one alone, so it is linked after it.
#[tokio::test]
async fn users_that_are_connected_over_others_are_linked_in_that_order() {
    let desk = Desk::start("chain").await;
    desk.service.create_with("google-oauth2", "a", verified("x@example.com")).await;
    desk.service.create_with("apple", "c", verified("y@example.com")).await;
    desk.service.create_with("github", "b", verified("x@example.com")).await;
    desk.service.create_with("auth0", "b", verified("y@example.com")).await;
    desk.service.link(link_user("github|b", "auth0|b")).await.unwrap();
    let plan = desk.plan("plan.ndjson", &[]);

    // The user of the chain has an account from before its second email.
    let accept = ["--accept-mark", "account_older_than_email", &plan];
    let ran = desk.run("apply", &[&["--dry-run"], &accept[..]].concat());
    assert_eq!(figures(&ran), "would be linked: 2, already: 0, skipped: 0");
    let report = desk.path("report.ndjson");
    let ran = desk.run("apply", &[&["--report", &report], &accept[..]].concat());

    assert_eq!(figures(&ran), "linked: 2, already: 0, skipped: 0");
    assert_eq!(desk.verdicts("report.ndjson"), ["github|b linked", "apple|c linked"]);
    assert_eq!(desk.service.user("google-oauth2|a").await.identities.len(), 4);
}

#[tokio::test]
async fn the_report_is_private_and_never_overwritten() {
    let desk = Desk::start("report").await;
    desk.pairs(&["ann"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let report = desk.path("report.ndjson");

    assert_eq!(desk.run("apply", &["--dry-run", "--report", &report, &plan]).code, Some(0));

    assert_eq!(fs::metadata(&report).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&report).unwrap();
    assert_eq!(
        text,
        "{\"line\":2,\"primary\":\"google-oauth2|ann\",\"secondary\":\"github|ann\",\"verdict\":\"would_link\"}\n"
    );
    let again = desk.run("apply", &["--report", &report, &plan]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("exists, and is not overwritten"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&report).unwrap(), text);
    assert!(desk.db_links_of_plans().await.is_empty());
}

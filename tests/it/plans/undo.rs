//! `identity-link undo` takes back the links of a plan, of a rule or of a service.

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Desk, figures};
use crate::support::{
    Caller,
    child::{Ran, Running, run_command},
    events::{events, line},
    identity_ref, link_identity, link_user, links_of, object, sign_in_with,
    standstill::Moment,
    tokens::{Token, iss},
    unlink, verified,
};

/// The users as `export` writes them, without the times that an undo leaves as a trace: of the change,
/// from which on tokens count, and since when an account is here.
fn exported(desk: &Desk) -> Vec<Value> {
    let ran = desk.run("export", &[]);
    let lines = ran.stdout.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let keys = line.as_object_mut().unwrap();
        keys.remove("update_time");
        keys.remove("tokens_valid_from");
        for identity in keys["identities"].as_array_mut().unwrap() {
            identity.as_object_mut().unwrap().remove("attach_time");
        }
        line
    });
    lines.collect()
}

/// The ids of the standing links of a user, the newest first.
async fn standing(caller: &Caller, user_id: &str) -> usize {
    let links = caller.list_links(links_of(user_id)).await.unwrap().links;
    links.iter().filter(|link| link.undo_time.is_none()).count()
}

#[tokio::test]
async fn all_links_of_a_plan_are_taken_back() {
    let desk = Desk::start("undo_story").await;
    let with_theme = |request: &mut pb::CreateUserRequest| {
        verified("ann@example.com")(request);
        request.user_metadata = object(json!({"theme": "dark"}));
    };
    desk.service.create_with("google-oauth2", "ann", with_theme).await;
    desk.pairs(&["bob", "cy"]).await;
    for provider in ["github", "apple"] {
        desk.service.create_with(provider, "ann", verified("ann@example.com")).await;
    }
    let before = exported(&desk);
    let plan = desk.plan("plan.ndjson", &[]);
    let id = desk.lines("plan.ndjson")[0]["plan"].as_str().unwrap().to_owned();
    assert_eq!(desk.run("apply", &[&plan]).code, Some(0));
    assert_eq!(exported(&desk).len(), 3);
    desk.service.create("apple", "other").await;
    desk.service.link(link_user("google-oauth2|bob", "apple|other")).await.unwrap();
    // A person takes one of them back before.
    desk.service.unlink(unlink("google-oauth2|cy", "github", "cy")).await.unwrap();

    let everything = desk.server.database.db_everything().await;
    let checked = desk.path("checked.ndjson");
    let ran = desk.run("undo", &["--plan", &id, "--dry-run", "--report", &checked]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let mut verdicts = desk.verdicts("checked.ndjson");
    verdicts.sort();
    assert_eq!(
        verdicts,
        [
            "apple|ann would_undo",
            "github|ann would_undo",
            "github|bob would_undo",
            "github|cy already"
        ]
    );
    let heading = format!("links of joined by the plan {id}");
    assert_eq!(ran.stdout, format!("{heading}\nwould be undone: 3, already: 1, skipped: 0"));
    assert_eq!(everything, desk.server.database.db_everything().await, "a dry run wrote something");

    let report = desk.path("undone.ndjson");
    let ran = desk.run("undo", &["--plan", &id, "--reason", "a mistake", "--report", &report]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(figures(&ran), "undone: 3, already: 1, skipped: 0");
    assert_eq!(standing(&desk.service, "google-oauth2|bob").await, 1, "of no plan");
    let mut report = desk.lines("undone.ndjson");
    let times =
        "SELECT id::text FROM links WHERE plan_id IS NOT NULL ORDER BY link_time DESC, id DESC";
    let newest_first = desk.server.database.db_texts(times).await;
    let undone: Vec<_> = report.iter().map(|line| line["link"].as_str().unwrap()).collect();
    assert_eq!(undone, newest_first);
    report.retain(|line| line["verdict"] == "already");
    assert_eq!((report.len(), &report[0]["secondary"]), (1, &json!("github|cy")));
    let events = events(&desk.service, 17).await;
    let undone = events.iter().filter(|event| line(event).starts_with("undone"));
    let (kind, reason) = (pb::actor::Kind::Operator.into(), "a mistake".to_owned());
    let operator = Some(pb::Actor { kind, reason, ..Default::default() });
    assert!(undone.clone().all(|event| event.actor == operator));
    assert_eq!(undone.count(), 3);
    desk.service.unlink(unlink("google-oauth2|bob", "apple", "other")).await.unwrap();
    desk.service.delete("apple|other").await;
    assert_eq!(exported(&desk), before);
    desk.server.database.db_assert_invariants().await;

    let again = desk.run("undo", &["--plan", &id]);
    assert_eq!((again.code, figures(&again)), (Some(0), "undone: 0, already: 4, skipped: 0"));
    let again = desk.run("apply", &[&plan]);
    assert_eq!(figures(&again), "linked: 0, already: 0, skipped: 4\n  UNDONE: 4");
}

#[tokio::test]
async fn a_signal_ends_it_after_the_link_that_is_being_undone() {
    let desk = Desk::start("undo_stopped").await;
    desk.pairs(&["a", "b", "c"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let id = desk.lines("plan.ndjson")[0]["plan"].as_str().unwrap().to_owned();
    assert_eq!(desk.run("apply", &[&plan]).code, Some(0));
    let moment = Moment::BeforeInsert;
    let held = desk.server.database.db_hold_events("google-oauth2|b", moment).await;
    let running = Running::start(desk.command("undo", &["--plan", &id]));
    desk.server.database.db_until_waiting(1).await;

    running.signal(Signal::TERM);
    held.db_release().await;

    let ran = running.finish();
    assert_eq!((ran.code, figures(&ran)), (Some(130), "undone: 2, already: 0, skipped: 0"));
    let again = desk.run("undo", &["--plan", &id]);
    assert_eq!(figures(&again), "undone: 1, already: 2, skipped: 0");
}

#[tokio::test]
async fn the_links_of_a_rule_are_those_that_sign_ins_made_since() {
    let desk = Desk::start("undo_rule").await;
    // The tenant `default` links by a verified email.
    let service = desk.server.service();
    let email = || verified("ann@example.com");
    let ann = service.create_with("google-oauth2", "ann", email()).await.id;
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("github", "ann"),
        email: "ann@example.com".to_owned(),
        email_verified: true,
        ..Default::default()
    };
    service.resolve_sign_in(sign_in_with(account)).await.unwrap();
    service.create("sms", "s1").await;
    service.link(link_identity(&ann, "sms", "s1")).await.unwrap();
    assert_eq!(standing(&service, &ann).await, 2);
    let config = desk.config.to_str().unwrap();
    let undo = |arguments: &[&str]| {
        let first = ["undo", "--config", config, "--tenant", "default", "--by-rule", "automatic"];
        run_command(crate::support::child::binary(&[&first[..], arguments].concat()))
    };

    let none = undo(&["--since", "2099-01-01T00:00:00Z"]);
    let nothing = "links of default: there is none\nundone: 0, already: 0, skipped: 0";
    assert_eq!((none.code, &*none.stdout), (Some(0), nothing));
    let ran = undo(&["--since", "2000-01-01T00:00:00Z"]);

    assert_eq!((ran.code, figures(&ran)), (Some(0), "undone: 1, already: 0, skipped: 0"));
    let links = service.list_links(links_of(&ann)).await.unwrap().links;
    let stand: Vec<_> = links
        .iter()
        .filter(|link| link.undo_time.is_none())
        .map(|link| link.moved_identities[0].provider.clone())
        .collect();
    assert_eq!(stand, ["sms"]);
    assert_eq!(undo(&[]).code, Some(2), "without a time, all links of years would be meant");
}

#[tokio::test]
async fn the_links_of_a_service_are_named_by_the_service() {
    let desk = Desk::start("undo_service").await;
    let toml = std::fs::read_to_string(&desk.config).unwrap();
    let named =
        format!("[services.repair]\nissuer = \"{}\"\nsubject = \"repair\"\n", iss("services"));
    std::fs::write(&desk.config, toml + &named).unwrap();
    let token = || Token::of("services", "repair").tenant("joined");
    let repair = desk.server.caller(&token());
    desk.pairs(&["a", "b", "c"]).await;
    repair.link(link_user("google-oauth2|a", "github|a")).await.unwrap();
    repair.link(link_user("google-oauth2|b", "github|b")).await.unwrap();
    desk.service.link(link_user("google-oauth2|c", "github|c")).await.unwrap();
    let since = ["--since", "2000-01-01T00:00:00Z"];

    let by_name = desk.run("undo", &[&["--dry-run", "--service", "repair"], &since[..]].concat());
    assert_eq!(figures(&by_name), "would be undone: 2, already: 0, skipped: 0");
    let unknown = desk.run("undo", &[&["--service", "nobody"], &since[..]].concat());
    let stderr = "identity-link: --service: is no name of [services]: name the issuer and the subject of its tokens";
    let refused = Ran { code: Some(64), stdout: String::new(), stderr: stderr.to_owned() };
    assert_eq!(unknown, refused);
    let issuer = iss("services");
    let by_token = desk.run("undo", &[&since[..], &["--service", &issuer, "repair"]].concat());

    assert_eq!(figures(&by_token), "undone: 2, already: 0, skipped: 0");
    assert_eq!(standing(&desk.service, "google-oauth2|c").await, 1);
    let until = ["--until", "2000-01-01T00:00:00Z", "--service", "repair"];
    let ran = desk.run("undo", &[&since[..], &until].concat());
    assert_eq!(ran.stderr, "identity-link: --until: must be after --since");
    assert_eq!(ran.code, Some(64));
    assert_eq!(desk.run("undo", &[]).code, Some(2), "nothing says which links are meant");
}

#[tokio::test]
async fn a_link_that_cannot_be_undone_stays_and_the_report_says_why() {
    let desk = Desk::start("undo_refused").await;
    desk.pairs(&["ann", "bob"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let id = desk.lines("plan.ndjson")[0]["plan"].as_str().unwrap().to_owned();
    assert_eq!(desk.run("apply", &[&plan]).code, Some(0));
    let set = pb::SetPrimaryIdentityRequest {
        user_id: "google-oauth2|ann".to_owned(),
        identity: identity_ref("github", "ann"),
        ..Default::default()
    };
    desk.service.set_primary_identity(set).await.unwrap();
    desk.service.block("google-oauth2|bob", true).await;

    let ran = desk.run("undo", &["--plan", &id, "--report", &desk.path("undone.ndjson")]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(
        figures(&ran),
        "undone: 0, already: 0, skipped: 2\n  USER_BLOCKED: 1\n  LINK_NOT_UNDOABLE: 1"
    );
    let report = desk.lines("undone.ndjson");
    let not_undoable = report.iter().find(|line| line["reason"] == "LINK_NOT_UNDOABLE").unwrap();
    assert_eq!(
        not_undoable["description"],
        "it brought the primary identity: make another identity primary first"
    );
    assert_eq!(standing(&desk.service, "google-oauth2|ann").await, 1);
}

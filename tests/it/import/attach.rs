//! `--attach`: people who signed in before their rows were imported.

use identity_link::grpc::proto::{self as pb, link_proof::Proof};
use serde_json::{Value, json};

use super::{Desk, db_users, lines};
use crate::support::{
    child::{Ran, binary, run_command},
    events::{events, line},
    *,
};

/// The row of the user `id`, with an account at Google and one at a phone.
fn row_of(id: &str, subject: &str) -> Value {
    json!({"id": id, "user_metadata": {"of": "old"}, "identities": [
        {"provider": "google-oauth2", "subject": subject},
        {"provider": "sms", "subject": subject},
    ]})
}

/// The user of a first sign-in with this account.
async fn signed_in(service: &Caller, provider: &str, subject: &str) -> String {
    let answer = service.resolve_sign_in(sign_in(provider, subject)).await.unwrap();
    let decision = answer.decision.unwrap();
    assert_eq!(decision.outcome().as_str_name(), "OUTCOME_CREATED");
    service.owner(provider, subject).await
}

fn attach(desk: &Desk, rows: impl IntoIterator<Item = Value>, options: &[&str]) -> Ran {
    let file = desk.write("users.ndjson", lines(rows));
    desk.import("neutral", &[&file], &[&["--attach"], options].concat())
}

fn undo(desk: &Desk, plan: &str) -> Ran {
    let config = desk.config.to_str().unwrap();
    run_command(binary(&["undo", "--config", config, "--tenant", "default", "--plan", plan]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signed_in_meanwhile_has_the_user_of_the_row() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let early = signed_in(&service, "google-oauth2", "1").await;
    let desk = Desk::new(&server.database, |toml| toml);
    let before = server.database.db_everything().await;

    let ran = attach(&desk, [row_of("old", "1")], &["--dry-run"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let said = "would be created: 1, present: 0, skipped: 0, refused: 0\nwould be attached: 1 user";
    assert!(ran.stdout.contains(said), "{ran:?}");
    assert!(ran.stdout.contains(&format!("users.ndjson:1: {early} into old")), "{ran:?}");
    assert_eq!(before, server.database.db_everything().await, "a dry run wrote something");
    let without = desk.import("neutral", &["users.ndjson".as_ref()], &["--dry-run"]);
    assert_eq!(without.code, Some(3), "{without:?}");
    assert!(without.stdout.contains("IDENTITY_TAKEN: 1 row"), "{without:?}");

    let ran = attach(&desk, [row_of("old", "1")], &[]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("created: 1, present: 0, skipped: 0, refused: 0\nattached: 1 user")
    );
    let old = service.user("old").await;
    assert_eq!(identities(&old), ["sms|1", "google-oauth2|1"]);
    assert_eq!(json(&old.user_metadata), json!({"of": "old"}));
    assert_eq!(service.user(&early).await.id, "old");
    assert_eq!(server.person("google-oauth2", "1").user("").await.id, "old");
    let lines: Vec<String> = events(&service, 3).await.iter().map(line).collect();
    assert_eq!(lines[1], "imported 1");
    assert!(lines[2].starts_with("linked"), "{lines:?}");
    let links = service.list_links(links_of("old")).await.unwrap().links;
    let [link] = &links[..] else { panic!("{links:?}") };
    assert_eq!(link.proof.clone().unwrap().proof, Some(Proof::Plan(pb::link_proof::Plan {})));
    assert!(ran.stdout.contains(&format!("the links have the plan {}", link.plan_id)), "{ran:?}");

    let again = attach(&desk, [row_of("old", "1")], &["--report", "again.ndjson"]);
    assert!(again.stdout.ends_with("created: 0, present: 1, skipped: 0, refused: 0"), "{again:?}");

    // An undo is final: the file does not link again what was taken apart.
    assert_eq!(undo(&desk, &link.plan_id).code, Some(0));
    assert_eq!(service.owner("google-oauth2", "1").await, early);
    let ran = attach(&desk, [row_of("old", "1")], &["--report", "apart.ndjson"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(desk.written("apart.ndjson").contains("were taken apart before"));
    assert_eq!(service.owner("google-oauth2", "1").await, early);
    server.database.db_assert_invariants().await;
}

/// As after an interruption between the user and its link, or with a newer file.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_attached_to_one_that_was_imported_before() {
    let server = TestServer::start().await;
    let service = server.service();
    let desk = Desk::new(&server.database, |toml| toml);
    let half = json!({"id": "old", "identities": [{"provider": "sms", "subject": "1"}]});
    assert_eq!(attach(&desk, [half], &["--report", "half.ndjson"]).code, Some(0));
    let early = signed_in(&service, "google-oauth2", "1").await;
    let other = signed_in(&service, "github", "1").await;
    let mut row = row_of("old", "1");
    let github = json!({"provider": "github", "subject": "1"});
    row["identities"].as_array_mut().unwrap().push(github);

    let ran = attach(&desk, [row], &[]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.stdout.contains("created: 0, present: 1, skipped: 0, refused: 0\nattached: 2 users")
    );
    let ids = service.resolved(&[&early, &other]).await;
    assert!(ids.iter().all(|id| id.ends_with(" old")), "{ids:?}");
    assert_eq!(service.user("old").await.identities.len(), 3);
    server.database.db_assert_invariants().await;
}

/// A99: the row does not say whose the rest of a user is, or the account is another person's now.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_another_person_is_not_attached() {
    let server = TestServer::start().await;
    let service = server.service();
    let desk = Desk::new(&server.database, |toml| toml);

    // It is more than what the row knows of.
    let early = signed_in(&service, "google-oauth2", "accounts").await;
    let other = signed_in(&service, "github", "accounts").await;
    service.link(link_user(&early, &other)).await.unwrap();
    // An operator blocked it.
    let blocked = signed_in(&service, "google-oauth2", "blocked").await;
    service.block(&blocked, true).await;
    // An import made it.
    let imported = json!({"id": "of-import", "identities": [
        {"provider": "google-oauth2", "subject": "imported"}]});
    assert_eq!(attach(&desk, [imported], &["--report", "first.ndjson"]).code, Some(0));
    // A service gave it an id, which is not that of the account.
    let named = pb::CreateUserRequest {
        identity: Some(pb::NewIdentity {
            identity_ref: identity_ref("github", "named"),
            ..Default::default()
        }),
        user_id_form: pb::UserIdForm::ProviderSubject.into(),
        ..Default::default()
    };
    let named = service.create_user(named).await.unwrap().user.unwrap().id;
    let with_it = service.create("google-oauth2", "named").await.id;
    service.link(link_user(&named, &with_it)).await.unwrap();
    // Its account was another user's, who released it.
    let former = signed_in(&service, "github", "released").await;
    let second = signed_in(&service, "google-oauth2", "released").await;
    service.link(link_user(&former, &second)).await.unwrap();
    service.unlink(release(&former, "google-oauth2", "released")).await.unwrap();
    signed_in(&service, "google-oauth2", "released").await;
    // The user of the row is blocked.
    signed_in(&service, "google-oauth2", "of-blocked").await;
    let mut of_blocked = row_of("old-of-blocked", "of-blocked");
    of_blocked["blocked"] = json!(true);
    // The row has no account of its own, so an undo would leave it without one.
    signed_in(&service, "google-oauth2", "only").await;
    let only = json!({"id": "old-only", "identities": [
        {"provider": "google-oauth2", "subject": "only"}]});
    let of = |name: &str| row_of(&format!("old-{name}"), name);
    let rows = [
        of("accounts"),
        of("blocked"),
        of("imported"),
        of("named"),
        of("released"),
        of_blocked,
        only,
    ];
    let before = server.database.db_texts("SELECT t::text FROM users t ORDER BY id").await;

    let ran = attach(&desk, rows, &["--report", "report.ndjson"]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    let report = desk.written("report.ndjson");
    let reasons: Vec<String> = report
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["reasons"][0]["reason"], "NOT_ATTACHED", "{line}");
            let text = line["reasons"][0]["description"].as_str().unwrap();
            text.split_once(": ").unwrap().1.to_owned()
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "it has accounts that this row does not name, and it has absorbed other users, or has former ids.",
            "it or the user of this row is blocked.",
            "no sign-in made it, or the feed no longer has the event of its creation, and its id was given by a service.",
            "it has accounts that this row does not name, and it has absorbed other users, or has former ids.",
            "one of its accounts was deleted or released here before.",
            "it or the user of this row is blocked.",
            "without one of its own, the link could not be undone.",
        ]
    );
    let after = server.database.db_texts("SELECT t::text FROM users t ORDER BY id").await;
    assert_eq!(before, after);
    server.database.db_assert_nothing_wrong().await;
}

/// A99: without the option, nothing is attached, and a row with a deleted account is refused with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_not_attached() {
    let server = TestServer::start().await;
    let service = server.service();
    let desk = Desk::new(&server.database, |toml| toml);
    let early = signed_in(&service, "google-oauth2", "1").await;
    service.delete(&early).await;

    let ran = attach(&desk, [row_of("old", "1")], &["--report", "deleted.ndjson"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(desk.written("deleted.ndjson").contains("\"reason\":\"DELETED\""));

    // A sign-in after the deletion is a new user, who may be another person.
    signed_in(&service, "google-oauth2", "1").await;
    let ran = attach(&desk, [row_of("old", "1")], &["--report", "again.ndjson"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(desk.written("again.ndjson").contains("was deleted or released here before"));
    assert_eq!(db_users(&server.database).await.len(), 1);
}

/// R23: calls that change the early users while the import attaches them.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_between_is_not_overrun() {
    const ROWS: usize = 30;
    let server = TestServer::start().await;
    let service = server.service();
    let desk = Desk::new(&server.database, |toml| toml);
    let mut early = Vec::new();
    for number in 0..ROWS {
        early.push(signed_in(&service, "google-oauth2", &number.to_string()).await);
    }
    let rows: Vec<Value> = (0..ROWS).map(|n| row_of(&format!("old-{n}"), &n.to_string())).collect();
    let calls = early.clone().into_iter().rev().enumerate().map(|(at, user)| {
        let service = service.clone();
        tokio::spawn(async move {
            match at % 3 {
                0 => service.delete_user(delete(&user)).await.is_ok(),
                1 => service.update_user(block(&user, true)).await.is_ok(),
                _ => {
                    let other = service.create("github", &user).await.id;
                    service.link(link_user(&other, &user)).await.is_ok()
                }
            }
        })
    });
    let calls: Vec<_> = calls.collect();
    let ran = tokio::task::spawn_blocking(move || attach(&desk, rows, &[])).await.unwrap();
    for call in calls {
        call.await.unwrap();
    }

    assert!(matches!(ran.code, Some(0 | 3)), "{ran:?}");
    // Each account is where the last of the two put it, and no user holds an account of two rows.
    for (number, early) in early.iter().enumerate() {
        let held =
            "SELECT owner_id FROM identities WHERE provider = 'google-oauth2' AND subject = ";
        let owner = server.database.db_texts(&format!("{held}'{number}'")).await;
        let old = format!("old-{number}");
        let known = match &owner[..] {
            [] => true,
            [owner] => *owner == old || owner == early || !owner.starts_with("old-"),
            _ => false,
        };
        assert!(known, "{number}: {owner:?}");
    }
    server.database.db_assert_invariants().await;
}

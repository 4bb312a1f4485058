//! Rows that are refused, with every reason, and what is left untouched then.

use std::{fs, os::unix::fs::PermissionsExt as _};

use expect_test::{Expect, expect};
use identity_link::grpc::proto as pb;
use serde_json::{Value, json};

use super::{Desk, db_users, lines, row};
use crate::support::{
    child::Ran,
    cluster::{Database, cluster},
    *,
};

/// Imports these rows, and compares the report, in which ids have names.
async fn assert_report(
    database: &Database,
    rows: &str,
    names: &[(&str, &str)],
    report: Expect,
) -> Ran {
    let desk = Desk::new(database, |toml| toml);
    let file = desk.write("users.ndjson", rows);
    let ran = desk.import("neutral", &[&file], &["--report", "report.ndjson"]);
    let written = desk.written("report.ndjson");
    report.assert_eq(&names.iter().fold(written, |text, (id, name)| text.replace(id, name)));
    let mode = fs::metadata(desk.dir.join("report.ndjson")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    ran
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_row_are_reported_at_once() {
    let database = cluster().db_migrated().await;
    let faulty = json!({
        "id": "an id",
        "aliases": ["a", "a"],
        "create_time": "2999-01-01T00:00:00Z",
        "user_metadata": {"n": 1e300},
        "identities": [
            {"provider": "github", "subject": ""},
            {"provider": "auth0", "subject": "1", "connection": "google", "email_verified": true},
            {"provider": "auth0", "subject": "2", "email": "a\nb"},
            {"provider": "auth0", "subject": "2"},
        ],
    });
    let ran = assert_report(&database, &lines([row(1), faulty, row(2)]), &[], expect![[r#"
        {"place":"users.ndjson:2","user_id":"an id","reasons":[{"field":"id","reason":"INVALID","description":"must be 1 to 255 printable ASCII characters without spaces"},{"field":"aliases/1","reason":"INVALID","description":"is the id of the user, or occurs twice"},{"field":"identities/0/subject","reason":"INVALID","description":"must be 1 to 255 bytes without control characters"},{"field":"identities/1/connection","reason":"INVALID","description":"is not one of the connections that are configured for this provider"},{"field":"identities/1/email_verified","reason":"INVALID","description":"needs an email"},{"field":"identities/2/email","reason":"INVALID","description":"must be at most 320 bytes without control characters"},{"field":"identities/3","reason":"INVALID","description":"is the same account as an earlier one of this user"},{"field":"create_time","reason":"INVALID","description":"is in the future"},{"field":"user_metadata/n","reason":"INVALID","description":"This number is beyond ±(2^53 − 1), so it may not be kept exactly."}]}
    "#]]).await;
    assert_eq!(ran.code, Some(3));
    assert_eq!(db_users(&database).await, ["old-1", "old-2"]);
}

/// A97: a stranger chose the name of another person's account as its user name, which is the id of
/// its user in the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_never_has_the_name_of_an_account_of_another() {
    let server = TestServer::start().await;
    let of_stranger = [json!({"provider": "github", "subject": "stranger"})];
    let by_id = json!({"id": "google-oauth2|ann", "identities": of_stranger});
    let by_alias = json!({"id": "s", "aliases": ["google-oauth2|ann"], "identities": of_stranger});
    for (row, field) in [(by_id, "id"), (by_alias, "aliases/0")] {
        let desk = Desk::new(&server.database, |toml| toml);
        let file = desk.write("users.ndjson", lines([row]));
        let ran = desk.import("neutral", &[&file], &["--report", "report.ndjson"]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(desk.written("report.ndjson").contains(&format!("{{\"field\":\"{field}\"")));
    }
    assert_eq!(db_users(&server.database).await, [""; 0]);

    // Its own account may be its name, by the file's name of the provider or by ours.
    let own =
        |id: &str| json!({"id": id, "identities": [{"provider": "Google", "subject": "ann"}]});
    for id in ["google-oauth2|ann", "Google|ann"] {
        let desk = Desk::new(&server.database, |toml| toml);
        let file = desk.write("users.ndjson", lines([own(id)]));
        let map = ["--provider", "Google=google-oauth2", "--dry-run"];
        let ran = desk.import("neutral", &[&file], &map);
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let ann = server.service().create("google-oauth2", "ann").await.id;
    assert_eq!(server.person("google-oauth2", "ann").user("").await.id, ann);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_two_rows_refuses_both() {
    let database = cluster().db_migrated().await;
    let twice = |id: &str| {
        json!({"id": id, "identities": [
            {"provider": "github", "subject": format!("of-{id}")},
            {"provider": "google-oauth2", "subject": "shared"},
        ]})
    };
    let same_id =
        json!({"id": "old-1", "identities": [{"provider": "github", "subject": "other"}]});
    let rows = lines([row(1), twice("one"), row(2), twice("two"), same_id]);
    assert_report(&database, &rows, &[], expect![[r#"
        {"place":"users.ndjson:1","user_id":"old-1","reasons":[{"field":"id","reason":"REPEATED","description":"This id is also in users.ndjson:5: neither row becomes a new user."}]}
        {"place":"users.ndjson:2","user_id":"one","reasons":[{"field":"identities/1","reason":"REPEATED","description":"This account is also in users.ndjson:4: neither row becomes a new user."}]}
        {"place":"users.ndjson:4","user_id":"two","reasons":[{"field":"identities/1","reason":"REPEATED","description":"This account is also in users.ndjson:2: neither row becomes a new user."}]}
        {"place":"users.ndjson:5","user_id":"old-1","reasons":[{"field":"id","reason":"REPEATED","description":"This id is also in users.ndjson:1: neither row becomes a new user."}]}
    "#]]).await;
    assert_eq!(db_users(&database).await, ["old-2"]);
}

/// Else the account would be the other user's, and no command undoes that.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_a_row_with_faults_is_no_other_users() {
    let database = cluster().db_migrated().await;
    let shared = json!({"provider": "google-oauth2", "subject": "shared"});
    let rows = lines([
        json!({"id": "type", "blocked": "yes", "identities": [shared]}),
        json!({"id": "value", "create_time": "2999-01-01T00:00:00Z", "identities": [shared]}),
        json!({"id": "third", "identities": [shared]}),
        json!({"id": "value", "identities": [{"provider": "github", "subject": "4"}]}),
        row(5),
    ]);
    assert_report(&database, &rows, &[], expect![[r#"
        {"place":"users.ndjson:1","user_id":"type","reasons":[{"field":"blocked","reason":"INVALID","description":"This has to be true or false."}]}
        {"place":"users.ndjson:2","user_id":"value","reasons":[{"field":"create_time","reason":"INVALID","description":"is in the future"}]}
        {"place":"users.ndjson:3","user_id":"third","reasons":[{"field":"identities/0","reason":"REPEATED","description":"This account is also in users.ndjson:1: neither row becomes a new user."}]}
        {"place":"users.ndjson:4","user_id":"value","reasons":[{"field":"id","reason":"REPEATED","description":"This id is also in users.ndjson:2: neither row becomes a new user."}]}
    "#]]).await;
    assert_eq!(db_users(&database).await, ["old-5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_a_user_already_is_not_refused_for_another_row() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let of = |id: &str| {
        let own = json!({"provider": "github", "subject": format!("of-{id}")});
        json!({"id": id, "identities": [own, {"provider": "google-oauth2", "subject": "shared"}]})
    };
    let first = desk.write("first.ndjson", lines([of("one")]));
    assert_eq!(desk.import("neutral", &[&first], &[]).code, Some(0));
    // The rows are in a batch after one of new users alone.
    let rows = (0..600).map(row).chain([of("two"), of("one")]);
    let both = desk.write("both.ndjson", lines(rows));

    let ran = desk.import("neutral", &[&both], &["--report", "both-refused.ndjson"]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("created: 600, present: 1, skipped: 0, refused: 1"), "{ran:?}");
    expect![[r#"
        {"place":"both.ndjson:601","user_id":"two","reasons":[{"field":"identities/1","reason":"REPEATED","description":"This account is also in both.ndjson:602: neither row becomes a new user."},{"field":"identities/1","reason":"IDENTITY_TAKEN","description":"This account belongs to the user one already."}]}
    "#]].assert_eq(&desk.written("both-refused.ndjson"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_here_already_is_not_overwritten() {
    let server = TestServer::start().await;
    let service = server.service();
    let signed_in = service.create("github", "1").await.id;
    let gone = service.create("github", "2").await.id;
    service
        .delete_user(pb::DeleteUserRequest { user_id: gone, ..Default::default() })
        .await
        .unwrap();
    let rows = lines([row(1), row(2), row(3)]);

    let ran = assert_report(&server.database, &rows, &[(&signed_in, "SIGNED_IN")], expect![[r#"
        {"place":"users.ndjson:1","user_id":"old-1","reasons":[{"field":"identities/0","reason":"IDENTITY_TAKEN","description":"This account belongs to the user SIGNED_IN already."}]}
        {"place":"users.ndjson:2","user_id":"old-2","reasons":[{"field":"identities/0","reason":"DELETED","description":"The user with this account was deleted here: a file does not bring it back."}]}
    "#]]).await;

    assert_eq!(ran.code, Some(3));
    assert_eq!(service.user("old-3").await.identities.len(), 1);
    assert_eq!(service.user(&signed_in).await.version, 1);
    assert_eq!(db_users(&server.database).await.len(), 2);
    server.database.db_assert_invariants().await;
}

/// The id is that of the file, with which an operator finds the user there, also where it cannot stay.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_is_named_by_the_id_that_it_has_in_the_file() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let user = |id: &str, subject: &str| {
        json!({"user_id": id, "identities": [
            {"provider": "google-oauth2", "user_id": subject, "connection": "google-oauth2"},
        ]})
    };
    let longest = format!("auth0|{}", "ä".repeat(249));
    let longer = format!("{longest}ä");
    let rows = lines([
        user("auth0|an id", "1"),
        user("auth0|taken", "1"),
        user(&longest, ""),
        user(&longer, ""),
        json!({"identities": []}),
    ]);
    let file = desk.write("users.ndjson", rows);

    let ran = desk.import("auth0", &[&file], &["--dry-run", "--report", "report.ndjson"]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    let report = desk.written("report.ndjson");
    let report = report.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ids: Vec<Value> = report.map(|mut line| line["user_id"].take()).collect();
    assert_eq!(json!(ids), json!(["auth0|an id", "auth0|taken", longest, null, null]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_each_provider_has_a_name() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let unknown = json!({"id": "x", "identities": [{"provider": "GitHub", "subject": "1"}]});
    let file = desk.write("users.ndjson", lines([row(1), unknown]));

    let ran = desk.import("neutral", &[&file], &[]);

    assert_eq!(ran.code, Some(64));
    assert!(ran.stderr.contains("no provider of the tenant is named for GitHub"), "{ran:?}");
    assert_eq!(db_users(&database).await, [""; 0]);
    let ran = desk.import("neutral", &[&file], &["--provider", "GitHub=gitlab"]);
    assert_eq!(ran.code, Some(64));
    let ran = desk.import("neutral", &[&file], &["--provider", "GitHub=github2"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(db_users(&database).await, ["old-1", "x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_is_not_overwritten() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", lines([row(1)]));
    desk.write("report.ndjson", "mine");

    let refused = |ran: &Ran, name: &str| {
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(&format!("{name} exists")), "{ran:?}");
    };
    for options in [&["--report", "report.ndjson"][..], &["--dry-run", "--report", "report.ndjson"]]
    {
        refused(&desk.import("neutral", &[&file], options), "report.ndjson");
        assert_eq!(desk.written("report.ndjson"), "mine");
        assert_eq!(db_users(&database).await, [""; 0]);
    }
    // Nor by a run whose rows are known.
    assert_eq!(desk.import("neutral", &[&file], &["--id-map", "ids.csv"]).code, Some(0));
    desk.write("ids.csv", "mine too");
    for option in [["--report", "report.ndjson"], ["--id-map", "ids.csv"]] {
        refused(&desk.import("neutral", &[&file], &option), option[1]);
    }
    assert_eq!(desk.written("report.ndjson"), "mine");
    assert_eq!(desk.written("ids.csv"), "mine too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_reports_each_refused_row() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let wrong = (0..25).map(|at| json!({"id": format!("wrong-{at}"), "identities": [], "x": 1}));
    let file = desk.write("users.ndjson", lines(wrong.chain([row(1)])));

    let dry = desk.import("neutral", &[&file], &["--dry-run", "--report", "dry.ndjson"]);
    let real = desk.import("neutral", &[&file], &["--report", "real.ndjson"]);

    assert_eq!((dry.code, real.code), (Some(3), Some(3)), "{dry:?} {real:?}");
    assert_eq!(desk.written("dry.ndjson"), desk.written("real.ndjson"));
    assert_eq!(desk.written("dry.ndjson").lines().count(), 25);
    assert!(dry.stdout.contains("  and 5 more\nthe refused rows: dry.ndjson"), "{dry:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_form_and_a_name_that_no_row_has_are_noted() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", lines([row(1), row(2)]));

    let ran = desk.import("firebase", &[&file], &["--dry-run", "--provider", "gogle.com=-"]);

    assert!(
        ran.stdout.contains("\nno row is a user of this form: is --from another one?\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("\nprovider gogle.com: no row has it\n"), "{ran:?}");
}

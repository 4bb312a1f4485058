//! What becomes of the rows of an import over gRPC.

use std::fs;

use identity_link::grpc::proto::{
    self as pb, FeedEnd, import_provider::Target, import_verdict::Outcome, imported_provider,
};
use serde_json::{Value, json};

use super::{db_users, lines, row};
use crate::support::{
    child::{binary, config_file, run_command, temp_dir},
    cluster::cluster,
    events::{events, line},
    tokens::Token,
    transfers::{Imported, end, reason_word, rows, settings},
    *,
};

fn providers(entries: &[(&str, Option<Target>)]) -> pb::ImportSettings {
    let entry = |(name, target): &(&str, Option<Target>)| pb::ImportProvider {
        name: (*name).to_owned(),
        target: target.clone(),
    };
    pb::ImportSettings {
        providers: entries.iter().map(entry).collect(),
        ..pb::ImportSettings::default()
    }
}

fn preview() -> pb::ImportSettings {
    pb::ImportSettings { validate_only: true, ..pb::ImportSettings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_is_a_user_or_refused_with_its_reasons() {
    let server = TestServer::start().await;
    let service = server.service();
    let here = service.create("sms", "here").await.id;
    let holder = service.create("sms", "taken").await.id;
    let present = json!({"id": here, "identities": [{"provider": "sms", "subject": "here"}]});
    let taken = json!({"id": "other", "identities": [{"provider": "sms", "subject": "taken"}]});
    let faulty = json!({"id": "no id", "identities": [{"provider": "github", "subject": ""}]});
    let without_id = json!({"identities": [{"provider": "github", "subject": "2"}]});
    let first = [
        row("u-1", "1").to_string(),
        // As from Windows.
        format!("{without_id}\r"),
        String::new(),
        faulty.to_string(),
        "{\"id\": ".to_owned(),
    ];
    let second = [
        json!({"id": "gone", "deleted": true}).to_string(),
        taken.to_string(),
        present.to_string(),
        format!("{{\"id\": \"{}\"}}", "x".repeat(1024 * 1024)),
    ];
    let messages = vec![
        settings(pb::ImportSettings::default()),
        rows(first.join("\n")),
        rows(second.join("\n")),
        rows([b"\"\xff\"\n".to_vec(), row("u-3", "3").to_string().into_bytes()].concat()),
        end(),
    ];

    let imported = service.import_messages(messages).await;

    let random = imported.verdicts[1].user_id.clone();
    assert_eq!(service.user(&random).await.identities.len(), 1);
    let lines = imported.lines().replace(&random, "RANDOM").replace(&here, "HERE");
    insta::assert_snapshot!(lines.replace(&holder, "HOLDER"), @r"
        1 created u-1
        2 created RANDOM
        4 refused
          INVALID id: must be 1 to 255 printable ASCII characters without spaces
          INVALID identities/0/subject: must be 1 to 255 bytes without control characters
        5 refused
          INVALID : This is not JSON, or is nested deeper than 128 levels.
        6 skipped
        7 refused
          IDENTITY_TAKEN identities/0: This account belongs to the user HOLDER already.
        8 present HERE
        9 refused
          INVALID : This row is longer than 1 MiB.
        10 refused
          INVALID : This row is not UTF-8: convert it to UTF-8.
        11 created u-3
    ");
    assert_eq!(imported.counts(), "created: 3, present: 1, skipped: 1, refused: 5");
    assert_eq!(imported.refusal.map(|status| status.code()), None);
    assert_eq!(db_users(&server.database).await.len(), 5);
    let events = events(&service, 3).await;
    assert_eq!(line(&events[2]), "imported 3");
    let Some(pb::event::Detail::UsersImported(event)) = &events[2].detail else { panic!() };
    assert_eq!(event.run_id, imported.summary.unwrap().run_id);
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_two_rows_of_any_messages_refuses_both() {
    let server = TestServer::start().await;
    let messages = vec![
        settings(pb::ImportSettings::default()),
        rows(lines([row("a", "1"), row("b", "2")])),
        rows(lines([row("c", "3"), row("d", "1"), row("b", "4")])),
        end(),
    ];

    let imported = server.service().import_messages(messages).await;

    insta::assert_snapshot!(imported.lines(), @r"
        1 refused
          REPEATED identities/0: This account is also in line 4: neither row becomes a new user.
        2 refused
          REPEATED id: This id is also in line 5: neither row becomes a new user.
        3 created c
        4 refused
          REPEATED identities/0: This account is also in line 1: neither row becomes a new user.
        5 refused
          REPEATED id: This id is also in line 2: neither row becomes a new user.
    ");
    assert_eq!(db_users(&server.database).await, ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_the_same_and_writes_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    let without_id = json!({"identities": [{"provider": "github", "subject": "2"}]});
    let all = lines([row("u-1", "1"), without_id, row("u-3", "1x"), row("u-3", "3")]);

    let seen = service.import_with(preview(), &all).await;

    assert_eq!(db_users(&server.database).await, [""; 0]);
    let ids: Vec<&str> = seen.verdicts.iter().map(|verdict| verdict.user_id.as_str()).collect();
    assert_eq!(ids, ["u-1", "", "", ""]);
    let imported = service.import(&all).await;
    assert_eq!(seen.counts(), imported.counts());
    assert_eq!(seen.summary, imported.summary);
    let without_ids = |imported: &Imported| {
        let verdicts = imported.verdicts.iter().cloned();
        let bare = verdicts.map(|verdict| pb::ImportVerdict { user_id: String::new(), ..verdict });
        bare.collect::<Vec<_>>()
    };
    assert_eq!(without_ids(&seen), without_ids(&imported));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_again_are_present() {
    let server = TestServer::start().await;
    let service = server.service();
    let without_id = json!({"identities": [{"provider": "github", "subject": "2"}]});
    let all = lines([row("u-1", "1"), without_id]);
    let first = service.import(&all).await;
    assert_eq!(first.count(Outcome::Created), 2);

    let again = service.import(&all).await;

    assert_eq!(again.count(Outcome::Present), 2);
    let ids = |imported: &Imported| {
        imported.verdicts.iter().map(|verdict| verdict.user_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&again), ids(&first));
    let run = |imported: Imported| imported.summary.unwrap().run_id;
    assert_eq!(run(again), run(first));
    // Nothing of the users changed, so there is one event.
    assert_eq!(events(&service, 1).await.len(), 1);
    assert_eq!(service.user("u-1").await.version, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_before_each_provider_has_a_name() {
    let server = TestServer::start().await;
    let service = server.service();
    let both = json!({"id": "u", "identities": [
        {"provider": "GitHub", "subject": "1"}, {"provider": "ldap", "subject": "1"},
    ]});

    let refused = service.import(lines([row("a", "2"), both.clone()])).await;

    assert_eq!(refused.verdicts, []);
    let named = |summary: pb::ImportSummary| {
        let named = summary.providers.into_iter();
        named.map(|found| (found.name, found.account_count, found.target)).collect::<Vec<_>>()
    };
    let to_github = imported_provider::Target::Provider("github".to_owned());
    assert_eq!(
        named(refused.summary.unwrap()),
        [
            ("GitHub".to_owned(), 1, None),
            ("github".to_owned(), 1, Some(to_github.clone())),
            ("ldap".to_owned(), 1, None),
        ]
    );
    insta::assert_snapshot!(refusal::<()>(Err(refused.refusal.unwrap())), @r"
        InvalidArgument REQUEST_INVALID
        settings.providers: needs an entry for each provider that the summary has without one
    ");
    assert_eq!(db_users(&server.database).await, [""; 0]);

    let map = providers(&[
        ("GitHub", Some(Target::Provider("github".to_owned()))),
        ("ldap", Some(Target::LeftOut(true))),
    ]);
    let imported = service.import_with(map, lines([row("a", "2"), both])).await;
    assert_eq!(imported.counts(), "created: 2, present: 0, skipped: 0, refused: 0");
    let left_out = imported_provider::Target::LeftOut(true);
    assert_eq!(
        named(imported.summary.unwrap()),
        [
            ("GitHub".to_owned(), 1, Some(to_github.clone())),
            ("github".to_owned(), 1, Some(to_github)),
            ("ldap".to_owned(), 1, Some(left_out)),
        ]
    );
    assert_eq!(identities(&service.user("u").await), ["github|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_settings_are_reported_at_once() {
    let server = TestServer::start().await;
    let map = providers(&[
        ("", Some(Target::Provider("github".to_owned()))),
        ("x", Some(Target::Provider("nowhere".to_owned()))),
        ("y", Some(Target::LeftOut(false))),
        ("z", None),
        ("g", Some(Target::Provider("github".to_owned()))),
        ("g", Some(Target::LeftOut(true))),
    ]);
    let refused = server.service().import_with(map, "").await.refusal.unwrap();
    insta::assert_snapshot!(refusal::<()>(Err(refused)), @r"
        InvalidArgument REQUEST_INVALID
        settings.providers[0].name: must be 1 to 255 bytes
        settings.providers[1].provider: is no provider of the tenant: the operator has to declare it first
        settings.providers[2].left_out: must be true where it is set
        settings.providers[3]: needs a provider, or left_out
        settings.providers[5].name: has an earlier entry
    ");
}

/// What the settings and the rows have that is no error of a row.
#[tokio::test(flavor = "multi_thread")]
async fn the_summary_says_what_is_lost_and_what_counts() {
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        toml.replace("github = { social", "github = { imported_emails = true, social")
    })
    .await;
    let with_email = |id: &str, provider: &str, email: &str| {
        json!({"id": id, "links": [{"id": "l"}], "identities": [
            {"provider": provider, "subject": id, "email": email, "email_verified": true},
        ]})
    };
    let all = lines([
        with_email("a", "github", "a@example.com"),
        with_email("b", "google-oauth2", "A@example.com"),
        with_email("c", "sms", "c@example.com"),
    ]);

    let summary = server.service().import(all).await.summary.unwrap();

    assert_eq!(summary.verified_email_count, 3);
    assert_eq!(summary.counting_email_count, 1);
    assert_eq!(summary.shared_email_count, 1);
    assert_eq!(summary.losses, [pb::ImportLoss { field: "links".to_owned(), row_count: 3 }]);
}

/// A44: a service imports into its own tenant, and learns nothing of another one.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_of_the_tenant_of_the_token() {
    let server = TestServer::start().await;
    let (ours, theirs) = (server.service(), server.service_of("other"));
    assert_eq!(ours.import(lines([row("u", "1")])).await.count(Outcome::Created), 1);

    let imported = theirs.import(lines([row("u", "1"), row("v", "2")])).await;

    assert_eq!(imported.count(Outcome::Created), 2);
    assert_eq!(db_users(&server.database).await, ["u"]);
    assert_eq!(refusal(ours.get_user(get("v")).await), "NotFound USER_NOT_FOUND");
}

/// A24: a token that may create users one by one imports none.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_needs_its_own_scope() {
    let server = TestServer::start().await;
    let every_other = "create:users delete:users export:users read:connections read:events read:users sign_in:users update:users";
    let service = server.caller(&Token::of("services", "backend").scope(every_other));
    let refused = service.import(lines([row("u", "1")])).await.refusal.unwrap();
    assert_eq!(refusal::<()>(Err(refused)), "PermissionDenied SCOPE_INSUFFICIENT");

    let own = server.caller(&Token::of("services", "backend").scope("import:users"));
    assert_eq!(own.import(lines([row("u", "1")])).await.count(Outcome::Created), 1);
    let created = own.create_user(pb::CreateUserRequest::default()).await;
    assert_eq!(refusal(created), "PermissionDenied SCOPE_INSUFFICIENT");
    let start = events::list_from(FeedEnd::Oldest);
    assert_eq!(refusal(own.list_events(start).await), "PermissionDenied SCOPE_INSUFFICIENT");
}

/// Rows of each kind, with times of their own, so that two databases can have the same users.
fn sample() -> String {
    let time = "2024-05-01T08:00:00Z";
    let mut all: Vec<Value> = (0..40)
        .map(|n| {
            let second = if n % 11 == 7 { "nowhere" } else { "sms" };
            json!({"id": format!("user-{}", n % 37), "aliases": [format!("old-{n}")],
                "create_time": time, "blocked": n % 5 == 0, "user_metadata": {"n": n},
                "identities": [
                    {"provider": "github", "subject": (n % 39).to_string(), "email": format!("{n}@example.com")},
                    {"provider": second, "subject": n.to_string()},
                ]})
        })
        .collect();
    all.push(json!({"id": "bad id", "create_time": "2999-01-01T00:00:00Z", "surplus": 1, "identities": []}));
    all.push(json!({"id": "gone", "deleted": true}));
    let mut last = row("last", "last");
    last["create_time"] = json!(time);
    format!("{}{{\"id\": \"cut\", \r\n\n{last}\r\n", lines(all))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_and_the_rpc_do_the_same() {
    let server = TestServer::start().await;
    let database = cluster().db_migrated().await;
    let config = config_file(&database, |toml| toml);
    let dir = temp_dir(&format!("{}_transfer", database.name));
    fs::write(dir.join("users.ndjson"), sample()).unwrap();
    let mut command = binary(&["import", "--config", config.to_str().unwrap()]);
    command.args(["--tenant", "default", "--from", "neutral", "--provider", "nowhere=-"]);
    command.args(["--report", "refused.ndjson", "users.ndjson"]).current_dir(&dir);

    let ran = run_command(command);
    let map = providers(&[("nowhere", Some(Target::LeftOut(true)))]);
    let imported = server.service().import_with(map, sample()).await;

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains(&imported.counts()), "{ran:?} {}", imported.counts());
    let refused = imported.verdicts.iter().filter(|row| !row.refusals.is_empty());
    let report: Vec<Value> = refused
        .map(|row| {
            let reasons = row.refusals.iter().map(|refusal| {
                let description = refusal.description.replace("in line ", "in users.ndjson:");
                let mut reason =
                    json!({"reason": reason_word(refusal.reason()), "description": description});
                if !refusal.field.is_empty() {
                    reason["field"] = json!(refusal.field);
                }
                reason
            });
            let place = format!("users.ndjson:{}", row.line);
            json!({"place": place, "reasons": reasons.collect::<Vec<_>>()})
        })
        .collect();
    let written = fs::read_to_string(dir.join("refused.ndjson")).unwrap();
    let mut written: Vec<Value> =
        written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // A caller has the row itself, by its line.
    written.iter_mut().for_each(|line| drop(line.as_object_mut().unwrap().remove("user_id")));
    assert!(written.len() > 6, "{written:?}");
    assert_eq!(report, written);
    let exported = |database| {
        let config = config_file(database, |toml| toml);
        let mut command = binary(&["export", "--config", config.to_str().unwrap()]);
        command.args(["--tenant", "default"]);
        run_command(command).stdout
    };
    assert_eq!(exported(&server.database), exported(&database));
}

//! `identity-link duplicates` writes a plan of the users that are likely one person.

mod marks;

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use serde_json::{Value, json as value};

use crate::support::{
    TestServer,
    child::{Ran, Running, binary, config_file, run_command, temp_dir},
    cluster::{Database, cluster},
    link_user, object, unlink, unverified, verified,
};

/// `duplicates` in the tenant `joined` of this database.
fn duplicates(database: &Database, arguments: &[&str]) -> Command {
    let file = config_file(database, |toml| toml);
    let command = ["duplicates", "--config", file.to_str().unwrap(), "--tenant", "joined"];
    binary(&[&command[..], arguments].concat())
}

/// The header of the plan, its other lines, and the figures.
fn planned(server: &TestServer, arguments: &[&str]) -> (Value, Vec<Value>, String) {
    let Ran { code, stdout, stderr } = run_command(duplicates(&server.database, arguments));
    assert_eq!(code, Some(0), "{stderr}");
    let mut lines = stdout.lines().map(|line| serde_json::from_str(line).unwrap());
    (lines.next().unwrap(), lines.collect(), stderr)
}

/// The line with `T` for each time.
fn without_times(line: &Value) -> String {
    let text = line.to_string();
    let mut parts = text.split("_time\":\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| format!("{text}_time\":\"T{}", &part[part.find('"').unwrap()..]))
}

fn ids(line: &Value) -> Vec<&str> {
    let secondaries = line["secondaries"].as_array().unwrap();
    [&line["primary"]]
        .into_iter()
        .chain(secondaries)
        .map(|user| user["id"].as_str().unwrap())
        .collect()
}

fn marks(line: &Value) -> Vec<&str> {
    let against = line["against"].as_array().into_iter().flatten();
    against.map(|of| of["mark"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn users_with_the_same_verified_email_are_a_cluster() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    service.create_with("google-oauth2", "ann", verified("ann@example.com")).await;
    let with_theme = |request: &mut pb::CreateUserRequest| {
        verified("Ann@Example.com")(request);
        request.user_metadata = object(value!({"theme": "dark"}));
    };
    service.create_with("github", "ann", with_theme).await;
    service.create_with("apple", "bob", verified("bob@example.com")).await;
    service.create_with("sms", "ann", verified("ann@example.com")).await;

    let (header, lines, figures) = planned(&server, &[]);

    assert_eq!(
        (&header["tenant"], &header["rules"], &header["primary"], &header["form"]),
        (&value!("joined"), &value!(["verified-email"]), &value!("oldest"), &value!(1))
    );
    let lines: Vec<String> = lines.iter().map(without_times).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"{"evidence":[{"holders":[{"identities":[{"provider":"github","subject":"ann"}],"user":"github|ann","verified":true,"verify_time":"T"},{"identities":[{"provider":"google-oauth2","subject":"ann"}],"user":"google-oauth2|ann","verified":true,"verify_time":"T"}],"rule":"verified-email","value":"a…@example.com"}],"primary":{"create_time":"T","id":"google-oauth2|ann","identities":1,"version":1},"secondaries":[{"create_time":"T","id":"github|ann","identities":1,"metadata":{"app_metadata":[],"user_metadata":[{"effect":"added","path":"/theme"}]},"version":1}]}"#);
    let plan = header["plan"].as_str().unwrap();
    assert_eq!(
        figures.replace(plan, "P").trim_end(),
        "plan P of joined\nidentities read: 4\nclusters: 1, users in them: 2\n  \
         verified-email: 1 pairs in 1 clusters\nwith something against them: 0\nlargest:\n  \
         google-oauth2|ann: 2 users"
    );
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn what_stands_against_a_link_is_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    for (provider, subject, email) in [
        ("google-oauth2", "a", "blocked@example.com"),
        ("github", "b", "blocked@example.com"),
        ("google-oauth2", "c", "apart@example.com"),
        ("github", "d", "apart@example.com"),
        ("github", "e", "same@example.com"),
        ("github", "f", "same@example.com"),
    ] {
        service.create_with(provider, subject, verified(email)).await;
    }
    service.block("github|b", true).await;
    service.link(link_user("google-oauth2|c", "github|d")).await.unwrap();
    service.unlink(unlink("google-oauth2|c", "github", "d")).await.unwrap();

    let (_, lines, figures) = planned(&server, &[]);

    let of = |id: &str| lines.iter().find(|line| ids(line).contains(&id)).unwrap();
    assert_eq!((lines.len(), marks(of("github|b"))), (3, vec!["blocked"]));
    assert_eq!(of("github|b")["against"][0]["users"], value!(["github|b"]));
    assert_eq!(marks(of("github|d")), ["taken_apart"]);
    assert_eq!(marks(of("github|f")), ["same_provider"]);
    assert_eq!(of("github|f")["against"][0]["providers"], value!(["github"]));
    assert!(figures.contains("with something against them: 3\n"), "{figures}");
}

/// A96: a user that has an account from before its email was proven may have waited for the owner of
/// the address.
#[tokio::test]
async fn an_account_older_than_the_email_is_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    service.create("sms", "waits").await;
    service.create_with("google-oauth2", "v", verified("v@example.com")).await;
    service.link(link_user("sms|waits", "google-oauth2|v")).await.unwrap();
    service.create_with("github", "v", verified("v@example.com")).await;

    let (_, lines, _) = planned(&server, &[]);

    assert_eq!(ids(&lines[0]), ["sms|waits", "github|v"]);
    assert_eq!(marks(&lines[0]), ["account_older_than_email"]);
    assert_eq!(lines[0]["against"][0]["users"], value!(["sms|waits"]));
}

#[tokio::test]
async fn a_provider_whose_accounts_are_not_to_be_linked_is_marked() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    service.create_with("okta", "a", verified("a@example.com")).await;
    service.create_with("github", "a", verified("a@example.com")).await;
    let trusted = "\nokta = { email_trust = \"when_verified\" }";
    let off = "\nokta = { email_trust = \"when_verified\", linking = \"off\" }";
    let file = config_file(&server.database, |toml| toml.replace(trusted, off));
    let command = ["duplicates", "--config", file.to_str().unwrap(), "--tenant", "joined"];

    let ran = run_command(binary(&command));

    let line: Value = serde_json::from_str(ran.stdout.lines().nth(1).unwrap()).unwrap();
    assert_eq!(marks(&line), ["linking_off"]);
    assert_eq!(line["against"][0]["providers"], value!(["okta"]));
}

#[tokio::test]
async fn weaker_rules_find_users_only_if_they_are_asked_for() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let phone = |request: &mut pb::CreateUserRequest| {
        let profile = value!({"phone_number": "+15555550103", "phone_number_verified": true});
        request.identity.as_mut().unwrap().profile_data = object(profile);
    };
    service.create_with("sms", "1", phone).await;
    service.create_with("ad", "1", phone).await;
    service.create_with("github", "g", verified("a.n.n@gmail.com")).await;
    service.create_with("google-oauth2", "g", verified("ann+x@googlemail.com")).await;
    service.create_with("github", "o", verified("one@example.com")).await;
    service.create_with("google-oauth2", "o", unverified("one@example.com")).await;
    let found = |arguments: &[&str]| {
        let (_, lines, _) = planned(&server, arguments);
        let of = |line: &Value| format!("{} {}", ids(line).join("+"), marks(line).join(","));
        lines.iter().map(of).collect::<Vec<_>>()
    };

    assert_eq!(found(&[]), [""; 0]);
    assert_eq!(found(&["--rule", "verified-phone"]), ["sms|1+ad|1 "]);
    assert_eq!(found(&["--gmail"]), ["github|g+google-oauth2|g "]);
    assert_eq!(found(&["--rule", "email-one-side"]), ["github|o+google-oauth2|o email_unverified"]);
}

#[tokio::test]
async fn the_primary_user_is_the_oldest_or_the_one_with_the_most_identities() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    service.create_with("google-oauth2", "a", verified("a@example.com")).await;
    service.create_with("github", "a", verified("a@example.com")).await;
    service.create_with("apple", "a", verified("a@example.com")).await;
    service.link(link_user("github|a", "apple|a")).await.unwrap();

    for (primary, expected) in [("oldest", "google-oauth2|a"), ("most-used", "github|a")] {
        let (_, lines, _) = planned(&server, &["--primary", primary]);
        assert_eq!(ids(&lines[0])[0], expected);
        assert_eq!(lines.len(), 1);
    }
}

#[tokio::test]
async fn the_plan_is_private_and_never_overwritten() {
    let database = cluster().db_migrated().await;
    let file = temp_dir("duplicates").join("plan.ndjson");
    let to_file = ["--output", file.to_str().unwrap()];

    let ran = run_command(duplicates(&database, &to_file));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let none = "\nclusters: 0, users in them: 0\nan email counts by its provider's email_trust,";
    assert!(ran.stdout.contains(none), "{}", ran.stdout);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let plan = fs::read(&file).unwrap();

    let again = run_command(duplicates(&database, &to_file));
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("exists, and is not overwritten"), "{}", again.stderr);
    assert_eq!(fs::read(&file).unwrap(), plan);
}

#[tokio::test]
async fn a_signal_stops_it_and_says_that_the_plan_is_not_complete() {
    let database = cluster().db_migrated().await;
    let held = database.db_hold_table("identities").await;
    let file = temp_dir("duplicates_stopped").join("plan.ndjson");
    let output = file.to_str().unwrap();
    let running = Running::start(duplicates(&database, &["--output", output]));
    database.db_until_waiting(1).await;

    running.signal(Signal::INT);

    let stderr =
        format!("identity-link: stopped before the end: the plan in {output} is not complete");
    assert_eq!(running.finish(), Ran { code: Some(130), stdout: String::new(), stderr });
    held.db_release().await;
}

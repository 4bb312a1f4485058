//! The link to an export is a secret, which is good for a moment and for one job.

use std::time::Duration;

use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use identity_link::clock;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    EXPORTS,
    exports::{downloaded, path},
};
use crate::reload::{RELOADED, Reloading};
use crate::support::{
    TestServer,
    auth0::{AUTH0, Asker},
    child::Running,
    cluster::{Database, cluster},
    tokens::{ServiceKeys, Token},
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);
const REFUSED: &str = "403 invalid_link This link is not valid, or has expired: get the job again, and its location is a new one.";

async fn exporting(server: &TestServer) -> Value {
    server.backend().post(EXPORTS, &json!({})).await.ok()
}

/// G28: no byte of a link can be changed, and none can be made up.
#[tokio::test]
async fn a_link_that_was_not_made_here_leads_nowhere() {
    let server = TestServer::start_auth0().await;
    let path = path(&exporting(&server).await);
    let (before, link) = path.rsplit_once('/').unwrap();
    let bytes = BASE64URL_NOPAD.decode(link.as_bytes()).unwrap();
    downloaded(&server, &path).await;

    let forged = (0..bytes.len()).map(|at| {
        let mut forged = bytes.clone();
        forged[at] ^= 1;
        BASE64URL_NOPAD.encode(&forged)
    });
    let shorter = (0..bytes.len()).map(|length| BASE64URL_NOPAD.encode(&bytes[..length]));
    let strange = ["%2e", "AA", "open-sesame", &"A".repeat(4000)].map(str::to_owned);
    for link in forged.chain(shorter).chain(strange).filter(|link| !link.is_empty()) {
        assert_eq!(
            server.stranger().get(&format!("{before}/{link}")).await.refused(),
            REFUSED,
            "{link}"
        );
    }
    // The key of another database, as after a restore elsewhere.
    let other = TestServer::start_auth0().await;
    assert_eq!(other.stranger().get(&path).await.refused(), REFUSED);
}

/// G28: a link is not good for longer than its job, or than the token with which it was made.
#[tokio::test]
async fn a_link_ends_with_its_job_and_with_its_token() {
    let server = TestServer::start_auth0().await;
    let job = exporting(&server).await;
    let name = format!("operations/{}", job["id"].as_str().unwrap());
    server.service().delete_operation(&name).await.unwrap();
    assert_eq!(server.stranger().get(&path(&job)).await.refused(), REFUSED);

    // The clocks of issuers may differ by a little, so a token is accepted after its end. A link is
    // not.
    let now = clock::now().timestamp();
    let late = Token::of("services", "backend").issued_ago(60).with("exp", now - 1);
    let job = server.asker(&late).post(EXPORTS, &json!({})).await.ok();
    assert_eq!(server.stranger().get(&path(&job)).await.refused(), REFUSED);
}

/// Expects that a link is refused after a change of the configuration, before which it is good.
async fn ends_by(change: impl FnOnce(&str) -> String) {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml + AUTH0);
    let backend = Asker::at(server.calls, Some(Token::of("services", "backend").sign()));
    let path = path(&backend.post(EXPORTS, &json!({})).await.ok());
    let stranger = Asker::at(server.calls, None);
    assert_eq!(stranger.get_bytes(&path).await.status(), 200);
    server.reload(change, RELOADED);
    assert_eq!(stranger.get(&path).await.refused(), REFUSED);
}

/// J33: what a reload takes away is gone for links too.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_when_its_issuer_may_not_grant_exports_any_more() {
    ends_by(|toml| toml.replace("\"export:users\", ", "")).await;
}

/// J33: what ends all tokens of an issuer ends their links.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_the_tokens_of_its_issuer() {
    let from = (clock::now() + TimeDelta::seconds(1)).to_rfc3339();
    let table = "[issuers.services]\n";
    let with = format!("{table}tokens_valid_from = \"{from}\"\n");
    ends_by(move |toml| toml.replace(table, &with)).await;
}

/// Fills a database with users of which no client that takes little has all at once: their metadata
/// cannot be compressed.
async fn db_fill(database: &Database) {
    database.db_populate(9000).await;
    let parts: Vec<String> = (0..8).map(|at| format!("md5('{at}' || id)")).collect();
    let random = format!("jsonb_build_object('x', {})", parts.join(" || "));
    database.db_execute(&format!("UPDATE users SET user_metadata = {random}")).await;
}

/// A server with one slot for exports, whose key file of services a test changes.
async fn with_keys(name: &str) -> (TestServer, ServiceKeys) {
    let keys = ServiceKeys::of_test(name);
    let database = cluster().db_migrated().await;
    let one = "[transfers]\nmax_exports = 1\nmax_pause = \"1h\"\n";
    let server = TestServer::start_with(database, |toml| keys.named_in(&toml) + AUTH0 + one).await;
    (server, keys)
}

/// J31: a key that its issuer has removed signs no link, and the links that it has signed end within
/// the time in which calls notice it.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_and_its_download_end_with_the_key_of_their_token() {
    let (server, keys) = with_keys("removed").await;
    db_fill(&server.database).await;
    let job = server.asker(&keys.token("services")).post(EXPORTS, &json!({})).await.ok();
    let slow = server.stranger().begin(&path(&job)).await;

    keys.write(&["github"]);
    let renewed = server.asker(&keys.token("github"));
    let other = renewed.post(EXPORTS, &json!({})).await.ok();

    assert_eq!(server.stranger().get(&path(&job)).await.refused(), REFUSED);
    // The slot is free when the download has ended.
    let free = async { while server.stranger().get_bytes(&path(&other)).await.status() != 200 {} };
    timeout(PATIENCE, free).await.expect("the download should end");
    assert!(slow.rest().await.is_err(), "the download should have no end");
}

/// An issuer that has another key beside it, in a document of another text, has removed nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_beside_another_key() {
    let (server, keys) = with_keys("beside").await;
    let job = server.asker(&keys.token("services")).post(EXPORTS, &json!({})).await.ok();

    keys.write(&["github", "services"]);
    server.asker(&keys.token("github")).post(EXPORTS, &json!({})).await.ok();

    downloaded(&server, &path(&job)).await;
}

/// The client sees that its file is not whole, and the server waits for no client.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_a_download_which_is_then_not_complete() {
    let database = cluster().db_migrated().await;
    db_fill(&database).await;
    let (mut child, address) =
        Running::serve(&database, |toml| format!("shutdown_grace = \"1h\"\n{toml}") + AUTH0);
    let asker = Asker::at(address, Some(Token::of("services", "backend").sign()));
    let job = asker.post(EXPORTS, &json!({})).await.ok();
    let slow = Asker::at(address, None).begin(&path(&job)).await;

    child.signal(Signal::TERM);
    child.stderr_until(|line| line.contains("an export over HTTP ended early"));

    assert!(slow.rest().await.is_err(), "the download should have no end");
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

/// G30: who may not export gets no link.
#[tokio::test]
async fn a_link_needs_the_scope_for_exports() {
    let server = TestServer::start_auth0().await;
    let job = exporting(&server).await;
    let with = |scope: &str| server.asker(&Token::of("services", "backend").scope(scope));
    let path = format!("/api/v2/jobs/{}", job["id"].as_str().unwrap());
    let gone = "404 inexistent_job The job does not exist.";
    assert_eq!(with("import:users").get(&path).await.refused(), gone);
    for scope in ["read:users jobs:users", "read:users"] {
        let expected = "403 insufficient_scope Insufficient scope; expected any of: export:users,import:users.";
        assert_eq!(with(scope).get(&path).await.refused(), expected);
        let expected = "403 insufficient_scope Insufficient scope; expected any of: export:users.";
        assert_eq!(with(scope).post(EXPORTS, &json!({})).await.refused(), expected);
    }
    let exporter = with("export:users");
    assert!(exporter.get(&path).await.ok()["location"].is_string());
}

/// G31: the log names the route and the tenant of a download, and never its link.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_never_logged() {
    let database = cluster().db_migrated().await;
    let log = "log = \"info,identity_link=trace\"\n";
    let (child, address) = Running::serve(&database, |toml| format!("{log}{toml}") + AUTH0);
    let asker = Asker::at(address, Some(Token::of("services", "backend").sign()));
    let job = asker.post(EXPORTS, &json!({})).await.ok();
    let path = path(&job);
    let stranger = Asker::at(address, None);
    assert_eq!(stranger.get_bytes(&path).await.status(), 200);
    stranger.get(&format!("{path}x")).await.refused();

    child.signal(Signal::TERM);
    let ran = child.finish();

    let link = path.rsplit_once('/').unwrap().1;
    for part in [&link[..16], &link[link.len() - 16..]] {
        assert!(!ran.stderr.contains(part), "{}", ran.stderr);
    }
    let calls: Vec<String> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["target"] == "identity_link::call")
        .map(|line| {
            ["rpc", "caller", "code", "reason"]
                .map(|key| line[key].as_str().unwrap().to_owned())
                .join(" ")
        })
        .collect();
    insta::assert_snapshot!(calls.join("\n"), @r#"
        POST /api/v2/jobs/users-exports service 200 
        GET /api/v2/exports/{link} none 200 
        GET /api/v2/exports/{link} none 403 invalid_link
    "#);
}

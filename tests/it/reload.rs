//! A configuration that is reloaded while the server serves. J33: what it takes away is gone.

mod keys;
mod providers;
mod refused;

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use futures_util::future::join_all;
use identity_link::grpc::proto::FeedEnd;
use rustix::process::Signal;
use serde_json::Value;
use tokio::{sync::watch, time::timeout};

use super::{management::channel, metrics::scraped};
use crate::support::{
    child::{Running, binary, config_file},
    cluster::{Database, cluster, feed_cluster},
    events::{Watcher, watch_from},
    http1::Http1,
    tokens::{Token, iss},
    *,
};

/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// Within this time, what an operator takes away is gone.
const SOON: Duration = Duration::from_secs(10);

pub(crate) const RELOADED: &str = r#""message":"the configuration was reloaded""#;
pub(crate) const REFUSED: &str =
    r#""message":"the configuration was not reloaded: the one before stays in use""#;

/// A server whose configuration file a test changes.
pub(crate) struct Reloading {
    child: Running,
    file: PathBuf,
    toml: String,
    management: SocketAddr,
    pub(crate) calls: SocketAddr,
}

impl Reloading {
    pub(crate) fn start(database: &Database, change: impl FnOnce(String) -> String) -> Self {
        let file = config_file(database, |toml| {
            change(toml) + "\n[management]\nlisten = \"127.0.0.1:0\"\n"
        });
        let toml = fs::read_to_string(&file).unwrap();
        let mut child = Running::start(binary(&["serve", "--config", file.to_str().unwrap()]));
        let mut address = |message: &str| {
            let line = child.stderr_until(|line| line.contains(message));
            let line: Value = serde_json::from_str(&line).unwrap();
            line["address"].as_str().unwrap().parse().unwrap()
        };
        let management = address(r#""message":"serving management""#);
        let calls = address(r#""message":"serving""#);
        Self { child, file, toml, management, calls }
    }

    /// Changes the file.
    fn write(&mut self, change: impl FnOnce(&str) -> String) {
        let changed = change(&self.toml);
        assert_ne!(changed, self.toml);
        self.toml = changed;
        fs::write(&self.file, &self.toml).unwrap();
    }

    /// Changes the file, sends SIGHUP, and returns the line of the log that has this message.
    pub(crate) fn reload(&mut self, change: impl FnOnce(&str) -> String, message: &str) -> Value {
        self.write(change);
        self.child.signal(Signal::HUP);
        self.line(message)
    }

    /// The next line of the log with this message.
    pub(crate) fn line(&mut self, message: &str) -> Value {
        let line = self.child.stderr_until(|line| line.contains(message));
        serde_json::from_str(&line).unwrap()
    }

    pub(crate) fn caller(&self, token: &Token) -> Caller {
        Caller::new(channel(self.calls), Some(token.sign()))
    }

    pub(crate) fn service(&self) -> Caller {
        self.caller(&Token::of("services", "backend"))
    }
}

/// The table of this issuer, and the configuration without it.
fn issuer_table(toml: &str, name: &str) -> (String, String) {
    let at = toml.find(&format!("[issuers.{name}]\n")).unwrap();
    let (before, from) = toml.split_at(at);
    let end = from.find("\n[").map_or(from.len(), |end| end + 1);
    let (table, behind) = from.split_at(end);
    (table.to_owned(), format!("{before}{behind}"))
}

/// The table of a service.
fn named_service(name: &str) -> String {
    format!("[services.{name}]\nissuer = \"{}\"\nsubject = \"{name}\"\n", iss("services"))
}

fn without_issuer(toml: &str, name: &str) -> String {
    issuer_table(toml, name).1
}

#[tokio::test(flavor = "multi_thread")]
async fn issuers_come_at_sighup_and_go_when_the_file_changes() {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| without_issuer(&toml, "github"));
    let whole = server::config_toml(server.calls, &database.url);
    let github = issuer_table(&whole, "github").0;
    let user = server.service().create("github", "ann").await;
    let ann = server.caller(&Token::of("github", "ann"));
    assert_eq!(refusal(ann.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");

    let line = server.reload(|toml| format!("{toml}{github}"), RELOADED);

    assert_eq!(line["added"], "issuer https://github.example.com", "{line}");
    assert_eq!((&line["changed"], &line["removed"]), (&"".into(), &"".into()), "{line}");
    assert_eq!(ann.user("").await.id, user.id);

    server.write(|toml| without_issuer(toml, "github"));
    let line = server.line(RELOADED);
    assert_eq!(line["removed"], "issuer https://github.example.com", "{line}");
    // The token was remembered.
    assert_eq!(refusal(ann.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_is_taken_away_ends_tokens_and_watches() {
    let database = feed_cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let service = server.service();
    let user = service.create("github", "ann").await;
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;

    let line = server.reload(|toml| toml.replace("\"read:events\", ", ""), RELOADED);

    assert_eq!(line["changed"], "issuer https://services.example.com", "{line}");
    assert_eq!(
        refusal::<()>(Err(timeout(SOON, watcher.end()).await.unwrap())),
        "Unavailable WATCH_EXPIRED"
    );
    let again = service.watch_events(watch_from(FeedEnd::Newest)).await;
    assert_eq!(refusal(again.map(drop)), "PermissionDenied SCOPE_INSUFFICIENT");
    assert_eq!(service.user(&user.id).await.id, user.id);
}

/// Each watcher is judged anew, continues from its position, and misses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_continues_after_a_reload() {
    let database = feed_cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;
    server.reload(|toml| toml.to_owned() + &named_service("later"), RELOADED);
    watcher.end().await;
    let user = service.create("github", "ann").await;

    let request = events::watch_after(&watcher.position);
    let mut watcher = Watcher::begin(&service, request).await;

    let event = watcher.events(1).await.remove(0);
    assert!(format!("{event:?}").contains(&user.id), "{event:?}");
    // The new generation of the feed is read live too.
    watcher.caught_up().await;
    service.block(&user.id, true).await;
    watcher.events(1).await;
}

/// J33: a watch ends only if its caller may be permitted less.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_changes_no_permission_ends_no_watch() {
    let database = feed_cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let service = server.service();
    let user = service.create("github", "ann").await;
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;

    for harmless in [
        "max_call_time = \"29s\"",
        "max_concurrent_calls = 99",
        "reflection = false",
        "shutdown_delay = \"1ms\"",
        "shutdown_grace = \"9s\"",
    ] {
        server.reload(|toml| format!("{harmless}\n{toml}"), RELOADED);
    }
    server.reload(|toml| format!("{toml}\n[rate_limits.users]\nreads = \"60/min\"\n"), RELOADED);
    service.block(&user.id, true).await;
    watcher.events(1).await;

    // The watch began many configurations ago, and ends with the first change that may concern it.
    server.reload(|toml| toml.to_owned() + &named_service("later"), RELOADED);
    let end = refusal::<()>(Err(timeout(SOON, watcher.end()).await.unwrap()));
    assert_eq!(end, "Unavailable WATCH_EXPIRED");
}

/// A call ends on the configuration on which it began.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_ends_well() {
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let service = server.service();
    let user = service.create("github", "ann").await;
    let held = database.db_hold(&user.id).await;
    let (caller, id) = (service.clone(), user.id.clone());
    let blocking = tokio::spawn(async move { caller.update_user(block(&id, true)).await });
    database.db_until_waiting(1).await;

    server.reload(|toml| without_issuer(toml, "services"), RELOADED);
    assert_eq!(
        refusal(service.get_user(get(&user.id)).await),
        "Unauthenticated TOKEN_INVALID",
        "a call that begins now is judged by the new configuration"
    );
    held.db_release().await;

    assert!(blocking.await.unwrap().unwrap().user.unwrap().blocked);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_the_configuration_is_reloaded_twenty_times() {
    let database = cluster().db_migrated().await;
    let mut server =
        Reloading::start(&database, |toml| format!("max_concurrent_calls = 99\n{toml}"));
    let user = server.service().create("github", "ann").await;
    let (stop, stopped) = watch::channel(false);
    let callers = (0..4).map(|_| {
        let (service, ann) = (server.service(), server.caller(&Token::of("github", "ann")));
        let (id, stopped) = (user.id.clone(), stopped.clone());
        tokio::spawn(async move {
            let mut calls = 0;
            while !*stopped.borrow() {
                service.get_user(get(&id)).await.unwrap();
                ann.get_user(get("")).await.unwrap();
                service.update_user(block(&id, false)).await.unwrap();
                calls += 1;
            }
            calls
        })
    });
    let callers: Vec<_> = callers.collect();

    for number in 100..120 {
        let service = named_service(&format!("s{number}"));
        let line = server.reload(
            |toml| {
                let (_, rest) = toml.split_once('\n').unwrap();
                format!("max_concurrent_calls = {number}\n{rest}{service}")
            },
            RELOADED,
        );
        assert_eq!(line["added"], format!("service s{number}"), "{line}");
        assert_eq!(line["changed"], "max_concurrent_calls", "{line}");
    }

    stop.send(true).unwrap();
    for calls in timeout(PATIENCE, join_all(callers)).await.unwrap() {
        assert!(calls.unwrap() > 0);
    }
    let (_, text) = scraped(server.management, "*/*").await;
    let has = |line: &str| assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    has("identity_link_config_reloads_total{result=\"ok\"} 20");
    has("identity_link_config_last_reload_successful 1");
    // The keys of issuers that stayed as they were are not read again by a reload.
    let reads = |text: &str| {
        let line = text.lines().find(|line| {
            line.starts_with("identity_link_key_reads_total{issuer=\"https://okta.example.com\"")
        });
        line.unwrap().rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()
    };
    assert!(reads(&text) < 20, "{text}");
}

/// SIGHUP with an unchanged file is no error, and ends no watch.
#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_file_changes_nothing() {
    let database = feed_cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;

    server.child.signal(Signal::HUP);
    let line = server.line(RELOADED);

    for key in ["added", "changed", "removed"] {
        assert_eq!(line[key], "", "{line}");
    }
    service.create("github", "ann").await;
    watcher.events(1).await;
}

/// HTTP/1.1 is always there, so what needs it comes and goes like any other key.
#[tokio::test(flavor = "multi_thread")]
async fn auth0s_http_and_the_pages_that_may_call_come_and_go() {
    const PAGE: &str = "https://app.example.com";
    let database = cluster().db_migrated().await;
    let mut server = Reloading::start(&database, |toml| toml);
    let token = Token::of("services", "backend").with("tenant", "joined").sign();
    let calls = server.calls;
    let seen = async || {
        let mut client = Http1::connect(calls).await;
        let head =
            format!("HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\norigin: {PAGE}");
        let users = client.ask(format!("GET /api/v2/users {head}\r\n\r\n")).await;
        let find = format!(
            "POST /identitylink.v1.IdentityService/FindByEmail {head}\r\ncontent-type: application/json\r\ncontent-length: 25\r\n\r\n{{\"email\":\"a@example.com\"}}"
        );
        let found = client.ask(find).await;
        assert_eq!(found.status, 200, "{found:?}");
        (users.status, found.header("access-control-allow-origin").map(str::to_owned))
    };
    assert_eq!(seen().await, (405, None));

    let line = server.reload(
        |toml| format!("allowed_origins = [\"{PAGE}\"]\n{toml}[auth0]\ntenants = [\"joined\"]\n"),
        RELOADED,
    );

    assert!(line["changed"].as_str().unwrap().contains("allowed_origins"), "{line}");
    assert_eq!(seen().await, (200, Some(PAGE.to_owned())));
    server.reload(
        |toml| {
            let toml = toml.replace("[auth0]\ntenants = [\"joined\"]\n", "");
            toml.replace(&format!("allowed_origins = [\"{PAGE}\"]\n"), "")
        },
        RELOADED,
    );
    assert_eq!(seen().await, (405, None));
}

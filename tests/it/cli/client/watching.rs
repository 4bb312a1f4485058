//! `watch`: every event once, until an interruption.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tonic::Status;

use super::{Desk, WAYS, Way};
use crate::support::{
    TestServer,
    child::{Running, binary},
    relay::{Fault, Relay},
};

/// The user of an event in JSON.
fn user(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap();
    event["userCreated"]["user"]["userId"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_printed_and_an_interruption_names_the_position() {
    for way in WAYS {
        let desk = Desk::beside(TestServer::start_feed().await, &format!("watch_{way:?}"));
        desk.two().await;
        let watch = ["watch", "--from-oldest", "--output", "json", "--kind", "user-created"];
        let mut watching = Running::start(desk.command(way, &watch));
        watching.stdout_until(|line| user(line) == "sms|+15550100");
        watching.signal(Signal::INT);
        let ran = watching.finish();
        assert_eq!(ran.code, Some(130), "{}", ran.stderr);
        let users: Vec<String> = ran.stdout.lines().map(user).collect();
        assert_eq!(users, ["github|ann", "sms|+15550100"]);
        let position = ran.stderr.strip_prefix("identity-link: continue with --from ").unwrap();

        let mut watching = Running::start(desk.command(way, &["watch", "--from", position]));
        desk.create("okta", "bob", "", false).await;
        let line = watching.stdout_until(|line| line.contains("okta|bob"));
        watching.signal(Signal::TERM);
        let ran = watching.finish();
        assert_eq!((ran.code, ran.stdout.lines().count()), (Some(130), 1), "{}", ran.stdout);
        let (time, rest) = line.split_once("  ").unwrap();
        assert_eq!(time.len(), 20);
        assert!(rest.starts_with("user-created  okta|bob  by service backend "), "{line}");
    }
}

/// A watch goes on at another server, after lost connections and after the server has ended it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_resumes_by_itself() {
    let server = TestServer::start_feed_changed(|config| {
        config.feed.max_watch = Duration::from_secs(1);
    })
    .await;
    let other = server.another().await;
    let relay = Relay::start(server.address).await;
    let desk = Desk::beside(server, "watch_resumes");
    relay.fail("WatchEvents", Fault::Refuse(Box::new(Status::unavailable("gone"))));
    let mut command = binary(&["watch", "--from-oldest", "--output", "json"]);
    command.args(["--server", &format!("http://{}", relay.address), "--token-file"]);
    let mut watching = Running::start({
        command.arg(&desk.token);
        command
    });
    desk.create("github", "1", "", false).await;
    watching.stdout_until(|line| user(line) == "github|1");
    relay.until_attempts("WatchEvents", 3).await;
    relay.lead_to(other.address);
    desk.create("github", "2", "", false).await;
    watching.stdout_until(|line| user(line) == "github|2");
    watching.signal(Signal::INT);
    let ran = watching.finish();
    let users: Vec<String> = ran.stdout.lines().map(user).collect();
    assert_eq!((ran.code, users), (Some(130), vec!["github|1".to_owned(), "github|2".to_owned()]));
}

/// A reader that has enough ends the command, as it ends others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_watch_needs_no_server() {
    let desk = Desk::beside(TestServer::start_feed().await, "watch_alone");
    desk.two().await;
    desk.server.shutdown.cancel();
    let mut watching = Running::start(desk.command(Way::Database, &["watch", "--from-oldest"]));
    watching.stdout_until(|line| line.contains("user-created  github|ann"));
    watching.signal(Signal::INT);
    assert_eq!(watching.finish().code, Some(130));
}

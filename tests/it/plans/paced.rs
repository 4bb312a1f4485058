//! How fast the commands are, and which other work they wait for.

use std::time::{Duration, Instant};

use super::{Desk, figures};
use crate::support::{TestServer, child::Running};

#[tokio::test]
async fn links_are_made_no_faster_than_the_rate() {
    let desk = Desk::start("rate").await;
    desk.pairs(&["a", "b", "c"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let begun = Instant::now();

    let ran = desk.run("apply", &["--rate", "2", &plan]);

    assert_eq!(figures(&ran), "linked: 3, already: 0, skipped: 0");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(desk.run("apply", &["--rate", "0", &plan]).code, Some(2));
}

/// Several links are made at once, and the report is in the order of the plan.
#[tokio::test]
async fn many_links_are_reported_in_the_order_of_the_plan() {
    let desk = Desk::start("many").await;
    desk.pairs(&["person"]).await;
    desk.server.database.db_multiply("person", 149).await;
    let plan = desk.plan("plan.ndjson", &[]);

    let report = desk.path("report.ndjson");
    let ran = desk.run("apply", &["--rate", "100000", "--report", &report, &plan]);

    assert_eq!(figures(&ran), "linked: 150, already: 0, skipped: 0");
    let lines: Vec<u64> =
        desk.lines("report.ndjson").iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert!(lines.iter().copied().eq(2..152), "{lines:?}");
    let links = desk.db_links_of_plans().await;
    let is_pair = |link: &String| {
        let (primary, secondary) = link.split_once(' ').unwrap();
        primary.replace("google-oauth2", "github") == secondary
    };
    assert_eq!((links.len(), links.iter().all(is_pair)), (150, true));
    desk.server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn it_pauses_while_events_wait_behind_an_open_transaction() {
    let desk = Desk::beside(TestServer::start_feed().await, "feed").await;
    desk.pairs(&["a", "b", "c", "d", "e", "f", "g", "h"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let held = desk.server.database.db_hold_transaction().await;
    let mut running = Running::start(desk.command("apply", &["--rate", "1", &plan]));

    let said = running.stderr_until(|line| line.starts_with("paused"));
    assert_eq!(said, "paused: events wait behind an open transaction for over 2 s");
    assert!(desk.db_links_of_plans().await.len() < 8);
    held.db_release().await;

    running.stderr_until(|line| line == "going on");
    let ran = running.finish();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(figures(&ran), "linked: 8, already: 0, skipped: 0");
}

#[tokio::test]
async fn it_pauses_while_sessions_wait_for_locks() {
    let desk = Desk::start("locks").await;
    desk.pairs(&["a"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let held = desk.server.database.db_hold_table("import_runs").await;
    let waiting = async || {
        desk.server.database.db_execute("SET lock_timeout = 0; DELETE FROM import_runs").await;
    };
    let others = async { tokio::join!(waiting(), waiting(), waiting(), waiting(), waiting()) };
    let paused = async {
        desk.server.database.db_until_waiting(5).await;
        let mut running = Running::start(desk.command("apply", &[&plan]));
        let said = tokio::task::spawn_blocking(move || {
            let said = running.stderr_until(|line| line.starts_with("paused"));
            (said, running)
        });
        let (said, running) = said.await.unwrap();
        assert_eq!(said, "paused: 5 or more sessions of the database wait for locks");
        assert!(desk.db_links_of_plans().await.is_empty());
        held.db_release().await;
        running
    };

    let (_, running) = tokio::join!(others, paused);

    let ran = running.finish();
    assert_eq!((ran.code, figures(&ran)), (Some(0), "linked: 1, already: 0, skipped: 0"));
}

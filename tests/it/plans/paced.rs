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

//! A plan that was left anywhere goes on where it ended, and makes no link twice.

use identity_link::grpc::proto as pb;
use rustix::process::Signal;

use super::{Desk, figures, last_said};
use crate::support::{child::Running, standstill::Moment, verified};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The primary user whose link the tests hold in the middle of its transaction.
const HELD: &str = "google-oauth2|c";

#[tokio::test]
async fn a_run_that_is_killed_leaves_whole_links_and_the_next_one_makes_the_others() {
    let desk = Desk::start("killed").await;
    desk.pairs(&NAMES).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let held = desk.server.database.db_hold_events(HELD, Moment::BeforeInsert).await;
    let running = Running::start(desk.command("apply", &[&plan]));
    desk.server.database.db_until_waiting(1).await;

    running.signal(Signal::KILL);
    running.finish();

    held.db_release().await;
    let made = desk.db_links_of_plans().await.len();
    assert!(made < NAMES.len(), "{made}");
    desk.server.database.db_assert_invariants().await;
    let ran = desk.run("apply", &[&plan]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    desk.server.database.db_assert_invariants().await;
    assert_eq!(desk.db_links_of_plans().await.len(), NAMES.len());
}

#[tokio::test]
async fn a_signal_ends_it_after_the_link_that_is_being_made() {
    let desk = Desk::start("stopped").await;
    desk.pairs(&NAMES).await;
    let plan = desk.plan("plan.ndjson", &[]);
    let held = desk.server.database.db_hold_events(HELD, Moment::BeforeInsert).await;
    let running = Running::start(desk.command("apply", &[&plan]));
    desk.server.database.db_until_waiting(1).await;

    running.signal(Signal::INT);
    held.db_release().await;

    let ran = running.finish();
    assert_eq!(ran.code, Some(130), "{ran:?}");
    let said =
        "identity-link: stopped before the end: what is done stays, and the same command continues";
    assert_eq!(last_said(&ran), said);
    let made = desk.db_links_of_plans().await.len();
    assert_eq!(figures(&ran), format!("linked: {made}, already: 0, skipped: 0"));
    let again = desk.run("apply", &[&plan]);
    let left = NAMES.len() - made;
    assert_eq!(figures(&again), format!("linked: {left}, already: {made}, skipped: 0"));
}

#[tokio::test]
async fn each_run_with_a_limit_makes_the_next_links() {
    let desk = Desk::start("limit").await;
    desk.pairs(&["a", "b"]).await;
    desk.service.create_with("apple", "a", verified("a@example.com")).await;
    let plan = desk.plan("plan.ndjson", &[]);

    for expected in [
        "linked: 2, already: 0, skipped: 0",
        "linked: 1, already: 2, skipped: 0",
        "linked: 0, already: 3, skipped: 0",
    ] {
        let ran = desk.run("apply", &["--limit", "2", &plan]);
        assert_eq!((ran.code, figures(&ran)), (Some(0), expected));
        let is_limited = ran.stdout.lines().next().unwrap().ends_with(", up to the limit");
        assert_eq!(is_limited, expected.starts_with("linked: 2"));
    }
}

/// A59: what a person or a service took back since is not made again by the same plan.
#[tokio::test]
async fn a_link_that_was_undone_since_is_not_made_again() {
    let desk = Desk::start("undone").await;
    desk.pairs(&["a", "b"]).await;
    let plan = desk.plan("plan.ndjson", &[]);
    assert_eq!(desk.run("apply", &[&plan]).code, Some(0));
    let link = "SELECT id::text FROM links WHERE secondary_id = 'github|a'";
    let link_id = desk.server.database.db_texts(link).await.remove(0);
    let undo = pb::UndoLinkRequest { link_id: link_id.clone(), ..Default::default() };
    desk.service.undo_link(undo).await.unwrap();
    let before = desk.server.database.db_everything().await;

    let ran = desk.run("apply", &["--report", &desk.path("report.ndjson"), &plan]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(figures(&ran), "linked: 0, already: 1, skipped: 1\n  UNDONE: 1");
    let report = desk.lines("report.ndjson");
    let undone = report.iter().find(|line| line["reason"] == "UNDONE").unwrap();
    assert_eq!(undone["link"], link_id);
    assert_eq!(before, desk.server.database.db_everything().await);
}

//! A run that ends anywhere continues where its last batch ended.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::time::timeout;

use super::{Desk, db_users, lines, row};
use crate::support::{
    TestServer,
    child::Running,
    cluster::{Database, cluster},
};

/// How many rows there are, in four batches, of which each hundredth is refused.
const ROWS: usize = 2000;

fn file() -> String {
    lines((0..ROWS).map(|number| match number % 100 {
        0 => json!({"id": format!("old-{number}"), "identities": [{"provider": "github", "subject": ""}]}),
        // No id of ours.
        1 => json!({"identities": [{"provider": "github", "subject": number.to_string()}]}),
        _ => row(number),
    }))
}

async fn db_settled(database: &Database) -> usize {
    let rows = database.db_texts("SELECT rows::text FROM import_runs").await;
    rows.first().map_or(0, |rows| rows.parse().unwrap())
}

/// Returns once more rows than these are settled.
async fn db_until_more(database: &Database, than: usize) -> usize {
    let more = async {
        loop {
            let settled = db_settled(database).await;
            if settled > than {
                return settled;
            }
        }
    };
    timeout(Duration::from_secs(60), more).await.expect("more rows should be settled")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_continues_where_its_last_batch_ended() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", file());
    let mut settled = 0;
    for _ in 0..4 {
        let running = Running::start(desk.command("neutral", &[&file], &[]));
        settled = db_until_more(&database, settled).await;
        running.signal(Signal::KILL);
        running.finish();
        database.db_until_alone().await;
        settled = settled.max(db_settled(&database).await);
        if settled > ROWS / 2 {
            break;
        }
    }

    let ran = desk.import("neutral", &[&file], &[]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    // The last signal may have come after the end of the run: then this is another one.
    let counts = ["created: 1980, present: 0", "created: 0, present: 1980"];
    let counts = counts.map(|counts| format!("{counts}, skipped: 0, refused: 20"));
    assert!(counts.iter().any(|counts| ran.stdout.contains(counts)), "{ran:?}");
    assert_eq!(db_users(&database).await.len(), 1980);
    let report = desk.written("refused.ndjson");
    let places = report.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        line["place"].as_str().unwrap().to_owned()
    });
    let expected = (0..ROWS).step_by(100).map(|number| format!("users.ndjson:{}", number + 1));
    assert_eq!(places.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let counted = "SELECT sum((detail->>'count')::bigint)::text FROM events";
    assert_eq!(database.db_texts(counted).await, ["1980"]);
    database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_says_that_the_same_command_continues() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", file());
    let running = Running::start(desk.command("neutral", &[&file], &[]));
    db_until_more(&database, 0).await;
    running.signal(Signal::INT);

    let ran = running.finish();

    if ran.code != Some(3) {
        // It had not ended before the signal.
        assert_eq!(ran.code, Some(130), "{ran:?}");
        assert!(ran.stderr.contains("the same command continues"), "{ran:?}");
    }
    let ran = desk.import("neutral", &[&file], &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(db_users(&database).await.len(), 1980);
}

/// Each has a batch inserted while it learns that the other has committed the one before. The lock
/// lets both begin, and neither insert: a run that begins after the first batch is another case.
#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_make_no_user_twice_and_one_of_them_ends() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let desks = ["first", "second"].map(|name| {
        let dir = desk.dir.join(name);
        std::fs::create_dir(&dir).unwrap();
        Desk { dir, config: desk.config.clone() }
    });
    let begin = |desk: &Desk| {
        let file = desk.write("users.ndjson", file());
        Running::start(desk.command("neutral", &[&file], &[]))
    };
    let held = database.db_hold_statement("LOCK TABLE users IN SHARE MODE").await;
    let running = desks.each_ref().map(begin);
    database.db_until_waiting(2).await;
    held.db_release().await;
    let runs = running.map(Running::finish);

    let codes = runs.each_ref().map(|run| run.code);
    assert!(codes.contains(&Some(3)), "{runs:?}");
    for run in runs.iter().filter(|run| run.code != Some(3)) {
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("another process imports the same users"), "{run:?}");
    }
    assert_eq!(db_users(&database).await.len(), 1980);
    let counted = "SELECT sum((detail->>'count')::bigint)::text FROM events";
    assert_eq!(database.db_texts(counted).await, ["1980"]);
    database.db_assert_invariants().await;
}

/// A statement waits five seconds for a lock, and then its batch begins again.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waited_too_long_for_others_begins_again() {
    const WAITING: &str = "SELECT xact_start::text FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", lines((0..30).map(row)));
    let held = database.db_hold_statement("LOCK TABLE users IN SHARE MODE").await;
    let running = Running::start(desk.command("neutral", &[&file], &[]));
    database.db_until_waiting(1).await;
    let first = database.db_texts(WAITING).await;
    let again = async {
        loop {
            let waiting = database.db_texts(WAITING).await;
            if !waiting.is_empty() && waiting != first {
                return;
            }
        }
    };
    timeout(Duration::from_secs(60), again).await.expect("the batch should begin again");
    held.db_release().await;

    let ran = running.finish();

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("created: 30, present: 0"), "{ran:?}");
}

/// The report of the rows before is where the first run has written it.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_begins_in_the_midst_of_another_needs_its_files() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let elsewhere = Desk { dir: desk.dir.join("elsewhere"), config: desk.config.clone() };
    std::fs::create_dir(&elsewhere.dir).unwrap();
    let [file, copy] = [&desk, &elsewhere].map(|desk| desk.write("users.ndjson", file()));
    // The last batch waits for the id of one of its rows.
    const TAKEN: &str = "INSERT INTO users (tenant_id, id, version, identities_version, create_time, update_time, \
          primary_provider, primary_subject, user_metadata, app_metadata, profile_overrides, blocked) \
        VALUES ('default', 'old-1999', 1, 1, now(), now(), 'github', '1999', '{}', '{}', '{}', false)";
    let held = database.db_hold_statement(TAKEN).await;
    let running = Running::start(desk.command("neutral", &[&file], &[]));
    db_until_more(&database, 0).await;
    running.signal(Signal::KILL);
    running.finish();
    drop(held);
    database.db_until_alone().await;
    let before = database.db_everything().await;

    let ran = elsewhere.import("neutral", &[&copy], &[]);

    assert_eq!(ran.code, Some(1), "{ran:?}");
    let expected = "does not exist; an import of the same rows has begun and not ended";
    assert!(ran.stderr.contains(expected), "{ran:?}");
    assert_eq!(database.db_everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_makes_no_user_twice() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", lines((0..30).map(row)));
    let other = desk.write("more.ndjson", lines((20..50).map(row)));
    assert_eq!(desk.import("neutral", &[&file], &[]).code, Some(0));
    let before = database.db_everything().await;

    let ran = desk.import("neutral", &[&file], &[]);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("created: 0, present: 30"), "{ran:?}");
    assert_eq!(database.db_everything().await, before);

    let ran = desk.import("neutral", &[&other], &[]);

    assert!(ran.stdout.contains("created: 20, present: 10"), "{ran:?}");
    assert_eq!(db_users(&database).await.len(), 50);
}

/// A batch of new users follows one in which some are not.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_found_in_each_batch() {
    let server = TestServer::start().await;
    let database = &server.database;
    let desk = Desk::new(database, |toml| toml);
    let some = desk.write("some.ndjson", lines((700..710).map(row)));
    let all = desk.write("all.ndjson", lines((0..1500).map(row)));
    assert_eq!(desk.import("neutral", &[&some], &[]).code, Some(0));
    server.service().delete("old-705").await;
    std::fs::remove_file(desk.dir.join("some.ndjson")).unwrap();

    let ran = desk.import("neutral", &[&all], &[]);

    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stdout.contains("created: 1490, present: 9, skipped: 0, refused: 1"), "{ran:?}");
    assert_eq!(db_users(database).await.len(), 1499);
    database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_the_same_and_writes_nothing() {
    let database = cluster().db_migrated().await;
    let desk = Desk::new(&database, |toml| toml);
    let file = desk.write("users.ndjson", file());
    let before = database.db_everything().await;

    let dry = desk.import("neutral", &[&file], &["--dry-run"]);

    assert_eq!(dry.code, Some(3), "{dry:?}");
    assert_eq!(database.db_everything().await, before);
    assert_eq!(std::fs::read_dir(&desk.dir).unwrap().count(), 1, "only the file itself");
    let real = desk.import("neutral", &[&file], &[]);
    let same = |text: &str| text.replace("would be created", "created");
    assert!(real.stdout.starts_with(&same(&dry.stdout)), "{dry:?} {real:?}");
}

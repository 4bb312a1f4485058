//! A move that ends anywhere continues there, and no person signs in meanwhile.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::timeout;

use super::*;
use crate::support::{
    child::Running,
    imports::{ImportStore, imported},
};

/// How many accounts there are, in six batches.
const ACCOUNTS: usize = 3000;

/// A database with accounts, and a file of their new subjects.
async fn begin() -> (TestServer, Desk) {
    let old = old_server().await;
    let store = ImportStore::open(&old.database).await;
    let users: Vec<_> =
        (0..ACCOUNTS).map(|n| imported(&format!("u{n}"), &[&format!("github|o{n}")])).collect();
    for part in users.chunks(500) {
        store.import(part).await.unwrap();
    }
    let desk = Desk::new(&old.database);
    let rows: Vec<(String, String)> =
        (0..ACCOUNTS).map(|n| (format!("o{n}"), format!("n{n}"))).collect();
    desk.write_map(rows.iter().map(|(old, new)| (old.as_str(), new.as_str())));
    (old, desk)
}

async fn db_settled(database: &Database) -> usize {
    let rows = database.db_texts("SELECT rows::text FROM provider_moves").await;
    rows.first().map_or(0, |rows| rows.parse().unwrap())
}

/// Returns once more rows than these are settled.
async fn db_until_more(database: &Database, than: usize) -> usize {
    let more = async {
        loop {
            // The beginning and the end of a move end the connections of the service, and this one has
            // its name.
            let asked = database.clone();
            let settled = tokio::spawn(async move { db_settled(&asked).await }).await;
            if let Ok(settled) = settled
                && settled > than
            {
                return settled;
            }
        }
    };
    timeout(Duration::from_secs(60), more).await.expect("more rows should be settled")
}

/// Each account has its new subject, and its user.
async fn db_assert_renamed(database: &Database) {
    let others = "SELECT subject FROM identities WHERE owner_id <> 'u' || substr(subject, 2) OR subject NOT LIKE 'n%'";
    assert_eq!(database.db_texts(others).await, [""; 0]);
    let events = "SELECT count(*) || ' ' || count(DISTINCT user_id) FROM events \
        WHERE detail->>'kind' = 'identities_renamed'";
    assert_eq!(database.db_texts(events).await, [format!("{ACCOUNTS} {ACCOUNTS}")]);
    let counts =
        "SELECT concat_ws(' ', rows, renamed, kept, end_time IS NOT NULL) FROM provider_moves";
    assert_eq!(database.db_texts(counts).await, [format!("{ACCOUNTS} {ACCOUNTS} 0 t")]);
    database.db_assert_invariants().await;
}

/// J40: while accounts are renamed, a subject may be of either issuer. So no server serves the tenant.
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_continues_where_its_last_batch_ended() {
    let (old, desk) = begin().await;
    let options = ["--subjects", "map.csv"];
    let running = Running::start(desk.command(&options));
    db_until_more(&old.database, 0).await;
    running.signal(Signal::KILL);
    running.finish();
    if db_settled(&old.database).await == ACCOUNTS {
        // It had renamed all before the signal, and perhaps ended.
        desk.move_it(&options);
        return db_assert_renamed(&old.database).await;
    }

    let settled = db_settled(&old.database).await;
    assert_eq!(refusal(old.service().get_user(get("u1")).await), UNAVAILABLE);
    for change in [before as fn(String) -> String, after] {
        let config = Desk::with(&old.database, change);
        let mut serve = binary(&["serve", "--config", "new.toml"]);
        serve.current_dir(&config.dir);
        let ran = run_command(serve);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains("renames its accounts"), "{ran:?}");
    }
    // That was the folder of the operator: the same file again.
    let desk = Desk::new(&old.database);
    desk.write_map([("o1", "other")]);
    let other = desk.move_it(&options);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stderr.contains("with another file or other options"), "{other:?}");
    let rows: Vec<(String, String)> =
        (0..ACCOUNTS).map(|n| (format!("o{n}"), format!("n{n}"))).collect();
    desk.write_map(rows.iter().map(|(old, new)| (old.as_str(), new.as_str())));
    assert_eq!(db_settled(&old.database).await, settled);

    let ran = desk.move_it(&options);

    assert_eq!(ran.code, Some(0), "{ran:?}");
    db_assert_renamed(&old.database).await;
    let new = new_server(&old.database).await;
    assert_eq!(new.caller(&new_token("n7")).user("").await.id, "u7");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_stopped_says_that_the_tenant_is_not_served() {
    let (old, desk) = begin().await;
    let options = ["--subjects", "map.csv"];
    let running = Running::start(desk.command(&options));
    db_until_more(&old.database, 0).await;
    running.signal(Signal::INT);

    let ran = running.finish();

    if ran.code != Some(0) {
        // It had not ended before the signal.
        assert_eq!(ran.code, Some(130), "{ran:?}");
        assert!(ran.stderr.contains("no server serves the tenant until"), "{ran:?}");
    }
    let dry = desk.move_it(&["--subjects", "map.csv", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert_eq!(desk.move_it(&options).code, Some(0));
    db_assert_renamed(&old.database).await;
}

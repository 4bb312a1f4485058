//! Laws of an import: the order of the rows, the files that they are cut into, and a second run do
//! not change which users there are, and an export brings back what it was made from.

use std::{collections::BTreeSet, path::PathBuf};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::{Desk, lines};
use crate::support::{
    child::{binary, run_command},
    cluster::{Database, cluster},
};

/// Few enough that rows share some of them.
const SUBJECTS: usize = 14;
const IDS: usize = 20;

/// A row as an export could have written it, so that no time is the one of the import.
fn any_row() -> impl Strategy<Value = Value> {
    let account = (
        prop::sample::select(&["google-oauth2", "github", "sms"][..]),
        0..SUBJECTS,
        any::<Option<bool>>(),
        0..60_u32,
    );
    let accounts = prop::collection::vec(account, 1..4);
    let names = prop::collection::btree_set(0..IDS, 1..3);
    (names, accounts, any::<bool>(), 0..3_i32).prop_map(|(names, accounts, blocked, number)| {
        let mut seen = BTreeSet::new();
        let identities: Vec<Value> = accounts
            .into_iter()
            .filter(|(provider, subject, ..)| seen.insert((*provider, *subject)))
            .map(|(provider, subject, email, second)| {
                let time = format!("2025-02-03T04:05:{second:02}Z");
                let mut account =
                    json!({"provider": provider, "subject": subject.to_string(), "attach_time": time});
                if let Some(is_verified) = email {
                    account["email"] = json!(format!("{subject}@example.com"));
                    account["email_verified"] = json!(is_verified);
                    if is_verified {
                        account["email_verify_time"] = json!(time);
                    }
                }
                account
            })
            .collect();
        let mut names = names.into_iter().map(|name| format!("user-{name}"));
        json!({
            "id": names.next(),
            "aliases": names.collect::<Vec<_>>(),
            "create_time": "2024-01-02T03:04:05.000006Z",
            "blocked": blocked,
            "user_metadata": {"number": number},
            "identities": identities,
        })
    })
}

/// Imports files that have these rows.
fn import(desk: &Desk, name: &str, files: &[Vec<Value>]) -> String {
    let paths: Vec<PathBuf> = files
        .iter()
        .enumerate()
        .map(|(at, rows)| desk.write(&format!("{name}-{at}.ndjson"), lines(rows.iter().cloned())))
        .collect();
    let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
    let (report, id_map) = (format!("{name}-refused.ndjson"), format!("{name}-ids.csv"));
    let ran = desk.import("neutral", &paths, &["--report", &report, "--id-map", &id_map]);
    assert!([Some(0), Some(3)].contains(&ran.code), "{ran:?}");
    let counts = ran.stdout.lines().find(|line| line.starts_with("created: "));
    counts.unwrap_or_else(|| panic!("{ran:?}")).to_owned()
}

/// All users, as an export writes them.
fn exported(desk: &Desk) -> String {
    let mut command = binary(&["export", "--config", desk.config.to_str().unwrap()]);
    command.args(["--tenant", "default", "--history"]);
    let ran = run_command(command);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
}

fn check(
    first: &Database,
    second: &Database,
    third: &Database,
    rows: &[Value],
    shuffled: &[Value],
    cut: usize,
) {
    let whole = Desk::new(first, |toml| toml);
    let counts = import(&whole, "whole", &[rows.to_vec()]);
    let users = exported(&whole);

    let parts = Desk::new(second, |toml| toml);
    let files: Vec<Vec<Value>> = shuffled.chunks(cut).map(<[Value]>::to_vec).collect();
    assert_eq!(import(&parts, "parts", &files), counts);
    assert_eq!(exported(&parts), users);

    // Again, in another order.
    let again = import(&parts, "again", &[rows.to_vec()]);
    assert!(again.starts_with("created: 0, "), "{again}");
    assert_eq!(exported(&parts), users);

    let copy = Desk::new(third, |toml| toml);
    let exported_rows = users.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    import(&copy, "copy", &[exported_rows]);
    assert_eq!(exported(&copy), users);
}

#[test]
fn the_same_rows_are_the_same_users() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let config =
        Config { cases: 8, max_shrink_iters: 30, failure_persistence: None, ..Config::default() };
    let rows = prop::collection::vec(any_row(), 1..10);
    let cases =
        rows.prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle(), 1..5_usize));

    TestRunner::new(config)
        .run(&cases, |(rows, shuffled, cut)| {
            let [first, second, third] = runtime.block_on(async {
                let cluster = cluster();
                [
                    cluster.db_migrated().await,
                    cluster.db_migrated().await,
                    cluster.db_migrated().await,
                ]
            });
            check(&first, &second, &third, &rows, &shuffled, cut);
            for database in [first, second, third] {
                runtime.block_on(database.db_assert_invariants());
            }
            Ok(())
        })
        .unwrap();
}

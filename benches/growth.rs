//! What users take in the database, and what links and their ends leave behind: bytes per user of
//! each table and index, and, after many pairs of `Link` and `Unlink` with autovacuum as Postgres
//! has it by default, the share of HOT updates, dead rows and sizes. The server is a process of its
//! own. `cargo bench --bench growth`, with `-- 10000 10000000` for other numbers of users, and
//! `--pairs=1000` for another number of pairs.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::{collections::BTreeMap, time::Instant};

use futures_util::future::join_all;
use identity_link_test_support::{
    Caller,
    child::Running,
    cluster::{Database, cluster},
    link_identity,
    tokens::Token,
    unlink,
};
use tonic::transport::Endpoint;

const USERS: [usize; 2] = [10_000, 1_000_000];
const PAIRS: usize = 200_000;
/// The number of calls at once.
const LANES: usize = 8;
/// Rates are measured for parts of all pairs, to compare the first with the last.
const PARTS: usize = 10;

/// Tables and indexes with their sizes, each table's TOAST with the table. The index of TOAST is
/// small, and in its size.
const SIZES: &str = "SELECT concat_ws(' ', t.relname, 'table', pg_table_size(t.oid)) FROM pg_class t \
    WHERE t.relkind = 'r' AND t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\\_\\_%' \
    UNION ALL SELECT concat_ws(' ', t.relname, i.relname, pg_relation_size(i.oid)) FROM pg_class t \
    JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid \
    WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\\_\\_%'";
/// What was written since the last reset.
const WRITES: &str = "SELECT format('%-12s %9s rows updated, %s %% of them HOT; %s dead rows, vacuumed %s times', relname, \
      n_tup_upd, coalesce(round(100.0 * n_tup_hot_upd / nullif(n_tup_upd, 0), 1), 0), n_dead_tup, autovacuum_count) \
    FROM pg_stat_user_tables WHERE relname IN ('users', 'identities', 'links', 'events') ORDER BY relname";
/// A primary user and the account of another one, spread over all users. Both have no link.
const COUPLES: &str = "SELECT p.id || ' ' || s.primary_subject FROM users s \
    JOIN users p ON p.id = 'usr_' || md5((substr(s.primary_subject, 4)::bigint - 1)::text) \
    WHERE s.primary_subject LIKE '%3' ORDER BY s.id LIMIT ";

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` passes this argument: then nothing is measured.
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let pairs = arguments.iter().find_map(|argument| argument.strip_prefix("--pairs="));
    let pairs = pairs.map_or(PAIRS, |pairs| pairs.parse().unwrap());
    let named: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    for users in if named.is_empty() { USERS.to_vec() } else { named } {
        grow(users, pairs).await;
    }
}

async fn grow(users: usize, pairs: usize) {
    let database = cluster().db_migrated().await;
    database.db_populate(users).await;
    let sizes = db_sizes(&database).await;
    println!("\n{users} users: bytes per user");
    for ((table, part), bytes) in &sizes {
        let per_user = *bytes as f64 / users as f64;
        if per_user >= 0.5 {
            println!("  {table:<17} {part:<28} {per_user:>7.1}");
        }
    }
    for (what, tables) in [
        ("users and identities", &["users", "identities"][..]),
        ("with links and events", &["users", "identities", "links", "events"]),
    ] {
        let of_them = sizes.iter().filter(|((table, _), _)| tables.contains(&table.as_str()));
        let bytes: u64 = of_them.map(|(_, bytes)| bytes).sum();
        println!("  {what:<46} {:>7.1}", bytes as f64 / users as f64);
    }

    database.db_execute("SELECT pg_stat_reset()").await;
    let rates = link_and_unlink(&database, pairs).await;
    println!("{pairs} pairs of Link and Unlink: pairs per second in each tenth");
    let rates: Vec<String> = rates.iter().map(|rate| format!("{rate:.0}")).collect();
    println!("  {}", rates.join(" "));
    for line in database.db_texts(WRITES).await {
        println!("  {line}");
    }
    let left = db_sizes(&database).await;
    database.db_execute("VACUUM").await;
    let vacuumed = db_sizes(&database).await;
    println!("size in MiB before, after, and after VACUUM");
    for (key, before) in &sizes {
        let (table, part) = key;
        if ["users", "identities", "links", "events"].contains(&table.as_str()) {
            let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
            let (before, left, vacuumed) = (mib(*before), mib(left[key]), mib(vacuumed[key]));
            println!("  {table:<17} {part:<28} {before:>8.1} {left:>8.1} {vacuumed:>8.1}");
        }
    }
}

/// The bytes of each table and index.
async fn db_sizes(database: &Database) -> BTreeMap<(String, String), u64> {
    let line = |line: &String| {
        let parts: Vec<&str> = line.split(' ').collect();
        ((parts[0].to_owned(), parts[1].to_owned()), parts[2].parse().unwrap())
    };
    database.db_texts(SIZES).await.iter().map(line).collect()
}

/// Links and unlinks users, each couple as often. Returns the rates of the parts.
async fn link_and_unlink(database: &Database, pairs: usize) -> Vec<f64> {
    let couples = database.db_texts(&format!("{COUPLES} {}", pairs / PARTS)).await;
    let couples: Vec<(String, String)> = couples
        .iter()
        .filter_map(|couple| couple.split_once(' '))
        .map(|(primary, account)| (primary.to_owned(), account.to_owned()))
        .collect();
    let (_server, address) = Running::serve(database, |toml| toml);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let mut rates = Vec::new();
    for _ in 0..PARTS {
        let service = Caller::new(channel.clone(), Some(Token::of("services", "backend").sign()));
        let begun = Instant::now();
        let lanes = (0..LANES).map(|lane| {
            let of_lane = couples.iter().skip(lane).step_by(LANES).cycle();
            let of_lane = of_lane.take(pairs / PARTS / LANES);
            let service = &service;
            async move {
                for (primary, account) in of_lane {
                    service.link(link_identity(primary, "google-oauth2", account)).await.unwrap();
                    service.unlink(unlink(primary, "google-oauth2", account)).await.unwrap();
                }
            }
        });
        join_all(lanes).await;
        rates.push((pairs / PARTS) as f64 / begun.elapsed().as_secs_f64());
    }
    rates
}

//! A job goes on after its server has stopped, was killed, or was halted and has lost the job.

use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use identity_link::grpc::proto as pb;
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::transport::Endpoint;

use super::{apply, counted, found, links_of_plan, pairs};
use crate::support::{
    Caller, TestServer,
    child::Running,
    cluster::{Database, cluster},
    jobs::{metadata, response},
    standstill::Moment,
    tokens::Token,
};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// The primary user whose link the tests hold in the middle of its transaction.
const HELD: &str = "google-oauth2|c";
/// Leases that a test can wait for.
const SHORT_LEASES: &str = "[jobs]\nlease = \"1s\"\n";

fn service_at(address: SocketAddr) -> Caller {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    Caller::new(channel, Some(Token::of("services", "backend").tenant("joined").sign()))
}

/// A server in a process of its own, with pairs of users and a plan of them.
async fn begun() -> (Database, Running, Caller, String) {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml + SHORT_LEASES);
    let service = service_at(address);
    pairs(&service, &NAMES).await;
    let search = found(&service).await;
    (database, child, service, search)
}

async fn successor(database: Database) -> TestServer {
    TestServer::start_with(database, |toml| toml + SHORT_LEASES).await
}

/// Each pair is linked once, and each has a verdict once.
async fn assert_all_linked(server: &TestServer, name: &str, search: &str) -> String {
    let service = server.service_of("joined");
    let ended = service.done(name).await;
    let plan = search.trim_start_matches("operations/");
    assert_eq!(links_of_plan(&service, plan).await.len(), NAMES.len());
    let lines = service.lines(name).await.unwrap();
    let mut of: Vec<_> =
        lines.iter().map(|(_, line)| line["secondary"].as_str().unwrap()).collect();
    of.sort_unstable();
    assert_eq!(of, NAMES.map(|name| format!("github|{name}")));
    server.database.db_assert_invariants().await;
    counted(metadata(&ended).counts.as_ref())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_ends_the_job_of_one_that_was_killed() {
    let (database, child, service, search) = begun().await;
    let held = database.db_hold_events(HELD, Moment::BeforeInsert).await;
    let name = service.apply_plan(apply(&search)).await.unwrap().name;
    database.db_until_waiting(1).await;

    child.signal(Signal::KILL);
    child.finish();
    held.db_release().await;
    let server = successor(database).await;

    assert_all_linked(&server, &name, &search).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_gives_its_job_back_after_the_link_that_is_being_made() {
    let (database, child, service, search) = begun().await;
    let held = database.db_hold_events(HELD, Moment::BeforeInsert).await;
    let name = service.apply_plan(apply(&search)).await.unwrap().name;
    database.db_until_waiting(1).await;

    child.signal(Signal::TERM);
    // A server stops its jobs before it closes its connections.
    let closed = async { while service.get_operation(&name).await.is_ok() {} };
    timeout(Duration::from_secs(60), closed).await.expect("the server does not stop");
    held.db_release().await;
    let ran = child.finish();

    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains(r#""outcome":"given_back""#), "{}", ran.stderr);
    let free = "SELECT (lease_owner IS NULL)::text FROM jobs WHERE kind = 'apply_plan'";
    assert_eq!(database.db_texts(free).await, ["true"]);
    let server = successor(database).await;
    // Each link has the verdict that it was made, whichever server made it.
    assert_eq!(assert_all_linked(&server, &name, &search).await, "5 0");
}

/// A09: a server that was halted does not know that another one has its job.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_lost_its_job_writes_nothing_more() {
    let (database, mut child, service, search) = begun().await;
    let hold = format!("SELECT FROM users WHERE tenant_id = 'joined' AND id = '{HELD}' FOR UPDATE");
    let held = database.db_hold_statement(&hold).await;
    let name = service.apply_plan(apply(&search)).await.unwrap().name;
    database.db_until_waiting(1).await;
    let taken = "UPDATE jobs SET lease_owner = gen_random_uuid(), lease_until = now() + interval '1 hour' \
        WHERE kind = 'apply_plan'";
    database.db_execute(taken).await;
    let lines =
        "SELECT number::text FROM job_lines JOIN jobs ON id = job_id WHERE kind = 'apply_plan'";
    let before = database.db_texts(lines).await.len();

    held.db_release().await;

    child.stderr_until(|line| line.contains(r#""outcome":"lost""#));
    let plan = search.trim_start_matches("operations/");
    assert_eq!(links_of_plan(&service, plan).await.len(), before);
    assert_eq!(database.db_texts(lines).await.len(), before);
    assert!(before < NAMES.len());
    let given_back =
        "UPDATE jobs SET lease_owner = NULL, lease_until = NULL WHERE kind = 'apply_plan'";
    database.db_execute(given_back).await;
    let server = successor(database).await;
    assert_eq!(assert_all_linked(&server, &name, &search).await, "5 0");
}

/// How many pairs of users a long search finds.
const MANY: usize = 550;

/// A search of [`MANY`] pairs, of whose plan a killed server has stored a part. Returns its name too.
async fn interrupted_search() -> (Database, String) {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml + SHORT_LEASES);
    let service = service_at(address);
    pairs(&service, &["person0"]).await;
    database.db_multiply("person0", MANY - 1).await;
    // Its line is among the last ones.
    let hold = "SELECT FROM users WHERE id = 'github|person099' FOR UPDATE";
    let held = database.db_hold_statement(hold).await;
    let name = service.find_duplicates(Default::default()).await.unwrap().name;
    database.db_until_waiting(1).await;

    child.signal(Signal::KILL);
    child.finish();
    held.db_release().await;
    (database, name)
}

/// The stored lines, each with the transaction that stored it.
async fn db_stored_lines(database: &Database) -> Vec<String> {
    let lines = "SELECT number || ' ' || xmin::text FROM job_lines ORDER BY number";
    database.db_texts(lines).await
}

/// Each pair has one line, and the figures are those of all.
async fn assert_all_found(server: &TestServer, name: &str) {
    let service = server.service_of("joined");
    let ended = service.done(name).await;
    let figures: pb::FindDuplicatesResponse = response(&ended, "FindDuplicatesResponse");
    let many = i64::try_from(MANY).unwrap();
    assert_eq!((figures.cluster_count, figures.user_count), (many, 2 * many));
    assert_eq!((figures.identity_count, figures.rules[0].pair_count), (2 * many, many));
    assert_eq!((figures.largest.len(), figures.largest[0].user_count), (5, 2));
    let lines = service.lines(name).await.unwrap();
    let numbers = lines.iter().map(|(number, _)| *number);
    assert!(numbers.eq(1..=many + 1), "{lines:?}");
    let primary = |(_, line): &(i64, serde_json::Value)| line["primary"]["id"].clone();
    let of: BTreeSet<String> = lines[1..].iter().map(|line| primary(line).to_string()).collect();
    assert_eq!(of.len(), MANY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_goes_on_behind_its_lines_on_another_server() {
    let (database, name) = interrupted_search().await;
    let before = db_stored_lines(&database).await;
    assert!((50..MANY).contains(&before.len()), "{}", before.len());

    let server = successor(database).await;

    assert_all_found(&server, &name).await;
    let after = db_stored_lines(&server.database).await;
    assert_eq!(after[..before.len()], before, "a line was stored again");
    let position = "SELECT position::text FROM jobs WHERE position::text LIKE '%person%'";
    assert_eq!(server.database.db_texts(position).await, [""; 0], "it should name no user");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_begins_again_if_the_last_users_of_its_lines_have_changed() {
    let (database, name) = interrupted_search().await;
    let before = db_stored_lines(&database).await;
    let first = "(SELECT jsonb_agg(0) FROM generate_series(1, 32))";
    let other = format!("UPDATE jobs SET position = jsonb_set(position, '{{set,first}}', {first})");
    database.db_execute(&other).await;

    let server = successor(database).await;

    assert_all_found(&server, &name).await;
    let after = db_stored_lines(&server.database).await;
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_begins_again_on_another_server() {
    let (database, child, service, _) = begun().await;
    let held = database.db_hold_table("identities").await;
    let name = service.find_duplicates(Default::default()).await.unwrap().name;
    database.db_until_waiting(1).await;

    child.signal(Signal::KILL);
    child.finish();
    held.db_release().await;
    let server = successor(database).await;

    let service = server.service_of("joined");
    service.done(&name).await;
    assert_eq!(service.lines(&name).await.unwrap().len(), NAMES.len() + 1);
}

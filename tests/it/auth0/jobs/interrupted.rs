//! An import goes on at another server after its own was killed. Each row has one verdict.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{DATABASE, ended, errors, send_users};
use crate::support::{
    TestServer,
    auth0::{AUTH0, Asker},
    child::Running,
    cluster::cluster,
    tokens::Token,
};

/// Leases that a test can wait for.
const SHORT_LEASES: &str = "[jobs]\nlease = \"1s\"\n";
/// More than two batches.
const USERS: usize = 1200;

#[tokio::test(flavor = "multi_thread")]
async fn another_server_ends_the_import_of_one_that_was_killed() {
    let database = cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml + AUTH0 + SHORT_LEASES);
    let mut users: Vec<Value> =
        (0..USERS).map(|at| json!({"user_id": format!("u{at:04}")})).collect();
    // The first and the last one are the same account, before and behind the interruption.
    users[USERS - 1] = users[0].clone();
    // The second batch waits in the middle.
    let wait = "CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql \
          AS 'BEGIN PERFORM pg_advisory_xact_lock(0, 1); RETURN new; END'; \
        CREATE TRIGGER waits BEFORE INSERT ON users FOR EACH ROW \
          WHEN (new.id = 'auth0|u0700') EXECUTE FUNCTION wait_here()";
    database.db_execute(wait).await;
    let held = database.db_hold_statement("SELECT pg_advisory_xact_lock(0, 1)").await;
    let asker = Asker::at(address, Some(Token::of("services", "backend").sign()));
    let job = send_users(&asker, DATABASE, &Value::from(users)).await.ok();
    database.db_until_waiting(1).await;

    child.signal(Signal::KILL);
    child.finish();
    held.db_release().await;
    let server = TestServer::start_with(database, |toml| toml + AUTH0 + SHORT_LEASES).await;

    let job = ended(&server, &job).await;
    let summary = json!({"failed": 2, "updated": 0, "inserted": USERS - 2, "total": USERS});
    assert_eq!((&job["status"], &job["summary"]), (&"completed".into(), &summary));
    let errors = errors(&server, &job).await;
    let ids: Vec<&Value> =
        errors.as_array().unwrap().iter().map(|entry| &entry["user"]["user_id"]).collect();
    assert_eq!(ids, ["u0000", "u0000"]);
    server.database.db_assert_invariants().await;
}

//! Jobs and calls take no connections from each other.

use std::time::Duration;

use tokio::time::timeout;

use super::{apply, found, pairs};
use crate::support::{TestServer, block, cluster::cluster, standstill::Moment};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// The users that calls wait for, each of which takes a connection.
const BUSY: [&str; CALLS] = ["one", "two"];
/// The connections for calls.
const CALLS: usize = 2;

/// F10: a job goes on while all connections for calls are in use, and uses none of these.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_while_calls_keep_all_their_connections_busy() {
    let database = cluster().db_migrated().await;
    let url = database.url.clone();
    let joined = if url.contains('?') { '&' } else { '?' };
    let patient =
        format!("{url}{joined}options=-c%20lock_timeout%3D10min%20-c%20statement_timeout%3D10min");
    let server = TestServer::start_with(database, |toml| {
        let toml = toml.replace(&url, &patient);
        let toml = toml.replace("max_connections = 8", &format!("max_connections = {CALLS}"));
        format!("max_call_time = \"10m\"\n{toml}\n[jobs]\nlease = \"1s\"\n")
    })
    .await;
    let service = server.service_of("joined");
    pairs(&service, &["a", "b"]).await;
    for busy in BUSY {
        service.create("sms", busy).await;
    }
    let search = found(&service).await;
    let moment = Moment::BeforeInsert;
    let link = server.database.db_hold_events("google-oauth2|a", moment).await;
    service.apply_plan(apply(&search)).await.unwrap();
    server.database.db_until_waiting(1).await;
    let hold = "SELECT FROM users WHERE id LIKE 'sms|%' FOR UPDATE";
    let held = server.database.db_hold_statement(hold).await;
    let calls = BUSY.map(|busy| {
        let service = service.clone();
        tokio::spawn(async move { service.update_user(block(&format!("sms|{busy}"), true)).await })
    });
    server.database.db_until_waiting(1 + CALLS).await;

    link.db_release().await;

    let outcome = "SELECT outcome FROM jobs WHERE kind = 'apply_plan' AND outcome IS NOT NULL";
    let ended = async {
        loop {
            let outcome = server.database.db_texts(outcome).await;
            if !outcome.is_empty() {
                return outcome;
            }
        }
    };
    let outcome = timeout(PATIENCE, ended).await.expect("the job should go on");
    assert_eq!(outcome, ["succeeded"]);
    assert!(calls.iter().all(|call| !call.is_finished()), "the calls should still wait");
    held.db_release().await;
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

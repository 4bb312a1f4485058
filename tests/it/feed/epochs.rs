//! Transaction ids start anew when the data move to another cluster, and may repeat when a standby
//! takes over: the feed goes on.

use std::process::Command;

use identity_link::grpc::proto::{self as pb, FeedEnd};

use crate::support::{
    child::{run_command, temp_dir},
    cluster::{Database, cluster, feed_cluster},
    events::{Watcher, events, list_after, list_from, watch_after, watch_from},
    *,
};

/// Makes the last epoch look as if it belonged to another cluster.
const ELSEWHERE: &str =
    "UPDATE epochs SET cluster = 'elsewhere' WHERE n = (SELECT max(n) FROM epochs)";

/// Creates users with these subjects, one after the other.
async fn come(server: &TestServer, names: &[&str]) {
    for name in names {
        server.service().create("sms", name).await;
    }
}

/// The subjects of the created users.
fn names(events: &[pb::Event]) -> Vec<&str> {
    let created = events.iter().map(|event| match event.detail.as_ref().unwrap() {
        pb::event::Detail::UserCreated(created) => created,
        other => panic!("{other:?}"),
    });
    created.map(|created| created.identities[0].subject.as_str()).collect()
}

async fn db_epochs(database: &Database) -> Vec<String> {
    database
        .db_texts("SELECT epoch || ' ' || count(*) FROM events GROUP BY epoch ORDER BY epoch")
        .await
}

#[tokio::test]
async fn events_restored_from_a_cluster_with_higher_ids_are_sent_at_once_and_first() {
    let database = feed_cluster().db_migrated().await;
    let server = TestServer::start_on(database.clone()).await;
    come(&server, &["a", "b"]).await;
    drop(server);
    database.db_until_alone().await;
    database.db_execute(&format!("{ELSEWHERE}; UPDATE events SET xid = xid + 1000000000000")).await;

    let server = TestServer::start_on(database).await;
    let listed = server.service().list_events(list_from(FeedEnd::Oldest)).await.unwrap();
    assert_eq!(names(&listed.events), ["a", "b"]);
    let mut watcher =
        Watcher::begin(&server.service(), watch_after(&listed.events[0].position)).await;
    assert_eq!(names(&watcher.caught_up().await), ["b"]);
    come(&server, &["c", "d"]).await;

    assert_eq!(names(&watcher.events(2).await), ["c", "d"]);
    assert_eq!(names(&events(&server.service(), 4).await), ["a", "b", "c", "d"]);
    assert_eq!(db_epochs(&server.database).await, ["1 2", "2 2"]);
}

/// Dumps a database, and loads it into another one, with the programs of this Postgres.
async fn db_move(from: &Database, to: &Database) {
    let folder =
        from.db_texts("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await.remove(0);
    let dump = temp_dir(&from.name).join("dump.sql");
    let mut dumping = Command::new(format!("{folder}/pg_dump"));
    dumping.arg("--dbname").arg(&from.url).arg("--file").arg(&dump);
    let mut loading = Command::new(format!("{folder}/psql"));
    loading
        .args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", &to.url, "--file"])
        .arg(&dump);
    for command in [dumping, loading] {
        let ran = run_command(command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_stay_good_after_a_dump_is_loaded_into_another_cluster() {
    let before = cluster().db_migrated().await;
    let server = TestServer::start_on(before.clone()).await;
    come(&server, &["a", "b", "c"]).await;
    let told = events(&server.service(), 3).await;
    drop(server);
    before.db_until_alone().await;
    let after = feed_cluster().db_empty().await;
    db_move(&before, &after).await;

    let server = TestServer::start_on(after).await;
    let service = server.service();
    for (at, event) in told.iter().enumerate() {
        assert_eq!(
            service.list_events(list_after(&event.position)).await.unwrap().events,
            told[at + 1..]
        );
    }
    let mut watcher = Watcher::begin(&service, watch_after(&told[1].position)).await;
    come(&server, &["d"]).await;

    assert_eq!(names(&watcher.events(2).await), ["c", "d"]);
    assert_eq!(db_epochs(&server.database).await, ["1 3", "2 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_when_an_epoch_ends_while_a_server_runs() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    watcher.caught_up().await;

    for round in 1..=3 {
        let (one, other) = (format!("{round} a"), format!("{round} b"));
        come(&server, &[&one, &other]).await;
        assert_eq!(names(&watcher.events(2).await), [one, other]);
        server.database.db_execute(ELSEWHERE).await;
    }
    // Many writers find at once that the epoch has ended, one on each of the server's connections.
    let racers = (0..8).map(|n| {
        let service = service.clone();
        racer(async move { Ok(service.create("github", &format!("h{n}")).await) })
    });
    let outcomes = Races::begin().at_once(racers.collect()).await;
    assert_eq!(count(&outcomes, "OK"), 8);

    let told = watcher.events(8).await;
    assert_eq!(events(&service, 14).await[6..], told);
    assert_eq!(db_epochs(&server.database).await, ["1 2", "2 2", "3 2", "4 8"]);
}

/// F16: changes that a standby did not receive.
#[tokio::test]
async fn a_position_after_an_event_that_a_standby_lacks_is_invalid() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let mut ahead = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    come(&server, &["a", "b"]).await;
    let told = ahead.events(2).await;
    let theirs = server.service_of("other");
    theirs.create("sms", "t").await;
    let mut other = Watcher::begin(&theirs, watch_from(FeedEnd::Oldest)).await;
    other.events(1).await;

    // A standby takes over that lacks the last change.
    let lost = "DELETE FROM events WHERE tenant_id = 'default' \
        AND xid = (SELECT max(xid) FROM events WHERE tenant_id = 'default')";
    server.database.db_execute(&format!("BEGIN; {lost}; {ELSEWHERE}; COMMIT")).await;

    assert_eq!(refusal::<()>(Err(ahead.end().await)), "InvalidArgument POSITION_INVALID");
    let again = service.list_events(list_after(&told[0].position)).await.unwrap();
    assert_eq!(again.events, []);
    // A consumer of a tenant that lost nothing continues.
    theirs.create("sms", "later").await;
    assert_eq!(names(&other.events(1).await), ["later"]);
    come(&server, &["c"]).await;
    assert_eq!(names(&events(&service, 2).await), ["a", "c"]);
}

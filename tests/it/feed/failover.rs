//! A standby takes over.

use std::time::Duration;

use identity_link::grpc::proto::FeedEnd;
use rustix::process::Signal;
use tokio::time::timeout;

use crate::support::{
    cluster::Database,
    events::{Watcher, watch_after, watch_from},
    own_postgres::OwnPostgres,
    *,
};

/// The database's name.
const NAME: &str = "followed";

/// Returns once the standby has this user.
async fn until_followed(standby: &Database, user: &str) {
    let sql = format!("SELECT id FROM users WHERE id = '{user}'");
    let followed = async { while standby.db_texts(&sql).await.is_empty() {} };
    timeout(Duration::from_secs(30), followed).await.expect("the standby should follow");
}

/// The epoch of each event, with the last digit of its timeline.
async fn db_epochs(database: &Database) -> Vec<String> {
    database
        .db_texts("SELECT concat(epoch, ' ', right(cluster, 1)) FROM events JOIN epochs ON n = epoch ORDER BY n")
        .await
}

/// The new primary assigns transaction ids again that the standby did not receive, so an epoch
/// begins. F03, F16: the database is killed, and a standby that may lack the last changes takes
/// over.
#[tokio::test(flavor = "multi_thread")]
async fn the_feed_goes_on_after_a_standby_takes_over() {
    let mut first = OwnPostgres::start("failover-1");
    first.db_migrated(NAME).await;
    let second = first.db_standby("failover-2").await;
    let second_db = second.database(NAME);
    let server = TestServer::start_on(first.the_writable_one(&second, NAME)).await;
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    let user = service.create("sms", "before").await.id;
    let before = watcher.events(1).await.remove(0);
    until_followed(&second_db, &user).await;

    first.end_by(Signal::KILL);
    second.db_promote().await;
    service.create("sms", "after").await;

    let after = watcher.events(1).await.remove(0);
    assert_eq!(db_epochs(&second_db).await, ["1 1", "2 2"]);
    // A position from before the failover is still good.
    let mut again = Watcher::begin(&service, watch_after(&before.position)).await;
    assert_eq!(again.caught_up().await, [after]);
}

/// A connection to a standby survives its promotion, after which the timeline is another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_from_before_a_promotion_writes_into_the_new_epoch() {
    let mut first = OwnPostgres::start("promotion-1");
    first.db_migrated(NAME).await;
    let second = first.db_standby("promotion-2").await;
    let second_db = second.database(NAME);
    let one_connection = |toml: String| toml.replace("max_connections = 8", "max_connections = 1");
    let server = TestServer::start_with(first.either(&second, NAME), one_connection).await;
    let service = server.service();
    let user = service.create("sms", "before").await.id;
    until_followed(&second_db, &user).await;
    first.end_by(Signal::KILL);
    let connections = "SELECT pid::text FROM pg_stat_activity \
        WHERE application_name = 'identity-link' AND pid <> pg_backend_pid() ORDER BY pid";
    // The server's first sweep may still run. It fails at a standby, and closes its connection.
    let kept = async {
        loop {
            let before = second_db.db_texts(connections).await;
            let read = service.get_user(get(&user)).await;
            if read.is_ok() && before.len() == 1 && second_db.db_texts(connections).await == before
            {
                break before;
            }
        }
    };
    let before =
        timeout(Duration::from_secs(60), kept).await.expect("the standby should serve reads");

    second.db_promote().await;
    service.create("sms", "after").await;

    // Connections of this test may be among them, which close when they like.
    let after = second_db.db_texts(connections).await;
    assert!(after.iter().any(|pid| before.contains(pid)), "{before:?} {after:?}");
    assert_eq!(db_epochs(&second_db).await, ["1 1", "2 2"]);
}

//! A standby takes over.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use identity_link::{
    grpc::proto::FeedEnd,
    store::{Address, Store},
};
use identity_link_dev::Postgres;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;

use crate::support::{
    child::run_command,
    cluster::Database,
    events::{Watcher, watch_after, watch_from},
    *,
};

/// Starts a Postgres of its own, with its data in this folder.
fn postgres(dir: &Path) -> Postgres {
    let settings = [("fsync", "off"), ("wal_level", "replica")];
    Postgres::start(dir, &settings, &mut |text| eprintln!("{text}")).unwrap()
}

fn empty(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    dir
}

/// Gives everything in a folder to the owner of `like`.
fn give(path: &Path, like: &fs::Metadata) {
    chown(path, Some(like.uid()), Some(like.gid())).unwrap();
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), like));
    }
}

/// Starts a standby of this database.
async fn standby(first: &Database, first_dir: &Path, dir: &Path) -> Postgres {
    let programs =
        first.db_texts("SELECT setting FROM pg_config WHERE name = 'BINDIR'").await.remove(0);
    fs::create_dir_all(dir).unwrap();
    let mut copy = Command::new(Path::new(&programs).join("pg_basebackup"));
    copy.args(["--write-recovery-conf", "--checkpoint=fast", "--dbname", &first.url, "--pgdata"]);
    copy.arg(dir.join("postgres"));
    let ran = run_command(copy);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    give(dir, &fs::metadata(first_dir.join("postgres")).unwrap());
    postgres(dir)
}

/// The addresses of both: a client connects to the first one that responds.
fn either(first: &Postgres, second: &Postgres) -> Database {
    let host = |postgres: &Postgres| {
        let url = postgres.url("postgres");
        url.strip_prefix("postgres://postgres@").unwrap().split('/').next().unwrap().to_owned()
    };
    let hosts = format!("{},{}", host(first), host(second));
    Database { name: "postgres".to_owned(), url: format!("postgres://postgres@{hosts}/postgres") }
}

/// The same; a client connects to the one that accepts writes.
fn the_writable_one(first: &Postgres, second: &Postgres) -> Database {
    let Database { name, url } = either(first, second);
    Database { name, url: format!("{url}?target_session_attrs=read-write") }
}

fn alone(postgres: &Postgres) -> Database {
    Database { name: "postgres".to_owned(), url: postgres.url("postgres") }
}

const PROMOTE: &str = "DO $$ BEGIN PERFORM pg_promote(); END $$";

/// Returns once the standby has this user.
async fn until_followed(standby: &Database, user: &str) {
    let sql = format!("SELECT id FROM users WHERE id = '{user}'");
    let followed = async { while standby.db_texts(&sql).await.is_empty() {} };
    timeout(Duration::from_secs(30), followed).await.expect("the standby should follow");
}

fn kill(postgres: &Postgres) {
    let pid = Pid::from_raw(postgres.pid().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
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
    let (first_dir, second_dir) = (empty("failover-1"), empty("failover-2"));
    let first = postgres(&first_dir);
    let first_db = alone(&first);
    Store::migrate(&Address::parse(&first_db.url).unwrap()).await.unwrap();
    let second = standby(&first_db, &first_dir, &second_dir).await;
    let second_db = alone(&second);
    let server = TestServer::start_on(the_writable_one(&first, &second)).await;
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    let user = service.create("sms", "before").await.id;
    let before = watcher.events(1).await.remove(0);
    until_followed(&second_db, &user).await;

    kill(&first);
    second_db.db_execute(PROMOTE).await;
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
    let (first_dir, second_dir) = (empty("promotion-1"), empty("promotion-2"));
    let first = postgres(&first_dir);
    let first_db = alone(&first);
    Store::migrate(&Address::parse(&first_db.url).unwrap()).await.unwrap();
    let second = standby(&first_db, &first_dir, &second_dir).await;
    let second_db = alone(&second);
    let one_connection = |toml: String| toml.replace("max_connections = 8", "max_connections = 1");
    let server = TestServer::start_with(either(&first, &second), one_connection).await;
    let service = server.service();
    let user = service.create("sms", "before").await.id;
    until_followed(&second_db, &user).await;
    kill(&first);
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

    second_db.db_execute(PROMOTE).await;
    service.create("sms", "after").await;

    // Connections of this test may be among them, which close when they like.
    let after = second_db.db_texts(connections).await;
    assert!(after.iter().any(|pid| before.contains(pid)), "{before:?} {after:?}");
    assert_eq!(db_epochs(&second_db).await, ["1 1", "2 2"]);
}

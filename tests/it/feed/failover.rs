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

/// The addresses of both: a client connects to the one that accepts writes.
fn either(first: &Postgres, second: &Postgres) -> Database {
    let host = |postgres: &Postgres| {
        let url = postgres.url("postgres");
        url.strip_prefix("postgres://postgres@").unwrap().split('/').next().unwrap().to_owned()
    };
    let hosts = format!("{},{}", host(first), host(second));
    let url = format!("postgres://postgres@{hosts}/postgres?target_session_attrs=read-write");
    Database { name: "postgres".to_owned(), url }
}

fn alone(postgres: &Postgres) -> Database {
    Database { name: "postgres".to_owned(), url: postgres.url("postgres") }
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
    let server = TestServer::start_on(either(&first, &second)).await;
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    let user = service.create("sms", "before").await.id;
    let before = watcher.events(1).await.remove(0);
    let heard = async {
        let sql = format!("SELECT id FROM users WHERE id = '{user}'");
        while second_db.db_texts(&sql).await.is_empty() {}
    };
    timeout(Duration::from_secs(30), heard).await.expect("the standby should follow");

    kill_process(Pid::from_raw(first.pid().try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    second_db.db_execute("DO $$ BEGIN PERFORM pg_promote(); END $$").await;
    service.create("sms", "after").await;

    let after = watcher.events(1).await.remove(0);
    let epochs = second_db
        .db_texts("SELECT concat(epoch, ' ', right(cluster, 1)) FROM events JOIN epochs ON n = epoch ORDER BY n")
        .await;
    assert_eq!(epochs, ["1 1", "2 2"], "each epoch should be on its own timeline");
    // A position from before the failover is still good.
    let mut again = Watcher::begin(&service, watch_after(&before.position)).await;
    assert_eq!(again.caught_up().await, [after]);
}

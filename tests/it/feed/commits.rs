//! Events of a server's own calls, which its watchers get without waiting for the next poll.

use std::{fs, path::Path, time::Duration};

use identity_link::{
    grpc::proto::FeedEnd,
    store::{Address, Store},
};
use identity_link_dev::Postgres;

use crate::support::{
    cluster::Database,
    events::{Watcher, line, watch_from},
    *,
};

/// Longer than a test takes.
const LONG: Duration = Duration::from_secs(3600);

/// A Postgres of its own, because a transaction of another test would hold the feed back until the
/// next poll.
async fn postgres() -> (Postgres, Database) {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("feed-commits");
    if dir.exists() {
        fs::remove_dir_all(&dir).unwrap();
    }
    let settings = [("fsync", "off"), ("autovacuum", "off")];
    let postgres = Postgres::start(&dir, &settings, &mut |text| eprintln!("{text}")).unwrap();
    let database = Database { name: "postgres".to_owned(), url: postgres.url("postgres") };
    Store::migrate(&Address::parse(&database.url).unwrap()).await.unwrap();
    (postgres, database)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_this_server_reaches_its_watchers_before_the_next_poll() {
    let (_postgres, database) = postgres().await;
    let rarely = |config: &mut identity_link::config::Config| config.feed.poll_interval = LONG;
    let server = TestServer::start_feed_on(database, rarely).await;
    let service = server.service();
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;

    let ann = service.create("sms", "ann").await.id;
    assert_eq!(line(&watcher.events(1).await[0]), format!("created {ann} 0>1"));
    let bob = service.create("sms", "bob").await.id;
    service.link(link_user(&ann, &bob)).await.unwrap();
    service.unlink(unlink(&ann, "sms", "bob")).await.unwrap();

    let seen: Vec<String> = watcher.events(3).await.iter().map(line).collect();
    assert_eq!(
        seen,
        [
            format!("created {bob} 0>1"),
            format!("linked {ann} 1>2 {bob} 1>2"),
            format!("unlinked {ann} 2>3 {bob} 2>3"),
        ]
    );
}

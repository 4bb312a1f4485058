//! Open watches: which watcher gets which events, and what ends a watch.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    time::Duration,
};

use identity_link::{
    clock,
    grpc::proto::{self as pb, EventKind, FeedEnd},
};
use rustix::process::Signal;
use tokio::time::timeout;
use tonic::{Code, transport::Endpoint};

use crate::support::{
    child::Running,
    cluster::{Database, feed_cluster},
    events::{Watcher, events, line, watch_after, watch_from},
    tokens::Token,
    *,
};

const OVERLOADED: &str = "ResourceExhausted OVERLOADED";
const PATIENCE: Duration = Duration::from_secs(60);

async fn watch(caller: &Caller) -> Watcher {
    let mut watcher = Watcher::begin(caller, watch_from(FeedEnd::Newest)).await;
    watcher.caught_up().await;
    watcher
}

/// R18: one reader takes no event away from other readers.
#[tokio::test]
async fn each_watcher_gets_the_events_of_its_request_as_they_happen() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let (ann, bob) = (service.create("sms", "ann").await.id, service.create("sms", "bob").await.id);
    let position = events(&service, 2).await[1].position.clone();
    let all = watch_after(&position);
    let kinds = vec![EventKind::UserBlocked.into()];
    let mut watchers = Vec::new();
    for request in [
        all.clone(),
        all.clone(),
        pb::WatchEventsRequest { user_id: ann.clone(), ..all.clone() },
        pb::WatchEventsRequest { kinds: kinds.clone(), ..all.clone() },
        pb::WatchEventsRequest { kinds, user_id: bob.clone(), ..all },
    ] {
        let mut watcher = Watcher::begin(&service, request).await;
        assert_eq!(watcher.caught_up().await, []);
        watchers.push(watcher);
    }

    service.update_user(block(&ann, true)).await.unwrap();
    service.update_user(block(&ann, false)).await.unwrap();
    service.update_user(block(&bob, true)).await.unwrap();
    service.update_user(block(&bob, false)).await.unwrap();
    service.link(link_user(&ann, &bob)).await.unwrap();

    let happened = watchers[0].events(5).await;
    let lines: Vec<String> = happened
        .iter()
        .map(|event| line(event).replace(&ann, "ann").replace(&bob, "bob"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
        blocked=true ann 1>2
        blocked=false ann 2>3
        blocked=true bob 1>2
        blocked=false bob 2>3
        linked ann 3>4 bob 3>4
    ");
    assert_eq!(watchers[1].events(5).await, happened);
    assert_eq!(watchers[2].events(3).await, [&happened[..2], &happened[4..]].concat());
    assert_eq!(watchers[3].events(4).await, happened[..4]);
    assert_eq!(watchers[4].events(2).await, happened[2..4]);
}

#[tokio::test]
async fn no_watcher_gets_events_of_another_tenant() {
    let server = TestServer::start_feed().await;
    let (ours, theirs) = (server.service(), server.service_of("other"));
    let (mut watch_ours, mut watch_theirs) = (watch(&ours).await, watch(&theirs).await);

    for n in 0..3 {
        ours.create("sms", &format!("ours {n}")).await;
        theirs.create("sms", &format!("theirs {n}")).await;
    }

    for (watcher, caller, tenant) in
        [(&mut watch_ours, &ours, "default"), (&mut watch_theirs, &theirs, "other")]
    {
        let live = watcher.events(3).await;
        assert!(live.iter().all(|event| event.tenant == tenant), "{live:#?}");
        assert_eq!(events(caller, 3).await, live);
    }
}

#[tokio::test]
async fn a_watch_without_events_gets_heartbeats() {
    let server = TestServer::start_feed_with(|toml| {
        toml.replace("[feed]\n", "[feed]\nheartbeat = \"1s\"\n")
    })
    .await;
    let service = server.service();
    service.create("sms", "s").await;
    let position = events(&service, 1).await[0].position.clone();
    let mut watcher = Watcher::begin(&service, watch_after(&position)).await;

    for _ in 0..3 {
        let sign = watcher.next().await.unwrap();
        assert_eq!((sign.events, &sign.position), (vec![], &position));
    }
}

#[tokio::test]
async fn watchers_are_limited_and_take_no_permits_of_calls() {
    let few = |toml: String| {
        format!(
            "max_concurrent_calls = 1\n{}",
            toml.replace("[feed]\n", "[feed]\nmax_watchers = 2\n")
        )
    };
    let server = TestServer::start_feed_with(few).await;
    let service = server.service();
    let (first, mut second) = (watch(&service).await, watch(&service).await);

    assert_eq!(refusal(service.watch_events(watch_from(FeedEnd::Newest)).await), OVERLOADED);
    service.create("sms", "s").await;
    assert_eq!(second.events(1).await.len(), 1);

    drop(first);
    // A test cannot see when the server notices that the watcher has gone.
    let room = async { while service.watch_events(watch_from(FeedEnd::Newest)).await.is_err() {} };
    timeout(PATIENCE, room).await.expect("a permit should become free");
}

#[tokio::test]
async fn a_token_that_expires_ends_the_stream() {
    let server = TestServer::start_feed().await;
    let short = Token::of("services", "backend").with("exp", clock::now().timestamp() + 3);
    let mut watcher = watch(&server.caller(&short)).await;
    let mut other = watch(&server.service()).await;

    assert_eq!(refusal::<()>(Err(watcher.end().await)), "Unauthenticated TOKEN_INVALID");
    server.service().create("sms", "s").await;
    assert_eq!(other.events(1).await.len(), 1);
}

/// The token may still be valid, but its key may be withdrawn by then.
#[tokio::test]
async fn a_watch_ends_after_a_while_so_that_its_token_is_verified_again() {
    let server =
        TestServer::start_feed_changed(|config| config.feed.max_watch = Duration::from_secs(1))
            .await;
    let service = server.service();
    let mut watcher = watch(&service).await;

    assert_eq!(refusal::<()>(Err(watcher.end().await)), "Unavailable WATCH_EXPIRED");
    service.create("sms", "s").await;
    let mut again = Watcher::begin(&service, watch_after(&watcher.position)).await;
    assert_eq!(again.events(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_the_streams_at_once() {
    let database = feed_cluster().db_migrated().await;
    let (child, address) = Running::serve(&database, |toml| toml);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    service.create("sms", "s").await;
    let mut watchers = [watch(&service).await, watch(&service).await];

    child.signal(Signal::TERM);

    for watcher in &mut watchers {
        assert_eq!(refusal::<()>(Err(watcher.end().await)), "Unavailable SERVER_STOPPING");
    }
    let ran = child.finish();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(!ran.stderr.contains("WARN"), "no call should be waited for: {}", ran.stderr);
}

/// Refuses all connections to a database and ends the open ones, or accepts connections again.
async fn db_allow_connections(database: &Database, allow: bool) {
    let admin = Database { name: "postgres".to_owned(), url: feed_cluster().url("postgres") };
    let name = &database.name;
    admin.db_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}")).await;
    if !allow {
        admin
            .db_texts(&format!("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE datname = '{name}'"))
            .await;
    }
}

/// F03, F04, F27: the database ends every connection, accepts no new ones for a while, and comes
/// back.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_continues_after_the_database_was_unavailable() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let id = service.create("sms", "s").await.id;
    let mut watcher = Watcher::begin(&service, watch_from(FeedEnd::Oldest)).await;
    let first = watcher.events(1).await;
    watcher.caught_up().await;

    db_allow_connections(&server.database, false).await;
    let away = async {
        loop {
            let error = service.get_user(get(&id)).await.map(drop);
            if error.as_ref().is_err_and(|status| status.code() == Code::Unavailable) {
                return error;
            }
        }
    };
    let refused = timeout(PATIENCE, away).await.expect("the database should be away");
    assert_eq!(refusal(refused), "Unavailable STORE_UNAVAILABLE");
    db_allow_connections(&server.database, true).await;

    let back = async { while service.update_user(block(&id, true)).await.is_err() {} };
    timeout(PATIENCE, back).await.expect("the database should be back");
    let then = watcher.events(1).await;
    assert_eq!(line(&then[0]), format!("blocked=true {id} 1>2"));
    assert_eq!(events(&service, 2).await, [first, then].concat());
}

/// How often the server reads the end of the feed between two changes that `count` watchers
/// receive.
async fn polls(server: &TestServer, count: usize) -> usize {
    let service = server.service();
    let mut watchers = Vec::new();
    for _ in 0..count {
        watchers.push(watch(&service).await);
    }
    let user = service.create("sms", &format!("of {count}")).await;
    for watcher in &mut watchers {
        watcher.events(1).await;
    }
    let mut log = File::open(&feed_cluster().log_file).unwrap();
    log.seek(SeekFrom::End(0)).unwrap();
    service.update_user(block(&user.id, true)).await.unwrap();
    for watcher in &mut watchers {
        watcher.events(1).await;
    }
    // The log may end within a line of another test.
    let mut text = Vec::new();
    log.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    let ours = format!("{}|", server.database.name);
    text.lines().filter(|line| line.starts_with(&ours) && line.contains("FROM events")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_watchers_share_one_poll() {
    const MANY: usize = 60;
    let database = feed_cluster().db_migrated().await;
    database
        .db_execute(&format!("ALTER DATABASE {} SET log_statement = 'all'", database.name))
        .await;
    let slowly = |toml: String| toml.replace("poll_interval = \"20ms\"", "poll_interval = \"1s\"");
    let server = TestServer::start_with(database, slowly).await;

    let polls = polls(&server, MANY).await;

    assert!((1..MANY / 2).contains(&polls), "{polls} statements for {MANY} watchers");
}

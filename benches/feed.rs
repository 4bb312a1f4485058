//! The cost of following the feed: the time from a commit to its event at a watcher; the rate at
//! which a million events are read, compared with `psql` reading the same rows; and the cost of a
//! thousand waiting watchers. The server is a process of its own. Prints ratios.
//! `cargo bench --bench feed`, with `-- latency`, `reading` or `waiting` for a part of it

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use identity_link::grpc::proto as pb;
use identity_link_test_support::{
    Caller, Races,
    child::Running,
    cluster::{Database, feed_cluster},
    events::{Watcher, watch_from},
    link_user,
    tokens::Token,
    unlink,
};
use tokio::time::sleep;
use tonic::transport::Endpoint;

const POLL_INTERVAL: Duration = Duration::from_millis(100);
const CHANGES: usize = 400;
const EVENTS: usize = 1_000_000;
const ROUNDS: usize = 3;
const WATCHERS: usize = 1000;
/// The number of watchers that share a connection.
const STREAMS: usize = 50;
/// How long the transactions of waiting watchers are counted.
const WAIT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() {
    // `cargo test --benches` passes this argument: then nothing is measured.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    // The named parts, or all of them.
    let is_wanted = |part: &str| {
        let mut parts =
            std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
        parts.peek().is_none() || parts.any(|wanted| wanted == part)
    };
    if is_wanted("latency") {
        latency().await;
    }
    if is_wanted("reading") {
        reading().await;
    }
    if is_wanted("waiting") {
        waiting().await;
    }
}

/// The server, as a process on a database of its own.
struct Served {
    running: Running,
    address: SocketAddr,
    database: Database,
}

impl Served {
    async fn start() -> Self {
        let database = feed_cluster().db_migrated().await;
        let interval = format!("poll_interval = \"{}ms\"", POLL_INTERVAL.as_millis());
        let (running, address) =
            Running::serve(&database, |toml| toml.replace("poll_interval = \"20ms\"", &interval));
        Self { running, address, database }
    }

    /// A backend on its own connection, with a token for an hour.
    fn service(&self) -> Caller {
        let token = Token::of("services", "backend");
        let end = token.claims["iat"].as_i64().unwrap() + 3600;
        let channel =
            Endpoint::from_shared(format!("http://{}", self.address)).unwrap().connect_lazy();
        Caller::new(channel, Some(token.with("exp", end).sign()))
    }

    /// A number of `/proc/…/status`, in MiB.
    fn memory(&self, name: &str) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.running.pid().as_raw_nonzero()))
                .unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Transactions in the server's database, per second.
    async fn db_rate(&self) -> f64 {
        // An idle connection may report its counts up to ten seconds late.
        sleep(WAIT).await;
        let begun = Instant::now();
        let before = self.db_transactions().await;
        sleep(WAIT).await;
        (self.db_transactions().await - before) / begun.elapsed().as_secs_f64()
    }

    /// The query runs in another database, so that it is not counted.
    async fn db_transactions(&self) -> f64 {
        let elsewhere =
            Database { name: "postgres".to_owned(), url: feed_cluster().url("postgres") };
        let name = &self.database.name;
        let sql =
            format!("SELECT xact_commit::text FROM pg_stat_database WHERE datname = '{name}'");
        elsewhere.db_texts(&sql).await.remove(0).parse().unwrap()
    }
}

/// The time from the response to a change until a watcher gets the event.
async fn latency() {
    let server = Served::start().await;
    let service = server.service();
    let mut watcher = Watcher::begin(&server.service(), watch_from(pb::FeedEnd::Newest)).await;
    watcher.caught_up().await;
    let (mut races, mut waits) = (Races::begin(), Vec::new());
    for subject in 0..CHANGES {
        // At a random time between two polls.
        sleep(POLL_INTERVAL * u32::try_from(races.number(0..=1000)).unwrap() / 1000).await;
        service.create("github", &subject.to_string()).await;
        let committed = Instant::now();
        watcher.events(1).await;
        waits.push(committed.elapsed().as_secs_f64() / POLL_INTERVAL.as_secs_f64());
    }
    waits.sort_by(f64::total_cmp);
    let (median, p99) = (waits[CHANGES / 2], waits[CHANGES * 99 / 100]);
    println!(
        "from commit to watcher, in poll intervals: median {median:.2}, p99 {p99:.2}, of {CHANGES}"
    );
}

/// Sends a million events to one watcher.
async fn reading() {
    let server = Served::start().await;
    let service = server.service();
    let one = service.create("github", "1").await.id;
    let other = service.create("sms", "2").await.id;
    service.link(link_user(&one, &other)).await.unwrap();
    service.unlink(unlink(&one, "sms", "2")).await.unwrap();
    server.database.db_execute(&repeated(EVENTS)).await;
    server.database.db_execute("ANALYZE events").await;
    let before = server.memory("VmRSS");
    let (mut told, mut read) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // In turns, so that other load of the machine affects both.
        read.push(psql(&server.database));
        let begun = Instant::now();
        let mut watcher = Watcher::begin(&service, watch_from(pb::FeedEnd::Oldest)).await;
        let mut count = 0;
        while count < EVENTS {
            count += watcher.next().await.unwrap().events.len();
        }
        told.push(count as f64 / begun.elapsed().as_secs_f64());
    }
    let (told, read, peak) = (median(told), median(read), server.memory("VmHWM"));
    println!(
        "a million events to one watcher: {:.2} of the rate of psql reading the same rows",
        told / read
    );
    println!(
        "  {told:.0} and {read:.0} per second; the server's memory {before:.0} MiB before, {peak:.0} at most"
    );
}

/// Inserts copies of the existing events, in an epoch before theirs.
fn repeated(count: usize) -> String {
    format!(
        "SET statement_timeout = 0; \
         INSERT INTO events (tenant_id, epoch, xid, ordinal, user_id, other_user_id, actor, request_id, detail, event_time) \
         SELECT e.tenant_id, 0, n, 0, e.user_id, e.other_user_id, e.actor, e.request_id, e.detail, e.event_time \
         FROM generate_series(1, {count}) n \
         JOIN (SELECT *, row_number() OVER () AS row, count(*) OVER () AS rows FROM events) e ON e.row = n % e.rows + 1"
    )
}

/// How many events per second `psql` reads, in order.
fn psql(database: &Database) -> f64 {
    let sql = "SELECT tenant_id, epoch, xid, ordinal, event_time, actor, request_id, detail FROM events \
        WHERE tenant_id = 'default' ORDER BY epoch, xid, ordinal";
    let begun = Instant::now();
    let mut command = Command::new("psql");
    command.args(["-XAtq", "-c", sql, &database.url]).stdout(Stdio::null());
    assert!(command.status().expect("there should be a psql").success());
    EVENTS as f64 / begun.elapsed().as_secs_f64()
}

/// The cost of a thousand watchers without events.
async fn waiting() {
    let server = Served::start().await;
    let first = begin(&server.service()).await;
    let (memory_of_one, rate_of_one) = (server.memory("VmRSS"), server.db_rate().await);
    let mut crowd = vec![first];
    while crowd.len() < WATCHERS {
        let service = server.service();
        crowd.extend(
            join_all((0..STREAMS.min(WATCHERS - crowd.len())).map(|_| begin(&service))).await,
        );
    }
    let (rate, memory) = (server.db_rate().await, server.memory("VmRSS"));
    println!(
        "{} waiting watchers: {:.2} of the transactions of one ({rate_of_one:.1} per second)",
        crowd.len(),
        rate / rate_of_one
    );
    println!(
        "  {:.1} MiB more than with one watcher, which takes {memory_of_one:.1}",
        memory - memory_of_one
    );
}

/// Begins a watch, and waits until it has caught up.
async fn begin(service: &Caller) -> Watcher {
    let mut watcher = Watcher::begin(service, watch_from(pb::FeedEnd::Newest)).await;
    watcher.caught_up().await;
    watcher
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

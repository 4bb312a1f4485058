//! The cost of following the feed: the time from a commit to its event at a watcher; the rate at
//! which a million events are read, compared with `psql` reading the same rows; how long a thousand
//! watchers take to begin while calls keep their connections busy; and what waiting watchers cost.
//! Each server is a process of its own.
//! `cargo bench --bench feed`, with `-- latency`, `reading`, `beginning` or `waiting` for a part

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot continue fails"
)]

use std::{
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
    identity_ref, link_user, process,
    tokens::Token,
    unlink,
};
use tokio::time::sleep;
use tonic::transport::Endpoint;

/// The longest pause between two changes: longer than `poll_interval`, so that they come at any
/// time between two polls.
const PAUSE: Duration = Duration::from_millis(30);
const CHANGES: usize = 400;
const EVENTS: usize = 1_000_000;
const ROUNDS: usize = 3;
const WATCHERS: usize = 1000;
/// The number of watchers that share a connection.
const STREAMS: usize = 50;
/// How long the transactions and the processor time of waiting watchers are counted.
const WAIT: Duration = Duration::from_secs(60);
/// How long an idle connection may take to report its counts.
const REPORT: Duration = Duration::from_secs(20);
/// The number of writers that keep the connections for calls busy: more than there are connections.
const WRITERS: usize = 64;

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
    if is_wanted("beginning") {
        beginning().await;
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
        Self::start_on(feed_cluster().db_migrated().await)
    }

    /// With the defaults of `[feed]`.
    fn start_on(database: Database) -> Self {
        let (running, address) =
            Running::serve(&database, |toml| toml.replace("poll_interval = \"20ms\"", ""));
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

    async fn db_idle(&self) -> Idle {
        sleep(REPORT).await;
        let begun = Instant::now();
        let (transactions, own, backends) =
            (self.db_transactions().await, self.running.cpu(), self.db_cpu().await);
        sleep(WAIT).await;
        let seconds = begun.elapsed().as_secs_f64();
        Idle {
            transactions: (self.db_transactions().await - transactions) / seconds,
            server: (self.running.cpu() - own) / seconds,
            database: (self.db_cpu().await - backends) / seconds,
        }
    }

    async fn db_transactions(&self) -> f64 {
        let name = &self.database.name;
        let sql =
            format!("SELECT xact_commit::text FROM pg_stat_database WHERE datname = '{name}'");
        db_elsewhere(&sql).await.remove(0).parse().unwrap()
    }

    /// The processor time of the database for the server's connections, in seconds.
    async fn db_cpu(&self) -> f64 {
        let name = &self.database.name;
        let sql = format!("SELECT pid::text FROM pg_stat_activity WHERE datname = '{name}'");
        db_elsewhere(&sql).await.iter().map(|pid| process::cpu(pid.parse().unwrap())).sum()
    }
}

/// What a server and its database do per second while no client changes anything.
struct Idle {
    transactions: f64,
    /// The processor time, in cores.
    server: f64,
    database: f64,
}

/// The query runs in another database, so that it is not counted.
async fn db_elsewhere(sql: &str) -> Vec<String> {
    let elsewhere = Database { name: "postgres".to_owned(), url: feed_cluster().url("postgres") };
    elsewhere.db_texts(sql).await
}

/// The time from the response to a change until a watcher gets the event, at the server of the
/// change and at another one.
async fn latency() {
    let server = Served::start().await;
    let other = Served::start_on(server.database.clone());
    let service = server.service();
    for (name, watched) in [("the same", &server), ("another", &other)] {
        let mut watcher = begin(&watched.service()).await;
        let (mut races, mut waits) = (Races::begin(), Vec::new());
        for subject in 0..CHANGES {
            sleep(PAUSE * u32::try_from(races.number(0..=1000)).unwrap() / 1000).await;
            service.create("github", &format!("{name} {subject}")).await;
            let committed = Instant::now();
            watcher.events(1).await;
            waits.push(committed.elapsed().as_secs_f64() * 1000.0);
        }
        waits.sort_by(f64::total_cmp);
        let (median, p99) = (waits[CHANGES / 2], waits[CHANGES * 99 / 100]);
        println!(
            "from commit to a watcher at {name} server: median {median:.1} ms, p99 {p99:.1} ms, of {CHANGES}"
        );
    }
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
    let before = server.running.memory("VmRSS");
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
    let (told, read, peak) = (median(told), median(read), server.running.memory("VmHWM"));
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

/// How long a thousand watchers take to begin while writers keep the connections for calls busy, as
/// a ratio to an idle server.
async fn beginning() {
    let server = Served::start().await;
    let service = server.service();
    service.create("github", "first").await;
    let alone = begin_all(&server, WATCHERS).await.1;
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let service = server.service();
        writers.push(tokio::spawn(async move {
            for count in 0.. {
                // A refusal is a part of the load.
                let identity = pb::NewIdentity {
                    identity_ref: identity_ref("github", &format!("{writer} {count}")),
                    ..Default::default()
                };
                let request =
                    pb::CreateUserRequest { identity: Some(identity), ..Default::default() };
                drop(service.create_user(request).await);
            }
        }));
    }
    sleep(Duration::from_secs(2)).await;
    let busy = begin_all(&server, WATCHERS).await.1;
    writers.iter().for_each(tokio::task::JoinHandle::abort);
    println!(
        "{WATCHERS} watchers begin in {busy:.1} s beside {WRITERS} writers: {:.1} times as long as alone",
        busy / alone
    );
}

/// Begins this many watches at once. Returns the watchers after all have caught up, and how long
/// that took, in seconds.
async fn begin_all(server: &Served, count: usize) -> (Vec<Watcher>, f64) {
    let begun = Instant::now();
    let services: Vec<Caller> = (0..count.div_ceil(STREAMS)).map(|_| server.service()).collect();
    let watchers = (0..count).map(|n| begin(&services[n / STREAMS]));
    (join_all(watchers).await, begun.elapsed().as_secs_f64())
}

/// The cost of a thousand watchers without events.
async fn waiting() {
    let server = Served::start().await;
    let none = server.db_idle().await;
    let first = begin(&server.service()).await;
    let (memory_of_one, one) = (server.running.memory("VmRSS"), server.db_idle().await);
    println!(
        "one waiting watcher takes {:.4} of a core: {:.4} of the server, {:.4} of the database",
        one.server + one.database - none.server - none.database,
        one.server - none.server,
        one.database - none.database,
    );
    println!("  without it the server takes {:.4}, the database {:.4}", none.server, none.database);
    let (mut crowd, _) = begin_all(&server, WATCHERS - 1).await;
    crowd.push(first);
    let (all, memory) = (server.db_idle().await, server.running.memory("VmRSS"));
    println!(
        "{WATCHERS} waiting watchers: {:.2} of the transactions of one ({:.1} per second), {:.2} of its processor time",
        all.transactions / one.transactions,
        one.transactions,
        (all.server + all.database) / (one.server + one.database)
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

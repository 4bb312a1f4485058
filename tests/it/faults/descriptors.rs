//! F24: the process may open no more files. Strangers hold all that are left until the server cuts
//! them; no operator restarts it.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use identity_link::clock;
use rustix::process::Pid;
use serde_json::Value;
use tokio::time::timeout;
use tonic::transport::Channel;

use crate::{
    management::{MANAGEMENT, channel, serving_by},
    support::{
        artifacts,
        child::{Running, config_file},
        cluster::{Database, cluster},
        frames::Peer,
        http1::Http1,
        tokens::Token,
        *,
    },
};

/// How many files the server may have open. About twenty of them are no connections of clients.
const FILES: u32 = 64;
/// A bound that only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(60);
const READY: &str = "GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n";

/// A command that serves on this database, whose limit of open files `ulimit` changes.
fn limited(database: &Database, ulimit: &str) -> Command {
    let file = config_file(database, |toml| {
        format!("{toml}{MANAGEMENT}[listener]\nhandshake_timeout = \"1s\"\n")
    });
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit {ulimit} && exec \"$0\" serve --config \"$1\"")]);
    command.arg(artifacts::service()).arg(file);
    command
}

/// What a stranger sends, who then holds its connection until the server cuts it.
#[derive(Clone, Copy)]
enum Stranger {
    /// Nothing: it is cut after `handshake_timeout`, which is a second.
    Mute,
    /// The preface of HTTP/2 and no call: it is cut after 20 seconds.
    WithoutCalls,
}

impl Stranger {
    /// How many come at once: so many that the first ones, after which others get their places, are
    /// cut a second after the rest found none, or later.
    fn number(self) -> usize {
        match self {
            Self::Mute => 150,
            Self::WithoutCalls => 60,
        }
    }

    async fn connect(self, address: SocketAddr) -> Peer {
        match self {
            Self::Mute => Peer::silent(address).await,
            Self::WithoutCalls => Peer::connect(address).await,
        }
    }
}

/// The time of the processor that a process has taken so far.
fn processor_time(pid: Pid) -> Duration {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let stat = fs::read_to_string(path).unwrap();
    let (_, behind_name) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 =
        behind_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    // The kernel counts for all processes in hundredths of a second.
    Duration::from_millis(ticks * 10)
}

fn service(channel: Channel) -> Caller {
    Caller::new(channel, Some(Token::of("services", "backend").sign()))
}

/// How much of a processor the server took while it could accept nothing, as a percentage.
type Busy = u128;

/// Strangers take all files so many times. Each time, callers that are connected are served, and so
/// are new ones once the server has cut the strangers. Returns the number of acknowledged links, and
/// how busy the server was at most.
async fn files_run_out(stranger: Stranger, rounds: usize) -> (usize, Busy) {
    let database = cluster().db_migrated().await;
    let (mut child, management, calls) = serving_by(limited(&database, &format!("-n {FILES}")));
    let (inside, mut busiest, mut linked) = (service(channel(calls)), 0, Vec::new());
    let mut operator = Http1::connect(management).await;
    // Without a call, its connection would be cut as those of strangers are.
    assert_eq!(operator.ask(READY).await.status, 200);
    for round in 0..rounds {
        let primary = inside.create("google-oauth2", &round.to_string()).await.id;
        let (since, mut strangers) = (clock::now(), Vec::new());
        for _ in 0..stranger.number() {
            strangers.push(stranger.connect(calls).await);
        }
        let first = until_full(&mut child, since);
        let (from, used) = (Instant::now(), processor_time(child.pid()));
        // The server logs it once a second, and tries again every 50 ms at the earliest.
        assert!(first <= 21, "{first} attempts in a second");

        let secondary = inside.create("github", &round.to_string()).await.id;
        linked.push(inside.link(link_user(&primary, &secondary)).await.unwrap().user.unwrap());
        assert_eq!(operator.ask(READY).await.status, 200);
        // Connections to the database that end meanwhile are opened again later.
        db_end_connections(&database).await;

        let further = until_full(&mut child, since);
        assert!(further <= 21, "{further} attempts in a second");
        let busy = (processor_time(child.pid()) - used).as_millis() * 100
            / from.elapsed().as_millis().max(1);
        busiest = busiest.max(busy);

        // Each stranger is cut, and then new callers are served too.
        for mut stranger in strangers {
            stranger.rest().await;
        }
        let back = async { while inside.get_user(get(&primary)).await.is_err() {} };
        timeout(PATIENCE, back).await.expect("the database should be connected again");
        for user in &linked {
            assert_eq!(service(channel(calls)).user(&user.id).await, *user);
        }
        let ready = async { while operator.ask(READY).await.status != 200 {} };
        timeout(PATIENCE, ready).await.expect("the server should be ready again");
    }
    (linked.len(), busiest)
}

/// Waits until connections cannot be accepted after this time, and returns how often that was tried
/// since the line before.
fn until_full(child: &mut Running, since: DateTime<Utc>) -> u64 {
    let parsed = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let line = parsed(&child.stderr_until(|line| {
        line.contains("could not be accepted")
            && parsed(line)["timestamp"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap() > since
    }));
    assert!(line["error"].as_str().unwrap().contains("os error 24"), "{line}");
    line["times"].as_u64().unwrap()
}

/// Ends all connections of the server to its database.
async fn db_end_connections(database: &Database) {
    let end = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    database.db_texts(end).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_files_run_out_the_server_waits_and_recovers() {
    let (_, busy) = files_run_out(Stranger::Mute, 1).await;
    // A loop that spins takes all of a processor.
    assert!(busy <= 50, "the server took {busy} % of a processor");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: `just faults`"]
async fn files_run_out_for_long() {
    let begun = Instant::now();
    let (links, busy) = files_run_out(Stranger::Mute, 10).await;
    let (further, calm) = files_run_out(Stranger::WithoutCalls, 2).await;
    println!(
        "descriptors: 12 times none free, {} links acknowledged, 0 lost, \
         at most {} % of a processor, {:?}",
        links + further,
        busy.max(calm),
        begun.elapsed()
    );
}

/// The server uses all files that it may, and an operator learns that these are too few.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_open_files_is_raised_and_named_if_it_is_too_low() {
    let database = cluster().db_migrated().await;
    let line = {
        let mut child = Running::start(limited(&database, "-n 500"));
        child.stderr_until(|line| line.contains("more open files than the system permits"))
    };
    let line: Value = serde_json::from_str(&line).unwrap();
    // 900 connections, 64 of operators, twelve to the database, and 48 others.
    assert_eq!((&line["limit"], &line["needed"]), (&500.into(), &1024.into()), "{line}");

    let (mut child, _, _) = serving_by(limited(&database, "-S -n 200"));
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.pid().as_raw_nonzero()));
    let limits = limits.unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|column| files.split_whitespace().nth(column).unwrap());
    assert_eq!(soft, hard);
    child.signal(rustix::process::Signal::TERM);
    child.stderr_until(|line| {
        assert!(!line.contains("more open files"), "{line}");
        line.contains(r#""message":"stopped""#)
    });
}

//! How many connections there are, and how long one may do nothing.

use std::{fs, net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tonic::transport::Endpoint;

use super::while_attacked;
use crate::support::{TestServer, child::Running, cluster::cluster, frames::*, tokens::Token, *};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Soon, for a test that waits for it.
const SOON: Duration = Duration::from_millis(200);
/// Later than any test.
const NEVER: Duration = Duration::from_secs(3600);

/// Returns once so many connections wait to be accepted; the kernel tells it as the queue of the
/// socket that listens.
async fn until_queued(listener: SocketAddr, count: u32) {
    let local = format!(":{:04X} ", listener.port());
    let queued = || {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let line = table.lines().find(|line| line.contains(&local) && line.contains(" 0A ")).unwrap().to_owned();
        let queues = line.split_whitespace().nth(4).unwrap().to_owned();
        u32::from_str_radix(queues.split(':').nth(1).unwrap(), 16).unwrap()
    };
    let all = async {
        while queued() != count {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), all).await.expect("they wait");
}

/// A client that watches the server's health, and has had the first word.
async fn watching(address: SocketAddr) -> Peer {
    let mut peer = Peer::connect(address).await;
    peer.send([Frame::call(1, WATCH, &[]), Frame::empty_message(1)]).await;
    peer.until(|frame| frame.kind == DATA).await;
    peer
}

/// The client's next call is answered.
async fn still_served(peer: &mut Peer) {
    peer.send([Frame::call(101, CHECK, &[]), Frame::empty_message(101)]).await;
    peer.until(|frame| frame.stream == 101 && frame.kind == DATA).await;
}

/// G06: whoever stays in the door keeps out those behind, and nobody who is in.
#[tokio::test(flavor = "multi_thread")]
async fn newcomers_that_say_nothing_are_at_most_an_eighth() {
    let server = TestServer::start_limited(|limits| {
        limits.max_connections = 16;
        limits.handshake_timeout = NEVER;
    })
    .await;

    let attack = async {
        let mut mute = Vec::new();
        for _ in 0..5 {
            let mut peer = Peer::silent(server.address).await;
            peer.send_bytes(&PREFACE[..12]).await;
            mute.push(peer);
        }
        until_queued(server.address, 3).await;
        mute
    };
    let mut mute = while_attacked(&server, attack).await;
    // The next in the queue comes in when one before it has got through, or has gone.
    mute[0].send_bytes(&[&PREFACE[12..], &Frame::settings(&[]).bytes()].concat()).await;
    until_queued(server.address, 2).await;
    still_served(&mut mute[0]).await;
    drop(mute.remove(1));
    until_queued(server.address, 1).await;
}

/// G06, G07: nothing, half the preface, a preface without settings.
#[tokio::test(flavor = "multi_thread")]
async fn newcomers_that_say_nothing_are_cut_and_others_come_in() {
    let server = TestServer::start_limited(|limits| {
        limits.handshake_timeout = SOON;
        limits.first_call_timeout = SOON;
    })
    .await;

    let attack = async {
        // More than come in at once.
        let mut mute = Vec::new();
        for said in [0, 12, PREFACE.len()].into_iter().cycle().take(150) {
            let mut peer = Peer::silent(server.address).await;
            peer.send_bytes(&PREFACE[..said]).await;
            mute.push(peer);
        }
        for mut peer in mute {
            peer.rest().await;
        }
    };
    while_attacked(&server, attack).await;

    still_served(&mut Peer::connect(server.address).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_no_place_is_cut_at_once() {
    let server = TestServer::start_limited(|limits| limits.max_connections = 3).await;
    let attack = async {
        let inside = (watching(server.address).await, watching(server.address).await);
        for _ in 0..50 {
            assert_eq!(Peer::connect(server.address).await.rest().await, []);
        }
        inside
    };

    let (first, mut second) = while_attacked(&server, attack).await;

    still_served(&mut second).await;
    // Where one leaves there is a place, as soon as the server has noticed.
    drop(first);
    let back = async { while Peer::connect(server.address).await.next().await.is_none() {} };
    timeout(Duration::from_secs(30), back).await.expect("there is a place");
}

/// G06: without a first call, or with one that is never said to its end.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_makes_no_call_is_sent_away_and_then_cut() {
    let server = TestServer::start_limited(|limits| {
        limits.first_call_timeout = SOON;
        limits.handshake_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;
    let mut caller = Peer::connect(server.address).await;
    still_served(&mut caller).await;

    let attack = async {
        for half_a_call in [vec![], vec![Frame { flags: 0, ..Frame::call(1, CHECK, &[]) }]] {
            let mut peer = Peer::connect(server.address).await;
            peer.send(half_a_call).await;
            let heard = peer.rest().await;
            assert_eq!(goodbye(&heard).as_deref(), Some("NO_ERROR"));
        }
    };
    while_attacked(&server, attack).await;

    caller.send([Frame::call(103, CHECK, &[]), Frame::empty_message(103)]).await;
    caller.until(|frame| frame.stream == 103 && frame.kind == DATA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_call_is_sent_away_and_whoever_has_one_stays() {
    let server = TestServer::start_limited(|limits| {
        limits.first_call_timeout = NEVER;
        limits.handshake_timeout = SOON;
        limits.idle_timeout = SOON;
        limits.stall_timeout = SOON;
    })
    .await;
    let mut watching = watching(server.address).await;
    // G08: a message that is long in coming.
    let mut slow = Peer::connect(server.address).await;
    slow.send([Frame::call(1, CHECK, &[]), Frame::new(DATA, 0, 1, [0])]).await;

    let attack = async {
        for _ in 0..3 {
            let mut idle = Peer::connect(server.address).await;
            still_served(&mut idle).await;
            assert_eq!(goodbye(&idle.rest().await).as_deref(), Some("NO_ERROR"));
        }
    };
    while_attacked(&server, attack).await;

    slow.send([Frame::new(DATA, END_STREAM, 1, [0; 4])]).await;
    slow.until(|frame| frame.stream == 1 && frame.kind == DATA).await;
    still_served(&mut watching).await;
}

/// G09: a window that is never opened, and one that is too small for the whole answer: HTTP/2 keeps
/// the rest.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_no_answer_is_cut() {
    let server = TestServer::start_limited(|limits| {
        limits.stall_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;
    let mut watching = watching(server.address).await;

    let attack = async {
        for window in [0, 1] {
            let peer = Peer::with_settings(server.address, &[(SETTINGS_INITIAL_WINDOW_SIZE, window)]).await;
            let calls = (0..200).flat_map(|i| [Frame::call(2 * i + 1, CHECK, &[]), Frame::empty_message(2 * i + 1)]);
            let heard = peer.send_to_the_end(calls).await;
            assert_eq!(goodbye(&heard), None);
            let taken: usize = heard.iter().filter(|frame| frame.kind == DATA).map(|frame| frame.payload.len()).sum();
            assert_eq!(taken, 200 * window as usize);
        }
    };
    while_attacked(&server, attack).await;

    still_served(&mut watching).await;
}

/// G16: what is not HTTP/2.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_something_else_is_cut_at_its_first_wrong_byte() {
    let server = TestServer::start_limited(|limits| limits.handshake_timeout = NEVER).await;

    let attack = async {
        for http1 in
            ["GET / HTTP/1.1\r\n", "POST /identity.v1.IdentityService/Link HTTP/1.1\r\nHost: a\r\n\r\n", "PRI * HTTP/1"]
        {
            let mut peer = Peer::silent(server.address).await;
            peer.send_bytes(http1.as_bytes()).await;
            let answer = peer.rest_as_text().await;
            assert!(
                answer.starts_with("HTTP/1.1 505 ") && answer.ends_with("\r\n\r\nThis is gRPC: HTTP/2."),
                "{answer}"
            );
        }
        for other in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\0", &[0xff; 5000]] {
            let mut peer = Peer::silent(server.address).await;
            peer.send_bytes(other).await;
            assert_eq!(peer.rest_as_text().await, "");
        }
    };
    while_attacked(&server, attack).await;
}

/// G17, CVE-2024-47609.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_gone_before_they_are_accepted_harm_nobody() {
    let server = TestServer::start().await;

    let attack = async {
        for _ in 0..1000 {
            TcpStream::connect(server.address).await.unwrap().set_zero_linger().unwrap();
        }
    };
    while_attacked(&server, attack).await;

    still_served(&mut Peer::connect(server.address).await).await;
}

/// G17: when the process may open no more files, the listener waits; it does not spin.
#[tokio::test(flavor = "multi_thread")]
async fn without_free_files_accepting_is_tried_now_and_then() {
    let database = cluster().db_migrated().await;
    let (mut child, address) = Running::serve_with_open_files(&database, 64);
    let caller = || {
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        Caller::new(channel, Some(Token::of("services", "backend").sign()))
    };
    let inside = caller();
    let user = inside.create("google-oauth2", "g").await;

    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(Peer::connect(address).await);
    }
    for _ in 0..2 {
        let line = child.stderr_until(|line| line.contains("could not be accepted"));
        let line: Value = serde_json::from_str(&line).unwrap();
        assert!(line["error"].as_str().unwrap().contains("os error 24"), "{line}");
        // It is logged once a second, and tried again after 50 ms at the earliest.
        assert!(line["times"].as_u64().unwrap() <= 21, "{line}");
        assert_eq!(inside.user(&user.id).await, user);
    }
    drop(crowd);

    assert_eq!(caller().user(&user.id).await, user);
}

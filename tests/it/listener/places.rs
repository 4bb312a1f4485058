//! How many connections there are.

use std::fs;

use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tonic::transport::Endpoint;

use super::*;
use crate::support::{child::Running, cluster::cluster, tokens::Token, *};

/// Returns after this many connections wait to be accepted. The kernel shows the queue of the
/// listening socket.
async fn until_queued(listener: SocketAddr, count: u32) {
    let local = format!(":{:04X} ", listener.port());
    let queued = || {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let line = table
            .lines()
            .find(|line| line.contains(&local) && line.contains(" 0A "))
            .unwrap()
            .to_owned();
        let queues = line.split_whitespace().nth(4).unwrap().to_owned();
        u32::from_str_radix(queues.split(':').nth(1).unwrap(), 16).unwrap()
    };
    let all = async {
        while queued() != count {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), all).await.expect("the connections should wait in the queue");
}

/// G06: connections in their handshake delay those behind them, and no connection that is already
/// admitted.
#[tokio::test(flavor = "multi_thread")]
async fn connections_in_their_handshake_are_at_most_an_eighth() {
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
    // The next connection in the queue is accepted when an earlier one completes its handshake or
    // is closed.
    mute[0].send_bytes(&[&PREFACE[12..], &Frame::settings(&[]).bytes()].concat()).await;
    until_queued(server.address, 2).await;
    still_served(&mut mute[0]).await;
    drop(mute.remove(1));
    until_queued(server.address, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_above_the_limit_is_cut_at_once() {
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
    // After a client leaves, a slot is free as soon as the server has noticed.
    drop(first);
    let back = async { while Peer::connect(server.address).await.next().await.is_none() {} };
    timeout(Duration::from_secs(30), back).await.expect("a slot should be free");
}

/// G17, CVE-2024-47609: connections that are reset before they are accepted.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_gone_before_they_are_accepted_harm_no_other() {
    let server = TestServer::start().await;

    let attack = async {
        for _ in 0..1000 {
            TcpStream::connect(server.address).await.unwrap().set_zero_linger().unwrap();
        }
    };
    while_attacked(&server, attack).await;

    still_served(&mut Peer::connect(server.address).await).await;
}

/// G17, F24: when the process may open no more files, the listener waits; it does not spin.
#[tokio::test(flavor = "multi_thread")]
async fn without_free_files_accepting_is_retried_after_a_pause() {
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
        // The server logs it once a second, and retries after 50 ms at the earliest.
        assert!(line["times"].as_u64().unwrap() <= 21, "{line}");
        assert_eq!(inside.user(&user.id).await, user);
    }
    drop(crowd);

    assert_eq!(caller().user(&user.id).await, user);
}

/// G06, G18: streams that need no token are few, their messages are short, and none but a watch
/// stays.
#[tokio::test(flavor = "multi_thread")]
async fn streams_without_a_token_are_few_and_short() {
    const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    let database = cluster().db_migrated().await;
    let server =
        TestServer::start_with(database, |toml| format!("max_call_time = \"1s\"\n{toml}")).await;

    let attack = async {
        let mut peer = Peer::connect(server.address).await;
        // A message of 4 MiB, for none of which the server waits.
        peer.send([Frame::call(1, REFLECTION, &[]), Frame::new(DATA, 0, 1, [0, 0, 64, 0, 0])])
            .await;
        peer.until(|frame| {
            frame.stream == 1 && frame.kind == HEADERS && frame.flags & END_STREAM != 0
        })
        .await;
        // A stream on which the client sends no message.
        peer.send([Frame::call(3, REFLECTION, &[])]).await;
        peer.until(|frame| {
            frame.stream == 3 && frame.kind == HEADERS && frame.flags & END_STREAM != 0
        })
        .await;
        // An eighth of `max_connections`, and the next stream.
        for stream in (0..112).map(|n| 5 + 2 * n) {
            peer.send([Frame::call(stream, WATCH, &[]), Frame::empty_message(stream)]).await;
            peer.until(|frame| frame.stream == stream && frame.kind == DATA).await;
        }
        peer.send([Frame::call(301, WATCH, &[]), Frame::empty_message(301)]).await;
        let refused =
            peer.until(|frame| frame.stream == 301 && [HEADERS, DATA].contains(&frame.kind)).await;
        assert!(refused.kind == HEADERS && refused.flags & END_STREAM != 0, "{refused:?}");
        still_served_on(&mut peer, 303).await;
    };
    while_attacked(&server, attack).await;
}

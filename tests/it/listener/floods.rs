//! Floods of frames. A bound of `listener/protocols.rs` ends most of them, and the server sends the
//! attacker its name. The others take nothing from other clients.

use super::{CHECK, SOON, WATCH, still_served_on, watching, while_attacked};
use crate::support::{TestServer, frames::*};

/// The ids of the first `count` streams of a client.
fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|i| 2 * i + 1)
}

/// G01, CVE-2023-44487: streams that are reset as soon as they are opened.
#[tokio::test(flavor = "multi_thread")]
async fn rapid_resets_end_the_connection() {
    let server = TestServer::start().await;
    let peer = Peer::connect(server.address).await;

    let flood = streams(10_000).flat_map(|id| [Frame::call(id, CHECK, &[]), Frame::reset(id)]);
    let heard = while_attacked(&server, peer.send_to_the_end(flood)).await;

    assert_eq!(goodbye(&heard).as_deref(), Some("ENHANCE_YOUR_CALM too_many_resets"));
}

/// A stream that HTTP/2 forbids, because of one of its fields.
fn malformed(id: u32) -> Frame {
    Frame::call(id, CHECK, &[("connection", b"close")])
}

/// G02: clients of a proxy share a connection. The malformed streams of one of them end no stream
/// of another, however many there are.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_streams_end_no_other_stream_of_the_connection() {
    const AT_ONCE: u32 = 100;
    let server = TestServer::start().await;
    let mut shared = watching(server.address).await;

    let attack = async {
        for round in 0..30 {
            let first = 1001 + round * 2 * AT_ONCE;
            shared.send((0..AT_ONCE).map(|i| malformed(first + 2 * i))).await;
            for _ in 0..AT_ONCE {
                let reset = shared.until(|frame| [RST_STREAM, GOAWAY].contains(&frame.kind)).await;
                assert_eq!((reset.kind, reset.error().as_str()), (RST_STREAM, "PROTOCOL_ERROR"));
                assert_ne!(reset.stream, 1, "the watch goes on");
            }
        }
        shared
    };
    let mut shared = while_attacked(&server, attack).await;

    still_served_on(&mut shared, 10_001).await;
    // The watch is open until its own client ends it.
    shared.send([Frame::reset(1)]).await;
    still_served_on(&mut shared, 10_003).await;
}

/// G02, RUSTSEC-2024-0003: a client that sends malformed streams as fast as it can.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_malformed_streams_takes_nothing_from_other_clients() {
    const COUNT: u32 = 20_000;
    let server = TestServer::start_limited(|limits| limits.first_call_timeout = SOON).await;
    let peer = Peer::connect(server.address).await;

    // No call of it is ever admitted, so the connection ends like that of any stranger.
    let heard = while_attacked(&server, peer.send_to_the_end(streams(COUNT).map(malformed))).await;

    let resets = heard.iter().filter(|frame| frame.kind == RST_STREAM).map(Frame::error);
    assert!(resets.inspect(|error| assert_eq!(error, "PROTOCOL_ERROR")).count() > 1024);
    assert_eq!(goodbye(&heard).as_deref(), Some("NO_ERROR"));
}

/// G03, RUSTSEC-2024-0332: a header block that never ends.
#[tokio::test(flavor = "multi_thread")]
async fn endless_continuations_end_the_connection() {
    let server = TestServer::start().await;
    let peer = Peer::connect(server.address).await;

    let begun = Frame { flags: 0, ..Frame::call(1, CHECK, &[]) };
    let more = (0..10_000).map(|_| Frame::new(CONTINUATION, 0, 1, fields(&[("a", b"")])));
    let heard =
        while_attacked(&server, peer.send_to_the_end(std::iter::once(begun).chain(more))).await;

    assert_eq!(goodbye(&heard).as_deref(), Some("ENHANCE_YOUR_CALM too_many_continuations"));
}

/// G04, RUSTSEC-2026-0258: empty frames of a body.
#[tokio::test(flavor = "multi_thread")]
async fn empty_data_ends_the_connection() {
    let server = TestServer::start().await;
    let peer = Peer::connect(server.address).await;

    let nothing = (0..100_000).map(|_| Frame::new(DATA, 0, 1, []));
    let flood = std::iter::once(Frame::call(1, CHECK, &[])).chain(nothing);
    let heard = while_attacked(&server, peer.send_to_the_end(flood)).await;

    assert_eq!(goodbye(&heard).as_deref(), Some("ENHANCE_YOUR_CALM too_many_data_frames"));
}

/// G05: more calls at once than the server's settings permit.
#[tokio::test(flavor = "multi_thread")]
async fn calls_above_the_limit_are_refused_and_the_others_go_on() {
    let server = TestServer::start().await;
    let mut peer = Peer::connect(server.address).await;
    let settings = peer.until(|frame| frame.kind == SETTINGS && frame.flags != ACK).await;
    assert_eq!(settings.setting(SETTINGS_MAX_CONCURRENT_STREAMS), Some(200));

    let attack = async {
        peer.send(
            streams(300).flat_map(|id| [Frame::call(id, WATCH, &[]), Frame::empty_message(id)]),
        )
        .await;
        let mut refused = Vec::new();
        while refused.len() < 100 {
            let reset = peer.until(|frame| frame.kind == RST_STREAM).await;
            assert_eq!(reset.error(), "REFUSED_STREAM");
            refused.push(reset.stream);
        }
        refused
    };
    let refused = while_attacked(&server, attack).await;

    assert_eq!(refused, Vec::from_iter(streams(300).skip(200)));
    // One of the admitted streams ends, which makes room for another.
    peer.send([Frame::reset(1), Frame::call(601, CHECK, &[]), Frame::empty_message(601)]).await;
    peer.until(|frame| frame.stream == 601 && frame.kind == DATA).await;
}

/// G10, CVE-2019-9512 and -9515: each frame gets its response, and the server keeps nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn pings_and_settings_are_answered_one_by_one() {
    for (frame, count) in
        [(Frame::ping(), 10_000), (Frame::settings(&[(SETTINGS_INITIAL_WINDOW_SIZE, 1)]), 10_000)]
    {
        let server = TestServer::start().await;
        let mut peer = Peer::connect(server.address).await;
        peer.until(|frame| frame.kind == SETTINGS && frame.flags == ACK).await;

        let attack = async {
            for _ in 0..count / 100 {
                peer.send((0..100).map(|_| frame.clone())).await;
                for _ in 0..100 {
                    let answer =
                        peer.until(|heard| heard.kind == frame.kind && heard.flags == ACK).await;
                    assert!(answer.payload.is_empty() || answer.payload == frame.payload);
                }
            }
        };
        while_attacked(&server, attack).await;
    }
}

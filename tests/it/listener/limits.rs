//! How long a connection may do nothing.

use super::*;
use crate::support::http1::Http1;

/// G06, G07: nothing, half the preface, a preface without settings.
#[tokio::test(flavor = "multi_thread")]
async fn newcomers_that_say_nothing_are_cut_and_others_come_in() {
    let server = TestServer::start_limited(|limits| {
        limits.handshake_timeout = SOON;
        limits.first_call_timeout = SOON;
    })
    .await;

    let attack = async {
        // More connections than may be in their handshake at once.
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

/// G06: no first call, or a call whose headers never end.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_call_is_closed_and_then_cut() {
    let server = TestServer::start_limited(|limits| {
        limits.first_call_timeout = SOON;
        limits.handshake_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;
    let mut caller = Peer::connect(server.address).await;
    let_in(&mut caller).await;

    let attack = async {
        for half_a_call in [vec![], vec![Frame { flags: 0, ..Frame::call(1, CHECK, &[]) }]] {
            let mut peer = Peer::connect(server.address).await;
            peer.send(half_a_call).await;
            let heard = peer.rest().await;
            assert_eq!(goodbye(&heard).as_deref(), Some("NO_ERROR"));
        }
    };
    while_attacked(&server, attack).await;

    caller.send([Frame::call(203, CHECK, &[]), Frame::empty_message(203)]).await;
    caller.until(|frame| frame.stream == 203 && frame.kind == DATA).await;
}

/// G06: a call without a token is not the first call that the server waits for.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_need_no_token_and_calls_that_are_refused_keep_no_connection() {
    let server = TestServer::start_limited(|limits| {
        limits.first_call_timeout = SOON;
        limits.handshake_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;

    let attack = async {
        for path in [CHECK, "/identitylink.v1.IdentityService/GetUser", "/nothing"] {
            let mut peer = Peer::connect(server.address).await;
            let mut stream = 1;
            // It calls again after each response, until the server sends GOAWAY.
            peer.send([Frame::call(stream, path, &[]), Frame::empty_message(stream)]).await;
            while let Some(heard) = peer.next().await.filter(|heard| heard.kind != GOAWAY) {
                if heard.stream == stream && heard.kind == HEADERS {
                    stream += 2;
                    peer.send([Frame::call(stream, path, &[]), Frame::empty_message(stream)]).await;
                }
            }
            peer.rest().await;
        }
    };
    while_attacked(&server, attack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_call_is_closed_and_one_with_a_call_stays() {
    let server = TestServer::start_limited(|limits| {
        limits.first_call_timeout = NEVER;
        limits.handshake_timeout = SOON;
        limits.idle_timeout = SOON;
        limits.stall_timeout = SOON;
    })
    .await;
    let mut watching = watching(server.address).await;
    // G08: a message that arrives slowly.
    let mut slow = Peer::connect(server.address).await;
    slow.send([Frame::call(1, CHECK, &[]), Frame::new(DATA, 0, 1, [0])]).await;

    let attack = async {
        for _ in 0..3 {
            let mut idle = Peer::connect(server.address).await;
            let_in(&mut idle).await;
            assert_eq!(goodbye(&idle.rest().await).as_deref(), Some("NO_ERROR"));
        }
    };
    while_attacked(&server, attack).await;

    slow.send([Frame::new(DATA, END_STREAM, 1, [0; 4])]).await;
    slow.until(|frame| frame.stream == 1 && frame.kind == DATA).await;
    still_served(&mut watching).await;
}

/// G09: a window that never opens, and one that is too small for the whole response, the rest of
/// which HTTP/2 keeps.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_no_response_is_cut() {
    let server = TestServer::start_limited(|limits| {
        limits.stall_timeout = SOON;
        limits.idle_timeout = NEVER;
    })
    .await;
    let mut watching = watching(server.address).await;

    let attack = async {
        for window in [0, 1] {
            let peer =
                Peer::with_settings(server.address, &[(SETTINGS_INITIAL_WINDOW_SIZE, window)])
                    .await;
            let calls = (0..200).flat_map(|i| {
                [Frame::call(2 * i + 1, CHECK, &[]), Frame::empty_message(2 * i + 1)]
            });
            let heard = peer.send_to_the_end(calls).await;
            assert_eq!(goodbye(&heard), None);
            let taken: usize = heard
                .iter()
                .filter(|frame| frame.kind == DATA)
                .map(|frame| frame.payload.len())
                .sum();
            assert_eq!(taken, 200 * window as usize);
        }
    };
    while_attacked(&server, attack).await;

    still_served(&mut watching).await;
}

/// G16: bytes that are not HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_protocol_is_cut_at_its_first_wrong_byte() {
    let server = TestServer::start_limited(|limits| limits.handshake_timeout = NEVER).await;

    let attack = async {
        for other in [&b"\x16\x03\x01\x02\x00\x01"[..], b"\0", &[0xff; 5000], b"get / HTTP/1.1\r\n"]
        {
            let mut peer = Peer::silent(server.address).await;
            peer.send_bytes(other).await;
            assert_eq!(peer.rest_as_text().await, "");
        }
        // HTTP/1.1 that is no call gets a sentence, also of a server that has nothing but rpcs.
        let mut person = Http1::connect(server.address).await;
        let answer = person.ask("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(answer.status, 405);
        assert!(
            answer.body.starts_with("This port speaks gRPC, gRPC-Web and Connect"),
            "{answer:?}"
        );
    };
    while_attacked(&server, attack).await;
}

//! The listener: which connections it accepts and for how long. An attacker harms no other client.

mod floods;
mod http1;
mod http1_limits;
mod limits;
mod messages;
mod places;
mod smuggling;
mod tls;

use std::{cell::Cell, net::SocketAddr, time::Duration};

use crate::support::{TestServer, frames::*, tokens::Token};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// A limit that a test waits for.
const SOON: Duration = Duration::from_millis(200);
/// A limit that no test reaches.
const NEVER: Duration = Duration::from_secs(3600);

/// Runs an attack while another client makes calls. Each of these calls succeeds, and one of them
/// begins after the attack has ended.
async fn while_attacked<T>(server: &TestServer, attack: impl Future<Output = T>) -> T {
    let service = server.service();
    let user = service.create("google-oauth2", &uuid::Uuid::new_v4().to_string()).await;
    let over = Cell::new(false);
    let attack = async {
        let outcome = attack.await;
        over.set(true);
        outcome
    };
    let calls = async {
        loop {
            let is_last = over.get();
            assert_eq!(service.user(&user.id).await, user);
            if is_last {
                return;
            }
        }
    };
    let (outcome, ()) = tokio::join!(attack, calls);
    outcome
}

/// A client that watches the server's health, and has received the first message.
async fn watching(address: SocketAddr) -> Peer {
    let mut peer = Peer::connect(address).await;
    peer.send([Frame::call(1, WATCH, &[]), Frame::empty_message(1)]).await;
    peer.until(|frame| frame.kind == DATA).await;
    peer
}

/// Makes a call with a token, so that the server admits the client.
async fn let_in(peer: &mut Peer) {
    let bearer = format!("Bearer {}", Token::of("services", "backend").sign());
    let call = Frame::call(
        201,
        "/identitylink.v1.IdentityService/GetUser",
        &[("authorization", bearer.as_bytes())],
    );
    peer.send([call, Frame::empty_message(201)]).await;
    peer.until(|frame| frame.stream == 201 && frame.kind == HEADERS).await;
}

/// The client's next call gets a response.
async fn still_served(peer: &mut Peer) {
    still_served_on(peer, 101).await;
}

/// The same, on this stream.
async fn still_served_on(peer: &mut Peer, stream: u32) {
    peer.send([Frame::call(stream, CHECK, &[]), Frame::empty_message(stream)]).await;
    peer.until(|frame| frame.stream == stream && frame.kind == DATA).await;
}

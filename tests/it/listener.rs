//! The listener: what it lets in, for how long, and that whoever attacks it harms nobody else.

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

/// Soon, for a test that waits for it.
const SOON: Duration = Duration::from_millis(200);
/// Later than any test.
const NEVER: Duration = Duration::from_secs(3600);

/// Lets an attack run, while somebody else's calls go on: each of them is answered, one of them
/// after the attack.
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

/// A client that watches the server's health, and has had the first word.
async fn watching(address: SocketAddr) -> Peer {
    let mut peer = Peer::connect(address).await;
    peer.send([Frame::call(1, WATCH, &[]), Frame::empty_message(1)]).await;
    peer.until(|frame| frame.kind == DATA).await;
    peer
}

/// The client is let in: it makes a call with a token.
async fn let_in(peer: &mut Peer) {
    let bearer = format!("Bearer {}", Token::of("services", "backend").sign());
    let call = Frame::call(201, "/identity.v1.IdentityService/GetUser", &[("authorization", bearer.as_bytes())]);
    peer.send([call, Frame::empty_message(201)]).await;
    peer.until(|frame| frame.stream == 201 && frame.kind == HEADERS).await;
}

/// The client's next call is answered.
async fn still_served(peer: &mut Peer) {
    still_served_on(peer, 101).await;
}

/// The same, on this stream.
async fn still_served_on(peer: &mut Peer, stream: u32) {
    peer.send([Frame::call(stream, CHECK, &[]), Frame::empty_message(stream)]).await;
    peer.until(|frame| frame.stream == stream && frame.kind == DATA).await;
}

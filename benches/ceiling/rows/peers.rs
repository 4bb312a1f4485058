//! Other systems.

use super::*;

pub(super) fn better_auth() -> Row {
    const PEER: [Arm; 2] = [Arm::Peer(Peer::BetterAuth, 8), Arm::Peer(Peer::BetterAuth, 32)];
    rate(
        "better-auth",
        "GetUser per second, c=256 ÷ Better Auth's list-accounts, the best of c=8 and c=32",
        [28.0, 35.0],
        [AT_256].into_iter().chain(PEER).collect(),
        |round| round[&AT_256].rate / round[&PEER[0]].rate.max(round[&PEER[1]].rate),
    )
}

pub(super) fn authhero() -> Row {
    const HERE: Arm = Arm::LinksByHttp(8);
    const PEER: [Arm; 2] = [Arm::Peer(Peer::AuthHero, 1), Arm::Peer(Peer::AuthHero, 8)];
    rate(
        "authhero",
        "Link and Unlink per second by HTTP/1.1, c=8 ÷ AuthHero's, the best of c=1 and c=8",
        [4.0, 6.0],
        [HERE].into_iter().chain(PEER).collect(),
        |round| round[&HERE].rate / round[&PEER[0]].rate.max(round[&PEER[1]].rate),
    )
}

pub(super) fn mas() -> Row {
    const HERE: Arm = Arm::LinksByHttp(8);
    const PEER: Arm = Arm::Peer(Peer::Mas, 8);
    rate(
        "matrix-authentication-service",
        "Link and Unlink per second by HTTP/1.1, c=8 ÷ MAS's link added and deleted, c=8",
        [0.9, 1.2],
        vec![HERE, PEER],
        |round| round[&HERE].rate / round[&PEER].rate,
    )
}

//! Other systems, and what pgbench reaches against them, with no server at all.

use super::*;

/// Links and unlinks with the statements of the service.
const STATEMENTS: Arm = Pgbench(Script::LinkAndUnlink, 8);

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

pub(super) fn authhero() -> [Row; 2] {
    const HERE: Arm = Arm::LinksByHttp(8);
    const PEER: [Arm; 2] = [Arm::Peer(Peer::AuthHero, 1), Arm::Peer(Peer::AuthHero, 8)];
    let row = |name, what, arm| {
        let arms = [arm].into_iter().chain(PEER).collect();
        rate(name, what, [4.0, 6.0], arms, move |round| {
            round[&arm].rate / round[&PEER[0]].rate.max(round[&PEER[1]].rate)
        })
    };
    [
        row(
            "authhero",
            "Link and Unlink per second by HTTP/1.1, c=8 ÷ AuthHero's, the best of c=1 and c=8",
            HERE,
        ),
        row("floor.authhero", "pgbench with the same SQL, c=8 ÷ AuthHero's", STATEMENTS),
    ]
}

pub(super) fn mas() -> [Row; 2] {
    const HERE: Arm = Arm::LinksByHttp(8);
    const PEER: Arm = Arm::Peer(Peer::Mas, 8);
    let row = |name, what, arm| {
        rate(name, what, [0.9, 1.2], vec![arm, PEER], move |round| {
            round[&arm].rate / round[&PEER].rate
        })
    };
    [
        row(
            "matrix-authentication-service",
            "Link and Unlink per second by HTTP/1.1, c=8 ÷ MAS's link added and deleted, c=8",
            HERE,
        ),
        row(
            "floor.matrix-authentication-service",
            "pgbench with the same SQL, c=8 ÷ MAS's link added and deleted, c=8",
            STATEMENTS,
        ),
    ]
}

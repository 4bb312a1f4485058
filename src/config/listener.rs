//! The `[listener]` table: how many connections may be open, and how long an idle one may stay.

use std::time::Duration;

use super::{
    keys::{DAY, MINUTE, Number, Time, keys, seconds},
    reader::Reader,
};

/// The limits of connections in number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most open connections. At most an eighth of them are still in their handshakes, so that
    /// new ones never take the slots of established ones.
    pub max_connections: usize,
    /// How long a TLS handshake and the client's HTTP/2 preface may take together. Also how long a
    /// client that was sent GOAWAY may stay without a call.
    pub handshake_timeout: Duration,
    /// How long a connection may last before the first call that is admitted.
    pub first_call_timeout: Duration,
    /// How long a connection may be without a call after the first one.
    pub idle_timeout: Duration,
    /// How long response data may wait for a client that takes none of it.
    pub stall_timeout: Duration,
}

keys! {
    /// Limits of the connections of clients. The table may be missing.
    static KEYS: ListenerKeys = "listener" {
        /// The maximum number of open connections. Each is an open file: see `ulimit -n`. At most
        /// an eighth of them are still in their handshakes.
        max_connections: Number = Number {
            // Below the usual limit of 1024 open files, this leaves room for everything else.
            default: 900,
            bounds: 1..=100_000,
        },
        /// How long a client may take for the TLS handshake and the beginning of HTTP together.
        handshake_timeout: Time = Time::within(seconds(5), seconds(1), seconds(MINUTE)),
        /// How long a connection may stay open without a call, after its first call.
        idle_timeout: Time = Time::within(seconds(5 * MINUTE), seconds(10), seconds(DAY)),
    }
}

pub(super) fn read(mut r: Reader) -> Limits {
    let limits = Limits {
        max_connections: r.number(&KEYS.max_connections),
        handshake_timeout: r.time(&KEYS.handshake_timeout),
        first_call_timeout: seconds(20),
        idle_timeout: r.time(&KEYS.idle_timeout),
        stall_timeout: seconds(30),
    };
    r.finish();
    limits
}

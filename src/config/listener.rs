//! The `[listener]` table: how many connections may be open, and how long an idle one may stay.

use super::{
    declare::keys,
    keys::{DAY, MINUTE, Number, Time, seconds},
    reader::Reader,
};
use crate::listener::Limits;

keys! {
    /// Limits of the connections of clients. The table may be missing.
    static KEYS: ListenerKeys = "listener" {
        /// The maximum number of open connections. Each is an open file: the server raises its limit
        /// to the hard one (`ulimit -Hn`), and warns at its start if that is too low. At most an
        /// eighth of them are still in their handshakes.
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
    r.finish(&ListenerKeys::described());
    limits
}

//! The `[listener]` table: how many may connect, and how long who does nothing may stay.

use std::time::Duration;

use super::reader::Reader;

/// What a connection may take, of our room and of our time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are open at most. Those that have not got through their handshakes are
    /// at most an eighth of them, so that they never take the places of whoever is in.
    pub max_connections: usize,
    /// How long a TLS handshake and the client's HTTP/2 preface may take together, and how long a
    /// client that was told to go away may stay without a call.
    pub handshake_timeout: Duration,
    /// How long a connection may be without a first call that is let in.
    pub first_call_timeout: Duration,
    /// How long a connection may be without a call after that.
    pub idle_timeout: Duration,
    /// How long answers may wait for a client that takes none of them.
    pub stall_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Each is an open file: this leaves room for everything else below the usual limit, 1024.
            max_connections: 900,
            handshake_timeout: Duration::from_secs(5),
            first_call_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(300),
            stall_timeout: Duration::from_secs(30),
        }
    }
}

pub(super) fn read(mut r: Reader) -> Limits {
    const SECOND: Duration = Duration::from_secs(1);
    let default = Limits::default();
    let limits = Limits {
        max_connections: r.number("max_connections", default.max_connections, 1..=100_000),
        handshake_timeout: r.duration_within("handshake_timeout", (default.handshake_timeout, SECOND..=60 * SECOND)),
        idle_timeout: r.duration_within("idle_timeout", (default.idle_timeout, 10 * SECOND..=24 * 3600 * SECOND)),
        ..default
    };
    r.finish();
    limits
}

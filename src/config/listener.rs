//! The `[listener]` table: how many connections may be open, and how long an idle one may stay.

use std::time::Duration;

use super::reader::Reader;

/// The limits of connections in number and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The most open connections. At most an eighth of them are still in their handshakes, so that new ones never
    /// take the slots of established ones.
    pub max_connections: usize,
    /// How long a TLS handshake and the client's HTTP/2 preface may take together. Also how long a client that was
    /// sent GOAWAY may stay without a call.
    pub handshake_timeout: Duration,
    /// How long a connection may last before the first call that is admitted.
    pub first_call_timeout: Duration,
    /// How long a connection may be without a call after the first one.
    pub idle_timeout: Duration,
    /// How long response data may wait for a client that takes none of it.
    pub stall_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Each is an open file: below the usual limit of 1024, this leaves room for everything else.
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

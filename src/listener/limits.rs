//! The limits of connections.

use std::time::Duration;

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

//! The listener: it accepts connections up to its limits, with TLS or without, and passes each
//! request of HTTP/2 or HTTP/1.1 to one service. Each wait for a client has a bound. It knows
//! nothing of identities, and imports no other module of this crate.

mod accept;
mod activity;
mod backpressured_io;
mod certificates;
mod connection;
mod counts;
mod gathered_io;
mod http1;
mod limits;
mod paced_io;
mod preface;
mod protocols;
mod request_body;
mod tls;

use std::net::SocketAddr;

pub use self::{
    accept::{Connections, accept},
    certificates::{Certificates, CertificatesError},
    connection::{CallService, ConnectionServer},
    counts::{ConnectionCounts, ConnectionReport},
    limits::Limits,
    request_body::RequestBody,
    tls::{TlsFiles, TlsProblem},
};

/// The address of the client's end of the connection: an extension of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

//! The connections that the server opens to other servers: whose certificates it trusts, which proxy
//! it goes through, and why one failed.

mod authorities;
mod connector;
mod proxy;
mod why;

use std::net::IpAddr;

pub use self::{
    authorities::{Authorities, AuthoritiesError},
    proxy::{Proxy, ProxyProblem},
    why::why,
};
pub(crate) use connector::Connector;

/// How the server connects, unless an issuer or a provider has settings of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The authorities that certificates are verified against.
    pub authorities: Authorities,
    /// The proxy for https; `None` connects directly.
    pub proxy: Option<Proxy>,
}

/// Whether a host, as a URL has it, is this machine.
pub fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

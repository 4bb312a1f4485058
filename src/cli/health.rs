//! `health`: asks a server on this machine how it is, for images that have no other program.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use clap::Args;

use super::{ConfigFile, Failure, runtime, say};
use crate::{http_client::HttpClient, outgoing::Outgoing};

#[derive(Args)]
pub(super) struct HealthArguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Ask only whether the process can answer, not whether it is ready for calls
    #[arg(long)]
    live: bool,
}

pub(super) fn run(arguments: &HealthArguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let Some(listen) = config.management else {
        return Err(Failure::usage(
            "there is no [management] in the configuration: health asks its listener",
        ));
    };
    let path = if arguments.live { "/livez" } else { "/readyz" };
    // No proxy stands between the two.
    let outgoing = Outgoing { proxy: None, ..config.outgoing };
    let (address, client) = (reachable(listen), HttpClient::new(&outgoing));
    let (status, report) = runtime()?
        .block_on(client.get_own(address, path))
        .map_err(|error| Failure::from(format!("http://{address}{path}: {error}")))?;
    say(report.trim_end())?;
    match status.is_success() {
        true => Ok(()),
        false => Err(Failure::from(format!("http://{address}{path}: the response was {status}"))),
    }
}

/// The address at which a listener on this one is reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_asked_on_the_loopback_address() {
        for (listen, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.1.2.3:9090", "10.1.2.3:9090"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}

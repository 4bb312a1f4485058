//! How a client is made.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tonic::{
    metadata::MetadataMap,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri},
};

use crate::{Client, TokenSource, reach::Reach};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_MAX_ATTEMPTS: u32 = 5;
/// A silent stream counts as dead after some heartbeats of a server with defaults.
const DEFAULT_MAX_SILENCE: Duration = Duration::from_secs(60);
/// A connection that is silent for so long is probed while it has calls, also while a watch waits.
const KEEPALIVE_TIME: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

const NO_URL: &str = "is no URL, such as https://identity.example.com: it is empty, or has characters that a URL cannot have";
const NO_SCHEME: &str =
    "has no scheme: write https:// in front of it, or http:// for a server on this machine";
const OTHER_SCHEME: &str = "has another scheme than https:// and http://";
const A_PATH: &str = "has a path or a query: end it after the host and the port";
const A_USER: &str =
    "has a user in front of the host: leave it out, since the token says who calls";

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address is none of a server: what is wrong with it. It must be such as
    /// `https://identity.example.com`.
    #[error("the address of the server {0}")]
    Address(&'static str),
    /// The address is `http://`, so everyone on the network could read the tokens.
    #[error(
        "the address is http:// and not of this machine, so others could read the token: use https://, or allow plaintext"
    )]
    Plaintext,
    /// The settings of TLS are not valid, or the system has no certificates of authorities.
    #[error("the settings of TLS are not valid: {0}")]
    Tls(#[source] tonic::transport::Error),
    /// A key or a value of metadata has characters that it cannot have.
    #[error("metadata has ASCII characters alone, and its keys lower-case letters, digits and -_.")]
    Metadata,
}

/// Makes a [`Client`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    address: String,
    tokens: TokenSource,
    timeout: Duration,
    max_attempts: u32,
    max_silence: Duration,
    tls: Option<ClientTlsConfig>,
    plaintext: bool,
}

impl Builder {
    pub(crate) fn new(address: String, tokens: TokenSource) -> Self {
        Self {
            address,
            tokens,
            timeout: DEFAULT_TIMEOUT,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            max_silence: DEFAULT_MAX_SILENCE,
            tls: None,
            plaintext: false,
        }
    }

    /// How long a call lasts at most with all its attempts: ten seconds unless set.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How often a call is attempted at most, at least once: five times unless set.
    pub fn max_attempts(self, count: u32) -> Self {
        Self { max_attempts: count.max(1), ..self }
    }

    /// After which time without a message a watch begins another stream: a minute unless set. The
    /// server sends a message each `feed.heartbeat`, 15 seconds by default.
    pub fn max_silence(self, limit: Duration) -> Self {
        Self { max_silence: limit, ..self }
    }

    /// How TLS verifies the server: by the system's certificates of authorities unless set.
    pub fn tls(self, config: ClientTlsConfig) -> Self {
        Self { tls: Some(config), ..self }
    }

    /// Verifies the server by these certificates of authorities, in PEM, and no others.
    pub fn ca(self, pem: impl AsRef<[u8]>) -> Self {
        self.tls(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)))
    }

    /// Allows `http://` to another machine. Everyone who can read the network then reads the tokens.
    pub fn plaintext(self) -> Self {
        Self { plaintext: true, ..self }
    }

    /// The client, which connects at its first call. Needs a runtime of tokio.
    ///
    /// # Errors
    /// If the address or the settings of TLS are not valid: see [`BuildError`].
    pub fn build(mut self) -> Result<Client, BuildError> {
        // No error quotes the address: it may have a password.
        let uri: Uri = self.address.parse().map_err(|_| BuildError::Address(NO_URL))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(BuildError::Address(NO_SCHEME));
        };
        if uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(BuildError::Address(A_PATH));
        }
        // A user in an address is none of this server's, and would be sent in clear.
        if authority.as_str().contains('@') {
            return Err(BuildError::Address(A_USER));
        }
        let tls = match scheme {
            "https" => Some(self.tls.take()),
            "http" if self.plaintext || is_loopback(authority.host()) => None,
            "http" => return Err(BuildError::Plaintext),
            _ => return Err(BuildError::Address(OTHER_SCHEME)),
        };
        let reach = Reach::of_url(&self.address, tls.is_some());
        let mut endpoint = Endpoint::from(uri)
            .user_agent(concat!("identity-link-client/", env!("CARGO_PKG_VERSION")))
            .map_err(BuildError::Tls)?
            .http2_keep_alive_interval(KEEPALIVE_TIME)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT);
        if let Some(config) = tls {
            let config = config.unwrap_or_else(|| ClientTlsConfig::new().with_native_roots());
            endpoint = endpoint.tls_config(config).map_err(BuildError::Tls)?;
        }
        Ok(self.client(endpoint.connect_lazy(), reach))
    }

    /// A client on a channel of your own, such as one of several addresses or over a Unix socket. The
    /// address and the settings of TLS are the channel's.
    pub fn build_on(self, channel: Channel) -> Client {
        self.client(channel, Reach::of_channel())
    }

    fn client(self, channel: Channel, reach: Reach) -> Client {
        Client {
            channel,
            reach: Arc::new(reach),
            tokens: self.tokens,
            timeout: self.timeout,
            max_attempts: self.max_attempts,
            max_silence: self.max_silence,
            metadata: MetadataMap::new(),
        }
    }
}

/// Whether a host is this machine, whatever a name server says.
fn is_loopback(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
}

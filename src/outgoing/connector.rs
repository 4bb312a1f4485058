//! Opens the connections of the HTTP client: directly, or through the proxy.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{HttpConnector, proxy::Tunnel},
    rt::TokioIo,
};
use tokio::net::TcpStream;
use tower::Service;

use super::{Outgoing, Proxy};

/// A connection to a proxy may itself be TLS.
type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn Error + Send + Sync>;
/// The error of a tunnel, which its library does not name.
type TunnelError = <Tunnel<HttpsConnector<HttpConnector>> as Service<Uri>>::Error;

/// Opens connections on which TLS can then begin.
#[derive(Clone)]
pub(crate) struct Connector {
    direct: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
    proxy: Option<Proxy>,
}

/// Why there is no connection through the proxy.
#[derive(Debug, thiserror::Error)]
enum ProxyError {
    #[error("the proxy cannot be reached")]
    Unreachable(#[source] BoxError),
    #[error("the proxy answered 407: it requires a user and a password, or does not accept these")]
    NotAuthorized,
    #[error("the proxy refused to connect to this host")]
    Refused,
    #[error("the connection to the proxy broke: {0}")]
    Broken(String),
}

impl ProxyError {
    fn of(error: TunnelError) -> Self {
        match error {
            TunnelError::ConnectFailed(cause) => Self::Unreachable(cause),
            TunnelError::ProxyAuthRequired => Self::NotAuthorized,
            TunnelError::TunnelUnsuccessful => Self::Refused,
            TunnelError::TunnelUnexpectedEof => Self::Broken("it ended early".to_owned()),
            TunnelError::Io(error) => Self::Broken(super::why(&error)),
            error @ (TunnelError::MissingHost | TunnelError::ProxyHeadersTooLong) => {
                Self::Broken(error.to_string())
            }
        }
    }
}

impl Connector {
    /// Connects as configured. The certificate of a proxy is verified against the same authorities
    /// as those of other servers.
    pub(crate) fn new(outgoing: &Outgoing) -> Self {
        let mut direct = HttpConnector::new();
        // Schemes are the caller's concern.
        direct.enforce_http(false);
        let to_proxy = HttpsConnector::from((direct.clone(), outgoing.authorities.tls()));
        Self { direct, to_proxy, proxy: outgoing.proxy.clone() }
    }
}

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // So are those below: they begin to work when they are called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let Some(proxy) = self.proxy.as_ref().and_then(|proxy| proxy.towards(&destination)) else {
            let connecting = self.direct.call(destination);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy.clone());
        if let Some(credentials) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        let connecting = tunnel.call(destination);
        Box::pin(async move { connecting.await.map_err(|error| ProxyError::of(error).into()) })
    }
}

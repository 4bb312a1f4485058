//! The one outgoing HTTP client: bounded in time and size, and it follows no redirects.

use std::time::Duration;

use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// How long one exchange may take, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest body that is read, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// What we call ourselves.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("identity-link/", env!("CARGO_PKG_VERSION")));

/// A client for the few documents that the service fetches, and for what it asks providers.
#[derive(Clone)]
pub struct HttpClient(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why a document was not had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Neither `https` nor this machine.
    #[error("only https URLs are fetched, or http on this machine")]
    Insecure,
    /// Not within the time limit.
    #[error("no whole answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// An answer other than 200. Redirects are not followed: they would let a third party choose
    /// where we look.
    #[error("the answer was {0}")]
    Status(StatusCode),
    /// The connection, TLS, HTTP, or a body over the limit.
    #[error("{0}")]
    Transport(String),
}

/// Whether a URL may be fetched: `https`, or `http` on this machine.
pub fn is_fetchable(url: &Uri) -> bool {
    let local = |host: &str| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    };
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => local(host),
        _ => false,
    }
}

/// Whether a URL may be fetched because what is at another one says so: what is elsewhere has no business
/// with what listens on this machine.
pub fn is_fetchable_from(url: &Uri, other: &Uri) -> bool {
    is_fetchable(url) && (url.scheme_str() == Some("https") || other.scheme_str() == Some("http"))
}

impl HttpClient {
    /// A client that trusts the public certificate authorities.
    pub fn new() -> Result<Self, rustls::Error> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// Gets a JSON document.
    pub async fn get_json(&self, url: &Uri) -> Result<Bytes, FetchError> {
        let request = Request::get(url).header(header::ACCEPT, "application/json").body(Bytes::new());
        let response = self.send(request.map_err(|error| FetchError::Transport(error.to_string()))?).await?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status => Err(FetchError::Status(status)),
        }
    }

    /// Sends a request, and gives what is answered, whatever its status. A redirect is an answer like any other.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        if !is_fetchable(request.uri()) {
            return Err(FetchError::Insecure);
        }
        tokio::time::timeout(TIMEOUT, self.exchange(request)).await.map_err(|_| FetchError::Timeout)?
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let mut request = request.map(Full::new);
        request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        let response = self.0.request(request).await.map_err(|error| FetchError::Transport(error.to_string()))?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|error| FetchError::Transport(error.to_string()))?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_this_machine_is_fetched() {
        for url in
            ["https://issuer.example.com/jwks", "http://127.0.0.1:8080/jwks", "http://localhost/", "http://[::1]/"]
        {
            assert!(is_fetchable(&url.parse().unwrap()), "{url}");
        }
        for (url, from, is_good) in [
            ("https://b.example.com/", "https://a.example.com/", true),
            ("http://127.0.0.1:81/", "http://localhost/", true),
            ("https://b.example.com/", "http://localhost/", true),
            ("http://127.0.0.1:81/", "https://a.example.com/", false),
            ("http://b.example.com/", "http://localhost/", false),
        ] {
            assert_eq!(is_fetchable_from(&url.parse().unwrap(), &from.parse().unwrap()), is_good, "{url} from {from}");
        }
        for url in ["http://issuer.example.com/", "http://169.254.169.254/", "ftp://localhost/", "/jwks"] {
            assert!(!is_fetchable(&url.parse().unwrap()), "{url}");
        }
    }
}

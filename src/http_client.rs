//! The only outgoing HTTP client: it is bounded in time and size, and follows no redirects.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::{
    outgoing::{Authorities, Connector, Outgoing, is_this_machine, why},
    telemetry::{Step, TRACEPARENT},
};

/// How long one exchange may take, from the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest body that is read, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// The `User-Agent` of all requests.
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("identity-link/", env!("CARGO_PKG_VERSION")));

/// A client for documents that the server fetches, and for requests to providers.
#[derive(Clone)]
pub struct HttpClient {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    connector: Connector,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL is neither `https` nor on this machine, or names a user.
    #[error("only https URLs are fetched, or http on this machine, without user and password")]
    Insecure,
    /// The response was not complete within the time limit.
    #[error("no complete response within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// A status other than 200. Redirects are not followed: they would let a third party choose the
    /// target.
    #[error("the response was {0}")]
    Status(StatusCode),
    /// The body exceeds the limit.
    #[error("the response is longer than {} KiB", MAX_BODY / 1024)]
    TooLong,
    /// The connection, TLS or HTTP failed.
    #[error("{0}")]
    Transport(String),
}

/// Whether a URL may be fetched: `https`, or `http` on this machine. A user or a password in it would
/// not be sent, and would show in logs.
pub fn is_fetchable(url: &Uri) -> bool {
    let has_user = url.authority().is_some_and(|authority| authority.as_str().contains('@'));
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(_)) => !has_user,
        (Some("http"), Some(host)) => is_this_machine(host) && !has_user,
        _ => false,
    }
}

/// A URL as logs show it: its query may be a secret.
pub fn shown(url: &Uri) -> String {
    let text = url.to_string();
    text.split_once('?').map(|(shown, _)| format!("{shown}?…")).unwrap_or(text)
}

/// A text that another server sent, as logs show it: in quotes, with control characters and line
/// ends escaped, and at most `most` characters of it.
pub fn quoted(text: &str, most: usize) -> String {
    let mut shown: String = text.chars().take(most).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Whether a URL may be fetched that a document at `other` names: a document from elsewhere must
/// not send requests to listeners on this machine.
pub fn is_fetchable_from(url: &Uri, other: &Uri) -> bool {
    is_fetchable(url) && (url.scheme_str() == Some("https") || other.scheme_str() == Some("http"))
}

impl HttpClient {
    /// A client that connects as configured.
    pub fn new(outgoing: &Outgoing) -> Self {
        Self::with(Connector::new(outgoing), &outgoing.authorities)
    }

    /// The same client, with connections of its own, for servers whose certificates are of these
    /// authorities only; `None` changes nothing.
    #[must_use]
    pub fn trusting(&self, authorities: Option<&Authorities>) -> Self {
        match authorities {
            Some(authorities) => Self::with(self.connector.clone(), authorities),
            None => self.clone(),
        }
    }

    fn with(connector: Connector, authorities: &Authorities) -> Self {
        let https = HttpsConnector::from((connector.clone(), authorities.tls()));
        Self { client: Client::builder(TokioExecutor::new()).build(https), connector }
    }

    /// Gets a JSON document.
    ///
    /// # Errors
    /// If the exchange fails, or the status is not 200.
    pub async fn get_json(&self, url: &Uri) -> Result<Bytes, FetchError> {
        let request =
            Request::get(url).header(header::ACCEPT, "application/json").body(Bytes::new());
        let response =
            self.send(request.map_err(|error| FetchError::Transport(error.to_string()))?).await?;
        match response.status() {
            StatusCode::OK => Ok(response.into_body()),
            status => Err(FetchError::Status(status)),
        }
    }

    /// Sends a request, and returns the response, of any status. Redirects are returned, not
    /// followed.
    ///
    /// # Errors
    /// If the exchange fails: see [`FetchError`].
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        if !is_fetchable(request.uri()) {
            return Err(FetchError::Insecure);
        }
        self.exchange(request).await
    }

    /// Gets what another process of this program answers at a path of its management listener: the
    /// status, and the text. The operator configured the address, so it may be any.
    ///
    /// # Errors
    /// If the exchange fails: see [`FetchError`].
    pub async fn get_own(
        &self,
        address: SocketAddr,
        path: &str,
    ) -> Result<(StatusCode, String), FetchError> {
        let request = Request::get(format!("http://{address}{path}")).body(Bytes::new());
        let response = self
            .exchange(request.map_err(|error| FetchError::Transport(error.to_string()))?)
            .await?;
        Ok((response.status(), String::from_utf8_lossy(response.body()).into_owned()))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        tokio::time::timeout(TIMEOUT, self.unbounded(request))
            .await
            .map_err(|_| FetchError::Timeout)?
    }

    async fn unbounded(&self, request: Request<Bytes>) -> Result<Response<Bytes>, FetchError> {
        let mut request = request.map(Full::new);
        request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        let mut step = Step::request(request.method().to_string());
        step.set("server.address", request.uri().host().unwrap_or_default().to_owned());
        if let Some(parent) = step.traceparent() {
            request.headers_mut().insert(TRACEPARENT, parent);
        }
        let response = self.client.request(request).await.map_err(|error| {
            step.fail("no response");
            FetchError::Transport(why(&error))
        })?;
        step.set("http.response.status_code", i64::from(response.status().as_u16()));
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => FetchError::TooLong,
            false => FetchError::Transport(why(&*error)),
        })?;
        let body = body.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_not_shown() {
        let show = |url: &str| shown(&url.parse().unwrap());
        assert_eq!(show("https://a.example.com/jwks?key=sesame"), "https://a.example.com/jwks?…");
        assert_eq!(show("https://a.example.com/jwks"), "https://a.example.com/jwks");
    }

    #[test]
    fn what_another_server_sent_is_one_bounded_line() {
        assert_eq!(quoted("no such client", 20), r#""no such client""#);
        assert_eq!(
            quoted("a\r\nlevel=\"ERROR\"\u{1b}[2J\u{202e}", 40),
            r#""a\r\nlevel=\"ERROR\"\u{1b}[2J\u{202e}""#
        );
        assert_eq!(quoted("abcdef", 5), "\"abcde…\"");
        assert_eq!(quoted("ééééé", 5), "\"ééééé\"");
        assert_eq!(quoted(&"x".repeat(100_000), 300).chars().count(), 303);
    }

    #[test]
    fn only_https_or_this_machine_is_fetched() {
        for url in [
            "https://issuer.example.com/jwks",
            "http://127.0.0.1:8080/jwks",
            "http://localhost/",
            "http://[::1]/",
        ] {
            assert!(is_fetchable(&url.parse().unwrap()), "{url}");
        }
        for (url, from, is_good) in [
            ("https://b.example.com/", "https://a.example.com/", true),
            ("http://127.0.0.1:81/", "http://localhost/", true),
            ("https://b.example.com/", "http://localhost/", true),
            ("http://127.0.0.1:81/", "https://a.example.com/", false),
            ("http://b.example.com/", "http://localhost/", false),
        ] {
            assert_eq!(
                is_fetchable_from(&url.parse().unwrap(), &from.parse().unwrap()),
                is_good,
                "{url} from {from}"
            );
        }
        for url in [
            "http://issuer.example.com/",
            "http://169.254.169.254/",
            "ftp://localhost/",
            "/jwks",
            "https://user:password@issuer.example.com/",
            "http://user@localhost/",
        ] {
            assert!(!is_fetchable(&url.parse().unwrap()), "{url}");
        }
    }
}

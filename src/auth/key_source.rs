//! Where an issuer's keys come from: a file, a URL, or whatever URL the issuer's metadata names.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use tokio::time::timeout;

use super::key_set::{KeySet, KeySetError};
use crate::http_client::{FetchError, HttpClient};

/// How long one reading may take, discovery included.
const MAX_TIME: Duration = Duration::from_secs(5);

/// Where keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A JWKS file.
    File(PathBuf),
    /// A JWKS URL: `https`, or `http` on this machine.
    Url(Uri),
    /// The `jwks_uri` of the issuer's metadata (OpenID Connect Discovery 1.0 §3).
    Discovery {
        /// The issuer, as it must name itself.
        issuer: String,
        /// Where its metadata is.
        metadata: Uri,
    },
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) | Self::Discovery { metadata: url, .. } => url.fmt(f),
        }
    }
}

/// Why keys were not had.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// A document cannot be fetched.
    #[error("{0} cannot be fetched: {1}")]
    Fetch(Uri, FetchError),
    /// What the metadata says is not what discovery asks for.
    #[error("{0} {1}")]
    Metadata(Uri, String),
    /// Not in time.
    #[error("cannot be read within {} seconds", MAX_TIME.as_secs())]
    Slow,
    /// What was read is no key set.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

/// The part of an issuer's metadata that is used.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl KeySource {
    /// The discovery of an issuer's keys; `None` if its name is no URL that may be fetched.
    pub fn discovery(issuer: &str) -> Option<Self> {
        // OpenID Connect Discovery 1.0 §4.1: a slash at the end goes first. A query cannot be in it.
        let metadata = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let metadata: Uri = metadata.parse().ok()?;
        // Without a host, the first part of the path would be taken for one.
        issuer.parse::<Uri>().ok()?.host()?;
        let is_plain = metadata.query().is_none() && crate::http_client::is_fetchable(&metadata);
        is_plain.then(|| Self::Discovery { issuer: issuer.to_owned(), metadata })
    }

    /// Reads the keys once, within five seconds.
    pub async fn read(&self, http: &HttpClient, algorithms: &[Algorithm]) -> Result<KeySet, KeySourceError> {
        let read = timeout(MAX_TIME, self.read_in_its_time(http, algorithms));
        read.await.unwrap_or(Err(KeySourceError::Slow))
    }

    async fn read_in_its_time(&self, http: &HttpClient, algorithms: &[Algorithm]) -> Result<KeySet, KeySourceError> {
        match self {
            Self::File(path) => {
                let (path, algorithms) = (path.clone(), algorithms.to_vec());
                let reading = tokio::task::spawn_blocking(move || read_file(&path, &algorithms));
                reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
            }
            Self::Url(url) => fetch(http, url, algorithms).await,
            Self::Discovery { issuer, metadata } => {
                let url = discover(http, issuer, metadata).await?;
                fetch(http, &url, algorithms).await
            }
        }
    }
}

/// Reads a JWKS file.
pub fn read_file(path: &Path, algorithms: &[Algorithm]) -> Result<KeySet, KeySourceError> {
    Ok(KeySet::parse(&std::fs::read(path)?, algorithms)?)
}

async fn fetch(http: &HttpClient, url: &Uri, algorithms: &[Algorithm]) -> Result<KeySet, KeySourceError> {
    let document = http.get_json(url).await.map_err(|error| KeySourceError::Fetch(url.clone(), error))?;
    Ok(KeySet::parse(&document, algorithms)?)
}

async fn discover(http: &HttpClient, issuer: &str, metadata: &Uri) -> Result<Uri, KeySourceError> {
    let wrong = |text: &str| KeySourceError::Metadata(metadata.clone(), text.to_owned());
    let document = http.get_json(metadata).await.map_err(|error| KeySourceError::Fetch(metadata.clone(), error))?;
    let found: Metadata =
        serde_json::from_slice(&document).map_err(|error| wrong(&format!("does not parse: {error}")))?;
    // §4.3: else one issuer could stand in for another.
    if found.issuer != issuer {
        return Err(wrong("is the metadata of another issuer"));
    }
    let url: Uri = found.jwks_uri.parse().map_err(|_| wrong("has a jwks_uri that is no URL"))?;
    // An issuer elsewhere has no business with what listens on this machine.
    if url.scheme_str() != Some("https") && metadata.scheme_str() == Some("https") {
        return Err(wrong("has a jwks_uri that is not https"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_below_the_issuer() {
        let metadata = |issuer: &str| match KeySource::discovery(issuer)? {
            KeySource::Discovery { metadata, .. } => Some(metadata.to_string()),
            _ => None,
        };
        for (issuer, url) in [
            ("https://a.example.com", "https://a.example.com/.well-known/openid-configuration"),
            ("https://a.example.com/", "https://a.example.com/.well-known/openid-configuration"),
            ("https://a.example.com/t/1", "https://a.example.com/t/1/.well-known/openid-configuration"),
            ("http://127.0.0.1:81", "http://127.0.0.1:81/.well-known/openid-configuration"),
        ] {
            assert_eq!(metadata(issuer).as_deref(), Some(url));
        }
        for issuer in ["", "a.example.com", "http://a.example.com", "https://a.example.com/?x=1", "urn:a", "https://"] {
            assert_eq!(metadata(issuer), None, "{issuer}");
        }
    }
}

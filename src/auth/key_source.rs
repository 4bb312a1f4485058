//! The source of an issuer's keys: a file, a URL, or the URL in the issuer's metadata.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use jsonwebtoken::Algorithm;
use tokio::time::timeout;

use super::{
    discovery::{self, MetadataError},
    key_set::{KeySet, KeySetError},
};
use crate::http_client::{FetchError, HttpClient, shown};

/// The longest time for one read, discovery included.
const MAX_TIME: Duration = Duration::from_secs(5);

/// The source of an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A JWKS file.
    File(PathBuf),
    /// A JWKS URL: `https`, or `http` on this machine.
    Url(Uri),
    /// The `jwks_uri` of the issuer's metadata (OpenID Connect Discovery 1.0 §3).
    Discovery {
        /// The issuer's name, which its metadata must contain.
        issuer: String,
        /// The URL of its metadata.
        metadata: Uri,
    },
}

impl std::fmt::Display for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) | Self::Discovery { metadata: url, .. } => shown(url).fmt(f),
        }
    }
}

/// Why keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KeySourceError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// A document cannot be fetched.
    #[error("{} cannot be fetched: {}", shown(.0), .1)]
    Fetch(Uri, FetchError),
    /// The issuer's metadata cannot be fetched, or have the wrong content.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The read took too long.
    #[error("cannot be read within {} seconds", MAX_TIME.as_secs())]
    Slow,
    /// The document is no key set.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
}

impl KeySource {
    /// The discovery of an issuer's keys; `None` if the issuer's name is no URL that may be
    /// fetched.
    pub fn discovery(issuer: &str) -> Option<Self> {
        let metadata = discovery::metadata_url(issuer)?;
        Some(Self::Discovery { issuer: issuer.to_owned(), metadata })
    }

    /// Whether the keys come over https, from a server whose certificate is verified.
    pub fn is_https(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Url(url) | Self::Discovery { metadata: url, .. } => {
                url.scheme_str() == Some("https")
            }
        }
    }

    /// Reads the keys once, within five seconds.
    ///
    /// # Errors
    /// [`KeySourceError`].
    pub async fn read(
        &self,
        http: &HttpClient,
        algorithms: &[Algorithm],
    ) -> Result<KeySet, KeySourceError> {
        let read = timeout(MAX_TIME, self.read_in_its_time(http, algorithms));
        read.await.unwrap_or(Err(KeySourceError::Slow))
    }

    async fn read_in_its_time(
        &self,
        http: &HttpClient,
        algorithms: &[Algorithm],
    ) -> Result<KeySet, KeySourceError> {
        match self {
            Self::File(path) => {
                let (path, algorithms) = (path.clone(), algorithms.to_vec());
                let reading = tokio::task::spawn_blocking(move || read_file(&path, &algorithms));
                reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
            }
            Self::Url(url) => fetch(http, url, algorithms).await,
            Self::Discovery { issuer, metadata } => {
                let found = discovery::fetch(http, issuer, metadata).await?;
                fetch(
                    http,
                    &discovery::endpoint(&found.jwks_uri, "jwks_uri", metadata)?,
                    algorithms,
                )
                .await
            }
        }
    }
}

/// Reads a JWKS file.
///
/// # Errors
/// [`KeySourceError::File`] and [`KeySourceError::KeySet`].
pub fn read_file(path: &Path, algorithms: &[Algorithm]) -> Result<KeySet, KeySourceError> {
    Ok(KeySet::parse(&std::fs::read(path)?, algorithms)?)
}

async fn fetch(
    http: &HttpClient,
    url: &Uri,
    algorithms: &[Algorithm],
) -> Result<KeySet, KeySourceError> {
    let document =
        http.get_json(url).await.map_err(|error| KeySourceError::Fetch(url.clone(), error))?;
    Ok(KeySet::parse(&document, algorithms)?)
}

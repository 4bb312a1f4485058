//! The source of an issuer's keys: a file, a URL, or the URL in the issuer's metadata.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use http::Uri;
use jsonwebtoken::Algorithm;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    discovery::{self, MetadataError},
    key_set::{KeySet, KeySetError},
};
use crate::http_client::{FetchError, HttpClient, shown};

/// The longest time for one read, discovery included.
const MAX_TIME: Duration = Duration::from_secs(5);

/// How many files are read at once. All issuers' files are read again every few seconds, and each read
/// occupies a thread with memory of its own. A file that hangs takes one of these places for
/// [`MAX_TIME`], and leaves the others.
static FILE_READERS: Semaphore = Semaphore::const_new(4);

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
                // It is never closed. A read that hangs gives its place back when its time is over.
                let _place = FILE_READERS.acquire().await;
                let (path, algorithms) = (path.clone(), algorithms.to_vec());
                let reading = tokio::task::spawn_blocking(move || read_file(&path, &algorithms));
                reading.await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
            }
            Self::Url(url) => fetch(http, url, algorithms).await,
            Self::Discovery { issuer, metadata } => {
                let found = discovery::fetch(http, issuer, metadata).await?;
                fetch(http, &discovery::keys_url(&found, metadata)?, algorithms).await
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

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, process::Command};

    use super::*;
    use crate::outgoing::{Authorities, Outgoing};

    /// A pipe without a writer hangs when it is opened, as a file of a network that is away does.
    #[tokio::test]
    async fn a_file_that_hangs_keeps_no_other_from_being_read() {
        let folder = tempfile::tempdir().unwrap();
        let (hanging, good) = (folder.path().join("hanging.json"), folder.path().join("good.json"));
        assert!(Command::new("mkfifo").arg(&hanging).status().unwrap().success());
        std::fs::write(&good, br#"{"keys":[]}"#).unwrap();

        let authorities = Authorities::system().unwrap();
        let http = HttpClient::new(&Outgoing { authorities, proxy: None });
        let read = |path: &Path| {
            let (source, http) = (KeySource::File(path.to_owned()), http.clone());
            async move { source.read(&http, &[Algorithm::ES256]).await }
        };
        let hangs = tokio::spawn(read(&hanging));
        let pipe = hanging.clone();
        // The pipe can be opened for writing once its reader has begun.
        let open = move || OpenOptions::new().write(true).open(pipe);
        let writer = tokio::task::spawn_blocking(open).await.unwrap().unwrap();

        for _ in 0..3 {
            assert!(matches!(read(&good).await, Err(KeySourceError::KeySet(_))));
        }
        drop(writer);
        assert!(hangs.await.unwrap().is_err());
    }
}

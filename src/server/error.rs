//! Why the server does not start.

use crate::{
    listener::CertificatesError,
    store::{IssuersChanged, OpenError, StoreError},
};

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Providers' issuers differ from those that the database holds.
    #[error(transparent)]
    IssuersChanged(#[from] IssuersChanged),
    /// The listener has no certificate.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// A part of the server fails to start.
    #[error("{0}")]
    Part(String),
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

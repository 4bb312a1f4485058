//! Why a use case failed.

use crate::{
    auth::AuthError,
    domain::DomainError,
    secret::NoRandomBytes,
    store::{StoreError, StoredResponse},
};

/// Why a use case failed.
#[derive(Debug)]
pub enum Error {
    /// The caller may not make the call.
    Auth(AuthError),
    /// The rules refuse the call.
    Domain(DomainError),
    /// The database failed.
    Store(StoreError),
    /// A defect of this program; the text is for the log.
    Fault(String),
    /// A write panicked, which has been logged.
    Panicked,
    /// A response is stored under the request id already.
    Retried(StoredResponse),
    /// Another writer changed the resolved rows before they were locked.
    Stale,
}

impl From<AuthError> for Error {
    fn from(denial: AuthError) -> Self {
        match denial {
            AuthError::Domain(refusal) => Self::Domain(refusal),
            denial => Self::Auth(denial),
        }
    }
}

impl From<DomainError> for Error {
    fn from(refusal: DomainError) -> Self {
        Self::Domain(refusal)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NoRandomBytes> for Error {
    fn from(error: NoRandomBytes) -> Self {
        Self::Fault(error.to_string())
    }
}

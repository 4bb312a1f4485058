//! Why a use case failed.

use crate::{
    auth::Denial,
    domain::Refusal,
    secret::NoRandomBytes,
    store::{StoreError, StoredAnswer},
};

/// Why a use case failed.
#[derive(Debug)]
pub enum Error {
    /// The caller may not make the call.
    Denied(Denial),
    /// The rules refuse the call.
    Refused(Refusal),
    /// The database failed.
    Store(StoreError),
    /// A defect of this program; the text is for the log.
    Fault(String),
    /// A write panicked, which has been logged.
    Panicked,
    /// A response is stored under the request id already.
    Answered(StoredAnswer),
    /// Another writer changed the resolved rows before they were locked.
    Moved,
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Refused(refusal) => Self::Refused(refusal),
            denial => Self::Denied(denial),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
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

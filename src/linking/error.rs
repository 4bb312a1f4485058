//! Why a call did not do what it was asked to.

use crate::{
    auth::Denial,
    domain::Refusal,
    secret::NoRandomBytes,
    store::{StoreError, StoredAnswer},
};

/// Why a call did not do what it was asked to.
#[derive(Debug)]
pub enum Error {
    /// The caller may not.
    Denied(Denial),
    /// The rules are against it.
    Refused(Refusal),
    /// The database did not do its part.
    Store(StoreError),
    /// A fault of ours; the text is for the log.
    Fault(String),
    /// A write panicked, which has been logged.
    Panicked,
    /// Something was answered under the id of the request already.
    Answered(StoredAnswer),
    /// Between resolving and locking somebody else changed what was resolved.
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

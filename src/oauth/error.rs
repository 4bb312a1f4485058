//! Why a flow did not come to its end.

/// Why a flow did not come to its end. The texts are for the log; they quote nothing that a provider sent but
/// its own name for an error.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The provider does not accept what it was given, or its answer does not hold.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The provider is not to be had, or does not do its part.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("{0}")]
    Fault(String),
}

impl OAuthError {
    /// An answer that does not hold.
    pub(super) fn rejected(text: impl Into<String>) -> Self {
        Self::Rejected(text.into())
    }

    /// A provider that is not to be had.
    pub(super) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(error.to_string())
    }
}

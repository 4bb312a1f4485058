//! Why a flow did not come to its end.

use crate::secret::NoRandomBytes;

/// What the parameter `error` of a redirect may say (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
const SENT_BACK_WITH: [&str; 16] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// Why a flow did not come to its end. The texts are for the log; they quote nothing that a provider sent but
/// its own name for an error.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The provider does not accept what it was given, or its answer does not hold.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The provider does not accept our client, whoever comes with whatever code: that is the operator's to mend.
    #[error("client not accepted: {0}")]
    ClientNotAccepted(String),
    /// The provider is not to be had, or does not do its part.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("{0}")]
    Fault(String),
}

impl OAuthError {
    /// The browser came back with an error. It travelled by way of the browser: whatever is not a name that is
    /// known may be anything, and is not repeated.
    pub fn sent_back(error: &str) -> Self {
        let known = SENT_BACK_WITH.iter().find(|known| **known == error);
        Self::Rejected(format!("it sent the browser back with {}", known.unwrap_or(&"another error")))
    }

    /// An answer that does not hold.
    pub(super) fn rejected(text: impl Into<String>) -> Self {
        Self::Rejected(text.into())
    }

    /// A provider that is not to be had.
    pub(super) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<NoRandomBytes> for OAuthError {
    fn from(error: NoRandomBytes) -> Self {
        Self::Fault(error.to_string())
    }
}

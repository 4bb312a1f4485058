//! Why a flow failed.

use crate::secret::NoRandomBytes;

/// The values of the parameter `error` of a redirect (RFC 6749 §4.1.2.1, OpenID Connect Core
/// §3.1.2.6).
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

/// Why a flow failed. The texts are for the log; of what the provider sent they quote nothing but
/// its error codes, their bounded descriptions, and lists of its metadata.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The provider does not accept a request of this flow, or its response is invalid.
    #[error("rejected: {0}")]
    Rejected(String),
    /// The provider does not accept identity-link's client, regardless of user and code. The
    /// operator must fix it.
    #[error("client not accepted: {0}")]
    ClientNotAccepted(String),
    /// The client's settings do not fit the provider's metadata, so that no sign-in can succeed. The
    /// operator must fix it.
    #[error("does not fit: {0}")]
    DoesNotFit(String),
    /// The provider is unavailable or does not work.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// A fault of identity-link.
    #[error("{0}")]
    Fault(String),
}

impl OAuthError {
    /// The browser came back with an error. The value passed through the browser, so it may be any
    /// text: only a name from the standard list is repeated.
    pub fn sent_back(error: &str) -> Self {
        let known = SENT_BACK_WITH.iter().find(|known| **known == error);
        Self::Rejected(format!(
            "it sent the browser back with {}",
            known.unwrap_or(&"another error")
        ))
    }

    /// An invalid response.
    pub(super) fn rejected(text: impl Into<String>) -> Self {
        Self::Rejected(text.into())
    }

    /// A provider that is unavailable.
    pub(super) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<NoRandomBytes> for OAuthError {
    fn from(error: NoRandomBytes) -> Self {
        Self::Fault(error.to_string())
    }
}

//! The tokens that a provider issued for an account.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::OAuthError;
use crate::secret::Secret;

/// The tokens that a provider issued for an account. `Debug` does not show them.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderTokens {
    /// The access token, a bearer token.
    pub access: Secret,
    /// The refresh token; `None` if the provider issued none.
    pub refresh: Option<Secret>,
    /// The scopes of the access token.
    pub scopes: BTreeSet<String>,
    /// When the access token expires; `None` if the provider did not say.
    pub expire_time: Option<DateTime<Utc>>,
}

impl Default for ProviderTokens {
    fn default() -> Self {
        let (access, scopes) = (Secret::new(String::new()), BTreeSet::new());
        Self { access, refresh: None, scopes, expire_time: None }
    }
}

/// Why an access token was not refreshed. The texts are for the log.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The grant has ended: the person, an administrator or the provider took it back.
    #[error("gone: {0}")]
    Gone(String),
    /// The provider did not refresh it, and may do so later.
    #[error(transparent)]
    Failed(#[from] OAuthError),
}

/// What became of tokens that were to be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The provider does not accept them any more.
    Done,
    /// The provider revokes no tokens: its metadata name no URL for that.
    Unsupported,
}

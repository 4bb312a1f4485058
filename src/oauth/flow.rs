//! The parameters of a flow, what is stored of it, and what the browser brings back.

use std::{collections::BTreeSet, time::Duration};

use crate::secret::{NoRandomBytes, random_text};

/// The parameters by which a caller starts a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// The URI to which the provider sends the browser afterwards.
    pub redirect_uri: String,
    /// The account that the person probably uses, as the provider takes it; `None` for no hint.
    pub login_hint: Option<String>,
    /// The parameter `prompt` (OpenID Connect Core §3.1.2.1); `None` for the provider's default.
    pub prompt: Option<String>,
    /// How long ago the person may have signed in at the provider; `None` for any time.
    pub max_age: Option<Duration>,
    /// The scopes to request beside those of the configuration.
    pub scopes: BTreeSet<String>,
}

/// What is stored of a flow until the browser returns. It has no `Debug`, because the verifier is
/// what makes a stolen code worthless.
pub struct Flow {
    /// Returned by the provider in the ID token.
    pub nonce: String,
    /// Proves to the provider that the party that exchanges the code is the one that started the
    /// flow (RFC 7636).
    pub pkce_verifier: String,
    /// The redirect URI that was sent to the provider.
    pub redirect_uri: String,
    /// How long ago the person may have signed in at the provider; `None` for any time.
    pub max_age: Option<Duration>,
    /// The scopes that it requests beside those of the configuration.
    pub scopes: BTreeSet<String>,
}

/// What the browser brought back.
pub struct AuthorizationResponse {
    /// The authorization code.
    pub code: String,
    /// The issuer of the redirect; `None` if the provider sent none (RFC 9207).
    pub iss: Option<String>,
}

impl Flow {
    /// A new flow with a new nonce and verifier.
    ///
    /// # Errors
    /// If the operating system has no random bytes.
    pub fn new(authorization: &AuthorizationRequest) -> Result<Self, NoRandomBytes> {
        Ok(Self {
            nonce: random_text()?,
            pkce_verifier: random_text()?,
            redirect_uri: authorization.redirect_uri.clone(),
            max_age: authorization.max_age,
            scopes: authorization.scopes.clone(),
        })
    }
}

//! What an operator configures about a client of identity-link at a provider.

use std::{collections::BTreeSet, fmt};

use http::Uri;

use super::Preset;
use crate::{auth::IdTokenRules, outgoing::Authorities};

/// The settings of a client of identity-link at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// The client's id at the provider.
    pub client_id: String,
    /// The secret by which the client authenticates to the provider.
    pub client_secret: Secret,
    /// The scopes that a flow requests.
    pub scopes: BTreeSet<String>,
    /// The URIs to which the provider may send the browser, compared byte by byte.
    pub redirect_uris: BTreeSet<String>,
    /// The provider's name on a login page.
    pub display_name: String,
    /// The protocol that the provider speaks.
    pub protocol: Protocol,
    /// The only authorities of the provider's certificates; `None` for those of the configuration.
    pub authorities: Option<Authorities>,
}

/// The protocol that a provider speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// OpenID Connect.
    Oidc {
        /// What its ID tokens must fulfil.
        rules: IdTokenRules,
        /// The URL of its metadata.
        metadata: Uri,
        /// The provider's built-in special behaviour; `None` for a plain provider.
        preset: Option<Preset>,
        /// How the client authenticates at the token endpoint; `None` goes by the metadata.
        auth_method: Option<AuthMethod>,
    },
    /// GitHub's own protocol.
    GitHub(GitHubUrls),
}

impl Protocol {
    /// Whether the provider is reached over https, so that its certificate is verified.
    pub fn is_https(&self) -> bool {
        let url = match self {
            Self::Oidc { metadata, .. } => metadata,
            Self::GitHub(urls) => &urls.token,
        };
        url.scheme_str() == Some("https")
    }
}

/// How a client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// In a header: `client_secret_basic`.
    Basic,
    /// In the form: `client_secret_post`.
    Post,
}

/// The URLs of GitHub or of an Enterprise server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHubUrls {
    /// The authorization endpoint.
    pub authorize: Uri,
    /// The token endpoint.
    pub token: Uri,
    /// The base URL of its REST API, without a slash at the end.
    pub api: Uri,
}

/// A secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl ClientSettings {
    /// The issuer that asserts the accounts. For GitHub, its authorization endpoint without
    /// `/authorize`, which is what it calls itself in its metadata (RFC 8414).
    pub fn issuer(&self) -> String {
        match &self.protocol {
            Protocol::Oidc { rules, .. } => rules.issuer.name().to_owned(),
            Protocol::GitHub(urls) => {
                let authorize = urls.authorize.to_string();
                authorize.strip_suffix("/authorize").map(str::to_owned).unwrap_or(authorize)
            }
        }
    }

    /// Whether the provider is Microsoft, whose accounts are not named by `sub`.
    pub fn is_microsoft(&self) -> bool {
        matches!(self.protocol, Protocol::Oidc { preset: Some(Preset::Microsoft), .. })
    }
}

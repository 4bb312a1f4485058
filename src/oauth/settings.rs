//! What an operator decides about a client of ours at a provider.

use std::{collections::BTreeSet, fmt};

use http::Uri;

use super::Preset;
use crate::auth::IdTokenRules;

/// A client of ours at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// The client, as the provider names it.
    pub client_id: String,
    /// What proves to the provider that it is us.
    pub client_secret: Secret,
    /// What is asked for.
    pub scopes: BTreeSet<String>,
    /// Where the provider may send the browser, byte by byte.
    pub redirect_uris: BTreeSet<String>,
    /// What a login page calls the provider.
    pub display_name: String,
    /// What the provider speaks.
    pub protocol: Protocol,
}

/// What a provider speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// OpenID Connect.
    Oidc {
        /// What its ID tokens must look like.
        rules: IdTokenRules,
        /// Where its metadata are.
        metadata: Uri,
        /// What is special about the provider.
        preset: Option<Preset>,
        /// How we say at the token endpoint who we are; `None` goes by the metadata.
        auth_method: Option<AuthMethod>,
    },
    /// GitHub's own.
    GitHub(GitHubUrls),
}

/// How a client says at the token endpoint who it is (OpenID Connect Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// In a header: `client_secret_basic`.
    Basic,
    /// In the form: `client_secret_post`.
    Post,
}

/// Where GitHub is, or an Enterprise server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitHubUrls {
    /// Where people sign in.
    pub authorize: Uri,
    /// Where codes are exchanged.
    pub token: Uri,
    /// Below which its REST API is, without a slash at the end.
    pub api: Uri,
}

/// A secret, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
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
    /// Whose word the accounts are: the issuer, or for GitHub what it calls itself where it says so (RFC 8414).
    pub fn issuer(&self) -> String {
        match &self.protocol {
            Protocol::Oidc { rules, .. } => rules.issuer.name().to_owned(),
            Protocol::GitHub(urls) => {
                let authorize = urls.authorize.to_string();
                authorize.strip_suffix("/authorize").map(str::to_owned).unwrap_or(authorize)
            }
        }
    }

    /// Whether it is Microsoft, whose people are named otherwise than by `sub`.
    pub fn is_microsoft(&self) -> bool {
        matches!(self.protocol, Protocol::Oidc { preset: Some(Preset::Microsoft), .. })
    }
}

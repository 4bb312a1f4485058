//! Signing people in at providers: OpenID Connect, and GitHub. The only place that names the `oauth2` crate.
//!
//! A flow begins with a URL to send the browser to, and ends with the [`Account`] that signed in there. What is
//! remembered in between is a [`Flow`]. Nothing that a provider gives us for itself, no token and no code, is
//! kept, logged, or in a text of an error.

mod clients;
mod discovered;
mod error;
mod exchange;
mod flow;
mod github;
mod oidc;
mod presets;
mod settings;

use chrono::{DateTime, Utc};

pub use self::{
    clients::{Begun, Client, Clients},
    error::OAuthError,
    flow::{Flow, Returned, Wish},
    presets::Preset,
    settings::{AuthMethod, ClientSettings, GitHubUrls, Protocol, Secret},
};
use crate::domain::{IdentityRef, Metadata};

/// An account at a provider, whose owner has just signed in there.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Which account at which provider.
    pub identity: IdentityRef,
    /// On whose word all this is.
    pub issuer: String,
    /// The email, as the provider gave it.
    pub email: Option<String>,
    /// Whether the provider says that it verified that email.
    pub email_verified: bool,
    /// What it tells about the person.
    pub profile_data: Metadata,
    /// When the person signed in there.
    pub authenticated_at: DateTime<Utc>,
}

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
mod known;
mod oidc;
mod presets;
mod settings;

use chrono::{DateTime, Utc};

pub use self::{
    clients::{Begun, Client, Clients, PATIENCE},
    error::OAuthError,
    flow::{Flow, Returned, Wish},
    presets::Preset,
    settings::{AuthMethod, ClientSettings, GitHubUrls, Protocol, Secret},
};
use crate::domain::{Email, IdentityEmail, IdentityRef, Metadata, Verified, Verifier, linking::UnownedIdentity};

/// The longest email that is kept of what a provider told, in bytes. No address is longer.
const MAX_EMAIL: usize = 320;

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
    /// When the provider said all this: when its ID token was issued.
    pub proven_at: DateTime<Utc>,
}

impl From<Account> for UnownedIdentity {
    /// As the provider tells it; whether that counts is for others to judge. An email that cannot be kept is not
    /// worth turning somebody away for.
    fn from(account: Account) -> Self {
        let Account { identity: id, issuer, email, email_verified, profile_data, authenticated_at: time, .. } = account;
        let can_be_kept =
            |given: &String| (1..=MAX_EMAIL).contains(&given.len()) && !given.chars().any(char::is_control);
        let email = email.filter(can_be_kept).map(|given| {
            let canonical = Email::parse(&given).ok().map(|email| email.canonical().to_owned());
            let is_verified = email_verified && canonical.is_some();
            let verified = is_verified.then_some(Verified { time, by: Verifier::Issuer(issuer) });
            IdentityEmail { given, canonical, verified, counts: None }
        });
        Self { id, connection: String::new(), social: false, email, profile_data, signed_in_at: Some(time) }
    }
}

//! Sign-ins at providers by OpenID Connect, or by OAuth 2.0 and the provider's own API. The only
//! module that uses the `oauth2` crate.
//!
//! A flow begins with a URL to which the browser is sent, and ends with the [`Account`] that signed
//! in. A [`Flow`] is stored in between. No token and no code that a provider issues to
//! identity-link is logged, or quoted in an error text. The [`ProviderTokens`] of a flow are stored
//! only where the operator demands it, and sealed.

mod client_auth;
mod clients;
mod described;
mod endpoints;
mod error;
mod exchange;
mod fit;
mod flow;
mod metadata_cache;
mod methods;
mod oauth_only;
mod oidc;
mod presets;
mod provider_tokens;
mod revocation;
mod settings;
mod shared_issuers;

use chrono::{DateTime, Utc};

pub use self::{
    clients::{Client, ClientMisfit, Clients, PROVIDER_TIMEOUT, StartedFlow},
    endpoints::{Examined, examine},
    error::OAuthError,
    fit::Misfit,
    flow::{AuthorizationRequest, AuthorizationResponse, Flow},
    methods::{AuthMethod, ResponseMode},
    presets::{Codes, Facts, OAuthFacts, OAuthPreset, OfflineWay, Preset, Revocation, SubjectRule},
    provider_tokens::{ProviderTokens, RefreshError, Revoked},
    settings::{
        ClientSettings, EventSettings, OAuthSettings, OidcSettings, Protocol, TokenSettings,
    },
};
use crate::{
    auth::Claims,
    domain::{
        EmailVerification, IdentityEmail, IdentityRef, Metadata, Verifier, linking::UnownedIdentity,
    },
};

/// An account at a provider, whose owner has just signed in there.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// The provider and the subject.
    pub identity: IdentityRef,
    /// The issuer that asserts all this.
    pub issuer: String,
    /// The email, as the provider gave it; `None` if it gave none.
    pub email: Option<String>,
    /// Whether the provider asserts that it verified the email.
    pub email_verified: bool,
    /// The account's other addresses that the provider asserts that it verified.
    pub other_emails: Vec<String>,
    /// The profile claims that the provider sent.
    pub profile_data: Metadata,
    /// When the person signed in at the provider.
    pub authenticated_at: DateTime<Utc>,
    /// When the provider asserted all this: when its ID token was issued.
    pub proven_at: DateTime<Utc>,
    /// The tokens that the provider issued for the account.
    pub tokens: ProviderTokens,
    /// The claims of the ID token; empty without one.
    pub id_claims: Claims,
}

impl From<Account> for UnownedIdentity {
    /// Takes the provider's assertions as they are; the sign-in rules judge whether they count. An
    /// email that cannot be stored is dropped: it is no reason to refuse the sign-in.
    fn from(account: Account) -> Self {
        let Account {
            identity: id,
            issuer,
            email,
            email_verified,
            other_emails,
            profile_data,
            authenticated_at,
            proven_at: time,
            tokens: _,
            id_claims: _,
        } = account;
        // The provider says it now: when the person signed in there says nothing about the email.
        let verified = EmailVerification { time, by: Verifier::Issuer(issuer) };
        let others = other_emails
            .iter()
            .filter_map(|given| IdentityEmail::claimed(given, Some(verified.clone())));
        let other_emails = others.collect();
        let verified = email_verified.then_some(verified);
        let email = email.and_then(|given| IdentityEmail::claimed(&given, verified));
        Self {
            id,
            connection: String::new(),
            social: false,
            email,
            other_emails,
            profile_data,
            signed_in_at: Some(authenticated_at),
            tokens: None,
        }
    }
}

//! Local issuers for `dev`: one for user ids, one per local provider, one for services. Their keys
//! are made at first use and stay in the data folder; `token` signs with them.

use std::{path::Path, time::Duration};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::keys::{self, KeyError};

/// The audience of each local token.
pub(crate) const AUDIENCE: &str = "identity-link";
/// The claim that names the tenant.
pub(crate) const TENANT_CLAIM: &str = "tenant";
/// The tenants of `dev`; a token is for the first by default.
pub const TENANTS: [&str; 2] = ["default", "other"];
/// The name of the issuer of user ids.
const USERS: &str = "users";
/// The name of the issuer for services.
pub(crate) const SERVICES: &str = "services";

/// A provider whose accounts `token` names, with an issuer of its own.
pub(crate) struct LocalProvider {
    /// The name in the configuration, and of its issuer.
    pub name: &'static str,
    /// Whether it is social, as Auth0 has it.
    pub is_social: bool,
    /// Its `email_trust`.
    pub email_trust: &'static str,
}

/// The local providers.
pub(crate) const PROVIDERS: [LocalProvider; 4] = [
    LocalProvider { name: "auth0", is_social: false, email_trust: "when_verified" },
    LocalProvider { name: "github", is_social: true, email_trust: "when_verified" },
    LocalProvider { name: "google-oauth2", is_social: true, email_trust: "when_verified" },
    LocalProvider { name: "sms", is_social: false, email_trust: "never" },
];

/// The caller that a local token names.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A user, by its id.
    User(String),
    /// A user, by an identity.
    Identity {
        /// The local provider.
        provider: String,
        /// The subject there.
        subject: String,
        /// The email that the token claims, and whether as verified; `None` for no email.
        email: Option<(String, bool)>,
    },
    /// A service, by its name.
    Service(String),
}

/// The parameters of a local token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// The caller that it names.
    pub bearer: Bearer,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// The tenant.
    pub tenant: String,
    /// The time from now to its expiry.
    pub ttl: Duration,
}

/// Why there is no local token.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// A provider that has no local issuer.
    #[error("{0:?} is not a demo provider: there are {1}")]
    UnknownProvider(String, String),
    /// A tenant that `dev` does not have.
    #[error("{0:?} is not a tenant of dev: there are {1}")]
    UnknownTenant(String, String),
    /// The issuer's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The names of all local issuers.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    [USERS, SERVICES].into_iter().chain(PROVIDERS.iter().map(|provider| provider.name))
}

/// The `iss` of a local issuer.
pub(crate) fn iss(name: &str) -> String {
    // A reserved name that no domain owner can have (RFC 2606 §2).
    format!("https://{name}.dev.identity-link.invalid")
}

/// Makes the keys that are missing.
///
/// # Errors
/// If a key cannot be made, or a file cannot be read or written.
pub fn ensure_keys(data_dir: &Path) -> Result<(), KeyError> {
    names().try_for_each(|name| keys::ensure(data_dir, name))
}

/// Signs a token with a local issuer's key, as of now.
///
/// # Errors
/// If the tenant or the provider is unknown, or the key cannot be used.
pub fn sign(data_dir: &Path, request: &TokenRequest) -> Result<String, IssuerError> {
    if !TENANTS.contains(&request.tenant.as_str()) {
        return Err(IssuerError::UnknownTenant(request.tenant.clone(), TENANTS.join(", ")));
    }
    let (issuer, subject) = match &request.bearer {
        Bearer::User(id) => (USERS, id),
        Bearer::Service(name) => (SERVICES, name),
        Bearer::Identity { provider, subject, .. } => (issuer_of(provider)?, subject),
    };
    Ok(keys::sign(data_dir, issuer, "at+jwt", &claims(issuer, subject, request))?)
}

/// The issuer of a local provider.
fn issuer_of(provider: &str) -> Result<&'static str, IssuerError> {
    PROVIDERS.iter().map(|known| known.name).find(|name| *name == provider).ok_or_else(|| {
        let known = PROVIDERS.map(|known| known.name).join(", ");
        IssuerError::UnknownProvider(provider.to_owned(), known)
    })
}

fn claims(issuer: &str, subject: &str, request: &TokenRequest) -> Map<String, Value> {
    let issued_at = keys::now();
    let mut claims = Map::from_iter([
        ("iss".to_owned(), json!(iss(issuer))),
        ("sub".to_owned(), json!(subject)),
        ("aud".to_owned(), json!(AUDIENCE)),
        ("iat".to_owned(), json!(issued_at)),
        ("exp".to_owned(), json!(issued_at.saturating_add(request.ttl.as_secs()))),
        ("jti".to_owned(), json!(Uuid::new_v4())),
        ("scope".to_owned(), json!(request.scope)),
        (TENANT_CLAIM.to_owned(), json!(request.tenant)),
    ]);
    if !matches!(request.bearer, Bearer::Service(_)) {
        claims.insert("auth_time".to_owned(), json!(issued_at));
    }
    if let Bearer::Identity { email: Some((email, is_verified)), .. } = &request.bearer {
        claims.insert("email".to_owned(), json!(email));
        claims.insert("email_verified".to_owned(), json!(is_verified));
    }
    claims
}

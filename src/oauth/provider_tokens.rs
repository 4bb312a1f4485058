//! The tokens that a provider issued for an account, and their revocation (RFC 7009).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use form_urlencoded::{Serializer, byte_serialize};
use http::{HeaderValue, Request, Uri, header};
use hyper::body::Bytes;

use super::{AuthMethod, ClientSettings, OAuthError, client_auth};
use crate::{http_client::HttpClient, secret::Secret};

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

/// Revokes the refresh token at this URL, or the access token if there is none. The `oauth2` crate
/// refuses http, which is permitted on this machine.
pub(super) async fn revoke(
    settings: &ClientSettings,
    (url, method): (&Uri, AuthMethod),
    http: &HttpClient,
    tokens: &ProviderTokens,
    now: DateTime<Utc>,
) -> Result<Revoked, OAuthError> {
    let (token, hint) = match &tokens.refresh {
        // With it goes the access token of the same grant (§2.1).
        Some(refresh) => (refresh, "refresh_token"),
        None => (&tokens.access, "access_token"),
    };
    let secret = settings.client_secret.now(&settings.client_id, &settings.issuer(), now);
    let secret = secret.map_err(|error| OAuthError::Fault(format!("the client's key {error}")))?;
    let fields = [("token", token.reveal()), ("token_type_hint", hint)];
    let client = [("client_id", settings.client_id.as_str()), ("client_secret", secret.reveal())];
    let (fields, authorization) = match method {
        AuthMethod::Basic => (fields.to_vec(), Some(basic(&settings.client_id, &secret)?)),
        AuthMethod::BasicRaw => {
            (fields.to_vec(), Some(client_auth::raw_header(&settings.client_id, &secret)?))
        }
        AuthMethod::Post => ([fields, client].concat(), None),
    };
    let form = Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(form))
        .map_err(|error| OAuthError::Fault(error.to_string()))?;
    if let Some(authorization) = authorization {
        request.headers_mut().insert(header::AUTHORIZATION, authorization);
    }
    // §2.2: a token that is not valid any more is a success, too.
    match http.send(request).await.map_err(OAuthError::unavailable)?.status() {
        status if status.is_success() => Ok(Revoked::Done),
        status => {
            Err(OAuthError::unavailable(format!("its revocation endpoint responds with {status}")))
        }
    }
}

/// The header of `client_secret_basic`: id and secret form-encoded (RFC 6749 §2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Result<HeaderValue, OAuthError> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encoded(client_id), encoded(secret.reveal()));
    let header = format!("Basic {}", BASE64.encode(credentials.as_bytes()));
    let header = HeaderValue::from_str(&header);
    let mut header = header.map_err(|error| OAuthError::Fault(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

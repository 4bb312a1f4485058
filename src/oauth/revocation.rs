//! The revocation of tokens at their provider: by RFC 7009, or by GitHub's API. The `oauth2` crate
//! would revoke by RFC 7009, but refuses http, which is permitted on this machine.

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use form_urlencoded::{Serializer, byte_serialize};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use hyper::body::Bytes;
use serde_json::json;

use super::{AuthMethod, ClientSettings, OAuthError, ProviderTokens, Revoked, client_auth};
use crate::{http_client::HttpClient, secret::Secret};

/// Revokes tokens, as the client of these settings.
pub(super) struct Revocation<'a> {
    /// The client.
    pub settings: &'a ClientSettings,
    /// Sends the request.
    pub http: &'a HttpClient,
    /// The tokens.
    pub tokens: &'a ProviderTokens,
    /// The time.
    pub now: DateTime<Utc>,
}

impl Revocation<'_> {
    /// Revokes the refresh token at this URL, or the access token if there is none (RFC 7009).
    pub(super) async fn at(&self, url: &Uri, method: AuthMethod) -> Result<Revoked, OAuthError> {
        let (token, hint) = match &self.tokens.refresh {
            // With it goes the access token of the same grant (§2.1).
            Some(refresh) => (refresh, "refresh_token"),
            None => (&self.tokens.access, "access_token"),
        };
        let (id, secret) = (self.settings.client_id.as_str(), self.secret()?);
        let mut fields = vec![("token", token.reveal()), ("token_type_hint", hint)];
        let authorization = match method {
            AuthMethod::Basic => Some(basic(id, &secret)?),
            AuthMethod::BasicRaw => Some(client_auth::raw_header(id, &secret)?),
            AuthMethod::Post => {
                fields.extend([("client_id", id), ("client_secret", secret.reveal())]);
                None
            }
        };
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Serializer::new(String::new()).extend_pairs(fields).finish());
        // §2.2: a token that is not valid any more is a success, too.
        self.sent(request, authorization, &[]).await
    }

    /// Revokes what the person granted to the client, with all its tokens, at this URL of GitHub's
    /// API (<https://docs.github.com/en/rest/apps/oauth-applications>). Each request there has these
    /// headers.
    pub(super) async fn of_grant(
        &self,
        url: &Uri,
        headers: &[(&str, &str)],
    ) -> Result<Revoked, OAuthError> {
        let credentials = client_auth::raw_header(&self.settings.client_id, &self.secret()?)?;
        let body = json!({"access_token": self.tokens.access.reveal()}).to_string();
        let request = Request::builder()
            .method(Method::DELETE)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/json");
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(body);
        // There is no such grant any more.
        let gone = [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY];
        self.sent(request, Some(credentials), &gone).await
    }

    fn secret(&self) -> Result<Secret, OAuthError> {
        let Self { settings, now, .. } = self;
        let secret = settings.client_secret.now(&settings.client_id, &settings.issuer(), *now);
        secret.map_err(|error| OAuthError::Fault(format!("the client's key {error}")))
    }

    /// Sends the request. A status of `gone` says that there was nothing to revoke.
    async fn sent(
        &self,
        request: http::Result<Request<String>>,
        authorization: Option<HeaderValue>,
        gone: &[StatusCode],
    ) -> Result<Revoked, OAuthError> {
        let request = request.map_err(|error| OAuthError::Fault(error.to_string()))?;
        let mut request = request.map(Bytes::from);
        if let Some(authorization) = authorization {
            request.headers_mut().insert(header::AUTHORIZATION, authorization);
        }
        match self.http.send(request).await.map_err(OAuthError::unavailable)?.status() {
            status if status.is_success() || gone.contains(&status) => Ok(Revoked::Done),
            status => {
                Err(OAuthError::unavailable(format!("its response to the revocation is {status}")))
            }
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

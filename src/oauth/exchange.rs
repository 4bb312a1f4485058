//! The authorization URL, the exchange of the code for tokens (RFC 6749 §4.1), and their refresh
//! (§6), by the `oauth2` crate.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderValue, StatusCode, Uri, header};
use hyper::body::Bytes;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
        BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    AuthMethod, ClientSettings, Flow, OAuthError, ProviderTokens, RefreshError, client_auth,
    described::described,
};
use crate::{
    http_client::{FetchError, HttpClient},
    secret::Secret,
};

/// The longest error code that is logged, in characters.
const MAX_NAME: usize = 64;
/// The longest life of an access token that is believed.
const MAX_LIFE: TimeDelta = TimeDelta::days(366);

/// The endpoints of the two requests of a flow.
pub(super) struct FlowEndpoints<'a> {
    /// The authorization endpoint.
    pub authorize: &'a Uri,
    /// The token endpoint.
    pub token: &'a Uri,
    /// How the client authenticates at the token endpoint.
    pub auth_method: AuthMethod,
}

/// The tokens of a response of the token endpoint. No `Debug`: they give access to the person's account.
pub(super) struct Tokens {
    /// The access token, for requests about the person, and what goes with it.
    pub issued: ProviderTokens,
    /// The ID token; `None` if the provider sent none.
    pub id: Option<String>,
}

/// The field that OpenID Connect adds to the token response (Core §3.1.3.3).
#[derive(Deserialize, Serialize)]
struct IdTokenField {
    id_token: Option<String>,
}

impl fmt::Debug for IdTokenField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdTokenField")
    }
}

impl ExtraTokenFields for IdTokenField {}

type CodeClient = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<IdTokenField, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn client(
    settings: &ClientSettings,
    endpoints: &FlowEndpoints<'_>,
) -> Result<CodeClient, OAuthError> {
    let wrong = |error| OAuthError::unavailable(format!("an endpoint is not a URL: {error}"));
    let auth_type = match endpoints.auth_method {
        // The header of the crate is replaced by the raw one before it is sent.
        AuthMethod::Basic | AuthMethod::BasicRaw => AuthType::BasicAuth,
        AuthMethod::Post => AuthType::RequestBody,
    };
    Ok(oauth2::Client::new(ClientId::new(settings.client_id.clone()))
        .set_auth_type(auth_type)
        .set_auth_uri(AuthUrl::new(endpoints.authorize.to_string()).map_err(wrong)?)
        .set_token_uri(TokenUrl::new(endpoints.token.to_string()).map_err(wrong)?))
}

fn redirect_url(flow: &Flow) -> Result<Cow<'static, RedirectUrl>, OAuthError> {
    let url = RedirectUrl::new(flow.redirect_uri.clone());
    Ok(Cow::Owned(
        url.map_err(|error| OAuthError::Fault(format!("a redirect URI is not a URL: {error}")))?,
    ))
}

/// The URL to which the browser is sent.
pub(super) fn authorization_url(
    settings: &ClientSettings,
    endpoints: &FlowEndpoints<'_>,
    flow: &Flow,
    state: &str,
    extra: &[(&'static str, String)],
) -> Result<String, OAuthError> {
    let client = client(settings, endpoints)?;
    let verifier = PkceCodeVerifier::new(flow.pkce_verifier.clone());
    let (scopes, offline) = settings.requested(flow);
    let request = client
        .authorize_url(|| CsrfToken::new(state.to_owned()))
        .set_redirect_uri(redirect_url(flow)?)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(scopes.into_iter().map(Scope::new));
    let request = extra
        .iter()
        .chain(&offline)
        .fold(request, |request, (name, value)| request.add_extra_param(*name, value.clone()));
    let (url, _) = request.url();
    Ok(url.into())
}

/// Exchanges a code for tokens.
pub(super) async fn exchange(
    settings: &ClientSettings,
    endpoints: &FlowEndpoints<'_>,
    http: &HttpClient,
    flow: &Flow,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Tokens, OAuthError> {
    let Prepared { client, secret, sender } = prepared(settings, endpoints, http, now)?;
    let response = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_redirect_uri(redirect_url(flow)?)
        .set_pkce_verifier(PkceCodeVerifier::new(flow.pkce_verifier.clone()))
        .request_async(&sender)
        .await
        .map_err(|error| {
            let secrets = [code, flow.pkce_verifier.as_str(), secret.reveal()];
            failed(error, "the code", &secrets, &sender, how(settings, endpoints))
        })?;
    let id = response.extra_fields().id_token.clone();
    Ok(Tokens { issued: issued(&response, settings.requested(flow).0, now)?, id })
}

/// Refreshes an access token by its refresh token (RFC 6749 §6). `scopes` are those of the access
/// token so far, which a response without scopes leaves as they are.
pub(super) async fn refresh(
    settings: &ClientSettings,
    endpoints: &FlowEndpoints<'_>,
    http: &HttpClient,
    (token, scopes): (&str, BTreeSet<String>),
    now: DateTime<Utc>,
) -> Result<Tokens, RefreshError> {
    let Prepared { client, secret, sender } = prepared(settings, endpoints, http, now)?;
    let token = RefreshToken::new(token.to_owned());
    let response = client.exchange_refresh_token(&token).request_async(&sender).await;
    let response = response.map_err(|error| {
        let is_gone = is_invalid_grant(&error);
        let secrets = [token.secret().as_str(), secret.reveal()];
        let how = how(settings, endpoints);
        let error = failed(error, "the refresh token", &secrets, &sender, how);
        match error {
            OAuthError::Rejected(why) if is_gone => RefreshError::Gone(why),
            error => RefreshError::Failed(error),
        }
    })?;
    let id = response.extra_fields().id_token.clone();
    Ok(Tokens { issued: issued(&response, scopes, now)?, id })
}

/// Whether the provider says that the grant has ended. GitHub has a code of its own for that, and
/// sends its errors with status 200.
fn is_invalid_grant(error: &RequestTokenError<FetchError, BasicErrorResponse>) -> bool {
    let ends = |response: &BasicErrorResponse| {
        *response.error() == BasicErrorResponseType::InvalidGrant
            || response.error().as_ref() == "bad_refresh_token"
    };
    match error {
        RequestTokenError::ServerResponse(response) => ends(response),
        RequestTokenError::Parse(_, body) => {
            serde_json::from_slice::<BasicErrorResponse>(body).is_ok_and(|response| ends(&response))
        }
        RequestTokenError::Request(_) | RequestTokenError::Other(_) => false,
    }
}

/// What a request to the token endpoint needs.
struct Prepared<'a> {
    client: CodeClient,
    secret: Secret,
    sender: Sender<'a>,
}

fn prepared<'a>(
    settings: &ClientSettings,
    endpoints: &FlowEndpoints<'_>,
    http: &'a HttpClient,
    now: DateTime<Utc>,
) -> Result<Prepared<'a>, OAuthError> {
    let secret = settings.client_secret.now(&settings.client_id, &settings.issuer(), now);
    let secret = secret.map_err(|error| OAuthError::Fault(format!("the client's key {error}")))?;
    let client = client(settings, endpoints)?
        .set_client_secret(ClientSecret::new(secret.reveal().to_owned()));
    let raw_header = match endpoints.auth_method {
        AuthMethod::BasicRaw => Some(client_auth::raw_header(&settings.client_id, &secret)?),
        AuthMethod::Basic | AuthMethod::Post => None,
    };
    let sender = Sender { http, raw_header, is_unauthorized: AtomicBool::new(false) };
    Ok(Prepared { client, secret, sender })
}

/// How the client authenticated, for the log.
fn how(settings: &ClientSettings, endpoints: &FlowEndpoints<'_>) -> &'static str {
    client_auth::explained(endpoints.auth_method, client_auth::encoding_changes(settings))
}

/// The tokens of a response. `asked` are the scopes of the request, which it has if it names none
/// (RFC 6749 §5.1).
fn issued(
    response: &StandardTokenResponse<IdTokenField, BasicTokenType>,
    asked: BTreeSet<String>,
    now: DateTime<Utc>,
) -> Result<ProviderTokens, OAuthError> {
    // RFC 6749 §7.1: a client must not use an access token whose type it does not understand.
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(OAuthError::rejected("its access token is not a bearer token"));
    }
    let scopes = response.scopes().filter(|scopes| !scopes.is_empty());
    // GitHub puts commas between scopes.
    let scopes = scopes.map(|scopes| {
        let words = scopes.iter().flat_map(|scope| scope.split(','));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    });
    let life = response.expires_in().and_then(|life| TimeDelta::from_std(life).ok());
    Ok(ProviderTokens {
        access: Secret::new(response.access_token().secret().clone()),
        refresh: response.refresh_token().map(|token| Secret::new(token.secret().clone())),
        scopes: scopes.unwrap_or(asked),
        // A time beyond all calendars is as good as none.
        expire_time: life.and_then(|life| now.checked_add_signed(life.min(MAX_LIFE))),
    })
}

/// Sends the `oauth2` crate's requests by identity-link's HTTP client.
struct Sender<'a> {
    http: &'a HttpClient,
    /// Replaces the `Authorization` of the crate.
    raw_header: Option<HeaderValue>,
    /// Whether a response had the status 401, which the crate's errors do not say.
    is_unauthorized: AtomicBool,
}

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = FetchError;
    // Boxed: the compiler cannot prove that a closure's future is Send.
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Sender<'_> {
    /// A status that is neither a success nor a refusal says that the provider is not well: it
    /// becomes an error.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let mut request = request.map(Bytes::from);
        if let Some(raw) = &self.raw_header {
            request.headers_mut().insert(header::AUTHORIZATION, raw.clone());
        }
        let response = self.http.send(request).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            self.is_unauthorized.store(true, Ordering::Relaxed);
        }
        match response.status() {
            status if status.is_success() || is_refusal(status) => {
                Ok(response.map(|body| body.to_vec()))
            }
            status => Err(FetchError::Status(status)),
        }
    }
}

/// Whether a status blames the request itself, so that a repetition would fail too.
pub(super) fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Maps the crate's errors. Its own texts may quote the response, and with it tokens. `what` was to
/// be exchanged, `how` is how the client authenticated, and `sent` are the secrets of the request,
/// which the sender has sent.
fn failed(
    error: RequestTokenError<FetchError, BasicErrorResponse>,
    what: &str,
    sent: &[&str],
    sender: &Sender<'_>,
    how: &str,
) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => OAuthError::unavailable(error),
        RequestTokenError::ServerResponse(response) => named(&response, what, sent, how),
        // GitHub sends its errors with status 200.
        RequestTokenError::Parse(_, body) => {
            match serde_json::from_slice::<BasicErrorResponse>(&body) {
                Ok(response) => named(&response, what, sent, how),
                // RFC 6749 §5.2: 401 says that the client failed to authenticate.
                Err(_) if sender.is_unauthorized.load(Ordering::Relaxed) => {
                    OAuthError::ClientNotAccepted(format!("status 401; {how}"))
                }
                Err(_) => OAuthError::Rejected(format!("its response to {what} does not parse")),
            }
        }
        RequestTokenError::Other(_) => {
            OAuthError::Rejected(format!("its response to {what} is not valid"))
        }
    }
}

fn named(response: &BasicErrorResponse, what: &str, sent: &[&str], how: &str) -> OAuthError {
    let name: String =
        response.error().as_ref().chars().filter(char::is_ascii_graphic).take(MAX_NAME).collect();
    let description = response.error_description().filter(|text| !text.is_empty());
    let description =
        description.map(|text| format!(", {}", described(text, sent))).unwrap_or_default();
    match (response.error(), name.as_str()) {
        // `incorrect_client_credentials` is GitHub's own code for `invalid_client`.
        (BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient, _)
        | (_, "incorrect_client_credentials") => {
            OAuthError::ClientNotAccepted(format!("{name}{description}; {how}"))
        }
        _ => OAuthError::Rejected(format!("it does not accept {what}: {name}{description}")),
    }
}

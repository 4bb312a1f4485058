//! The authorization URL, and the exchange of the code for tokens (RFC 6749 §4.1), by the `oauth2`
//! crate.

use std::{borrow::Cow, fmt, pin::Pin};

use http::Uri;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse,
        BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};

use super::{AuthMethod, ClientSettings, Flow, OAuthError};
use crate::http_client::{FetchError, HttpClient};

/// The longest error code that is logged, in characters.
const MAX_NAME: usize = 64;

/// The endpoints of the two requests of a flow.
pub(super) struct FlowEndpoints<'a> {
    /// The authorization endpoint.
    pub authorize: &'a Uri,
    /// The token endpoint.
    pub token: &'a Uri,
    /// How the client authenticates at the token endpoint.
    pub auth_method: AuthMethod,
}

/// The tokens that a code was exchanged for. No `Debug`: they give access to the person's account.
pub(super) struct Tokens {
    /// The access token, for requests about the person.
    pub access: String,
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
        AuthMethod::Basic => AuthType::BasicAuth,
        AuthMethod::Post => AuthType::RequestBody,
    };
    Ok(oauth2::Client::new(ClientId::new(settings.client_id.clone()))
        .set_client_secret(ClientSecret::new(settings.client_secret.reveal().to_owned()))
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
    let request = client
        .authorize_url(|| CsrfToken::new(state.to_owned()))
        .set_redirect_uri(redirect_url(flow)?)
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_scopes(settings.scopes.iter().cloned().map(Scope::new));
    let request = extra
        .iter()
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
) -> Result<Tokens, OAuthError> {
    let client = client(settings, endpoints)?;
    let sender = Sender(http);
    let response = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_redirect_uri(redirect_url(flow)?)
        .set_pkce_verifier(PkceCodeVerifier::new(flow.pkce_verifier.clone()))
        .request_async(&sender)
        .await
        .map_err(failed)?;
    // RFC 6749 §7.1: a client must not use an access token whose type it does not understand.
    if *response.token_type() != BasicTokenType::Bearer {
        return Err(OAuthError::rejected("its access token is not a bearer token"));
    }
    Ok(Tokens {
        access: response.access_token().secret().clone(),
        id: response.extra_fields().id_token.clone(),
    })
}

/// Sends the `oauth2` crate's requests by identity-link's HTTP client.
struct Sender<'a>(&'a HttpClient);

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
        let response = self.0.send(request.map(Into::into)).await?;
        match response.status() {
            status if status.is_success() || is_refusal(status) => {
                Ok(response.map(|body| body.to_vec()))
            }
            status => Err(FetchError::Status(status)),
        }
    }
}

/// Whether a status blames the request itself, so that a repetition would fail too.
pub(super) fn is_refusal(status: http::StatusCode) -> bool {
    use http::StatusCode;
    status.is_client_error()
        && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Maps the crate's errors. Its own texts may quote the response, and with it tokens.
fn failed(error: RequestTokenError<FetchError, BasicErrorResponse>) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => OAuthError::unavailable(error),
        RequestTokenError::ServerResponse(response) => named(&response),
        // GitHub sends its errors with status 200.
        RequestTokenError::Parse(_, body) => {
            match serde_json::from_slice::<BasicErrorResponse>(&body) {
                Ok(response) => named(&response),
                Err(_) => OAuthError::rejected("its response to the code does not parse"),
            }
        }
        RequestTokenError::Other(_) => {
            OAuthError::rejected("its response to the code is not valid")
        }
    }
}

fn named(response: &BasicErrorResponse) -> OAuthError {
    let name: String =
        response.error().as_ref().chars().filter(char::is_ascii_graphic).take(MAX_NAME).collect();
    match (response.error(), name.as_str()) {
        // `incorrect_client_credentials` is GitHub's own code for `invalid_client`.
        (BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient, _)
        | (_, "incorrect_client_credentials") => OAuthError::ClientNotAccepted(name),
        _ => OAuthError::Rejected(format!("it does not accept the code: {name}")),
    }
}

//! Where to send the browser, and the code for tokens (RFC 6749 §4.1): what the `oauth2` crate does.

use std::{borrow::Cow, fmt, pin::Pin};

use http::Uri;
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};

use super::{AuthMethod, ClientSettings, Flow, OAuthError};
use crate::http_client::{FetchError, HttpClient};

/// The longest name of an error that is logged.
const MAX_NAME: usize = 64;

/// Where the two requests of a flow go.
pub(super) struct Endpoints<'a> {
    /// Where people sign in.
    pub authorize: &'a Uri,
    /// Where codes are exchanged.
    pub token: &'a Uri,
    /// How we say there who we are.
    pub auth_method: AuthMethod,
}

/// What a code was exchanged for. No `Debug`: these are keys to somebody's account.
pub(super) struct Tokens {
    /// Lets us ask the provider about the person.
    pub access: String,
    /// Says who it is.
    pub id: Option<String>,
}

/// The field of an answer that OpenID Connect adds (Core §3.1.3.3).
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

fn client(settings: &ClientSettings, endpoints: &Endpoints<'_>) -> Result<CodeClient, OAuthError> {
    let wrong = |error| OAuthError::unavailable(format!("an endpoint is no URL: {error}"));
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
    Ok(Cow::Owned(url.map_err(|error| OAuthError::Fault(format!("a redirect URI is no URL: {error}")))?))
}

/// Where to send the browser.
pub(super) fn authorization_url(
    settings: &ClientSettings,
    endpoints: &Endpoints<'_>,
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
    let request = extra.iter().fold(request, |request, (name, value)| request.add_extra_param(*name, value.clone()));
    let (url, _) = request.url();
    Ok(url.into())
}

/// Exchanges a code.
pub(super) async fn exchange(
    settings: &ClientSettings,
    endpoints: &Endpoints<'_>,
    http: &HttpClient,
    flow: &Flow,
    code: &str,
) -> Result<Tokens, OAuthError> {
    let client = client(settings, endpoints)?;
    let sender = Sender(http);
    let answer = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_redirect_uri(redirect_url(flow)?)
        .set_pkce_verifier(PkceCodeVerifier::new(flow.pkce_verifier.clone()))
        .request_async(&sender)
        .await
        .map_err(failed)?;
    // RFC 6749 §7.1: what is of a type that is not understood is not used.
    if *answer.token_type() != BasicTokenType::Bearer {
        return Err(OAuthError::rejected("its access token is no bearer token"));
    }
    Ok(Tokens { access: answer.access_token().secret().clone(), id: answer.extra_fields().id_token.clone() })
}

/// Sends the library's requests.
struct Sender<'a>(&'a HttpClient);

impl<'c> AsyncHttpClient<'c> for Sender<'_> {
    type Error = FetchError;
    // Boxed: of a closure's future the compiler cannot tell that it is Send.
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Sender<'_> {
    /// What is no answer to the request, but says that the provider is not well, is an error.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let answer = self.0.send(request.map(Into::into)).await?;
        match answer.status() {
            status if status.is_success() || is_refusal(status) => Ok(answer.map(|body| body.to_vec())),
            status => Err(FetchError::Status(status)),
        }
    }
}

/// Whether a status says that it is the request that was wrong, and that it will be wrong next time too.
pub(super) fn is_refusal(status: http::StatusCode) -> bool {
    use http::StatusCode;
    status.is_client_error() && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Why there are no tokens. The library's own texts may quote the answer, and with it tokens.
fn failed(error: RequestTokenError<FetchError, BasicErrorResponse>) -> OAuthError {
    match error {
        RequestTokenError::Request(error) => OAuthError::unavailable(error),
        RequestTokenError::ServerResponse(answer) => named(&answer),
        // GitHub names its errors with 200.
        RequestTokenError::Parse(_, body) => match serde_json::from_slice::<BasicErrorResponse>(&body) {
            Ok(answer) => named(&answer),
            Err(_) => OAuthError::rejected("its answer to the code does not parse"),
        },
        RequestTokenError::Other(_) => OAuthError::rejected("its answer to the code is none"),
    }
}

fn named(answer: &BasicErrorResponse) -> OAuthError {
    let name: String = answer.error().as_ref().chars().filter(char::is_ascii_graphic).take(MAX_NAME).collect();
    match (answer.error(), name.as_str()) {
        // GitHub has a name of its own for it.
        (BasicErrorResponseType::InvalidClient | BasicErrorResponseType::UnauthorizedClient, _)
        | (_, "incorrect_client_credentials") => OAuthError::ClientNotAccepted(name),
        _ => OAuthError::Rejected(format!("it does not accept the code: {name}")),
    }
}

//! Providers that speak OpenID Connect.

use chrono::{DateTime, Utc};
use http::{Request, StatusCode, Uri, header};
use hyper::body::Bytes;

use super::{
    Account, AuthMethod, AuthorizationRequest, AuthorizationResponse, ClientSettings, Flow,
    OAuthError, Preset,
    exchange::{self, is_refusal},
    metadata_cache::ProviderEndpoints,
    presets,
    shared_issuers::SharedIssuer,
};
use crate::{
    auth::{AuthError, Claims, IdToken, IdTokenExpectations, IdTokenRules},
    domain::{IdentityRef, Metadata, Provider},
    http_client::HttpClient,
};

/// A client at a provider that speaks OpenID Connect.
pub(super) struct Oidc {
    rules: IdTokenRules,
    preset: Option<Preset>,
    auth_method: Option<AuthMethod>,
    issuer: SharedIssuer,
}

impl Oidc {
    pub(super) fn new(
        rules: IdTokenRules,
        issuer: SharedIssuer,
        preset: Option<Preset>,
        auth_method: Option<AuthMethod>,
    ) -> Self {
        Self { rules, preset, auth_method, issuer }
    }

    /// The URL to which the browser is sent.
    pub(super) async fn authorization_url(
        &self,
        settings: &ClientSettings,
        http: &HttpClient,
        authorization: &AuthorizationRequest,
        flow: &Flow,
        state: &str,
    ) -> Result<String, OAuthError> {
        let found = self.issuer.metadata_cache.endpoints(http).await?;
        let mut extra = vec![("nonce", flow.nonce.clone())];
        extra.extend(authorization.login_hint.clone().map(|hint| ("login_hint", hint)));
        extra.extend(authorization.prompt.clone().map(|prompt| ("prompt", prompt)));
        extra.extend(authorization.max_age.map(|age| ("max_age", age.as_secs().to_string())));
        exchange::authorization_url(settings, &self.for_codes(&found), flow, state, &extra)
    }

    /// Exchanges the code, verifies the ID token, and returns the account that signed in.
    pub(super) async fn account(
        &self,
        (settings, provider): (&ClientSettings, &Provider),
        http: &HttpClient,
        flow: &Flow,
        response: &AuthorizationResponse,
        now: DateTime<Utc>,
    ) -> Result<Account, OAuthError> {
        let found = self.issuer.metadata_cache.endpoints(http).await?;
        match &response.iss {
            Some(iss) if !self.rules.issuer.allows(iss) => {
                return Err(OAuthError::rejected("iss is another issuer"));
            }
            None if found.says_iss => {
                return Err(OAuthError::rejected(
                    "iss is missing, although its metadata say that it sends one",
                ));
            }
            _ => {}
        }
        let tokens =
            exchange::exchange(settings, &self.for_codes(&found), http, flow, &response.code)
                .await?;
        let id_token = tokens.id.ok_or_else(|| OAuthError::rejected("there is no ID token"))?;
        let expectations = IdTokenExpectations { nonce: &flow.nonce, max_age: flow.max_age };
        let id_token = self
            .rules
            .verify(&id_token, &self.issuer.keys, expectations, now)
            .await
            .map_err(not_verified)?;
        if response.iss.as_deref().is_some_and(|iss| id_token.claims.text("iss") != Some(iss)) {
            return Err(OAuthError::rejected("iss is not the issuer of the ID token"));
        }
        let userinfo = match &found.userinfo {
            Some(url) if self.wants_userinfo(&id_token.claims) => {
                Some(userinfo(http, url, &tokens.access, &id_token.subject).await?)
            }
            _ => None,
        };
        self.account_from_claims(provider, &id_token, userinfo.as_ref())
    }

    fn for_codes<'a>(&self, found: &'a ProviderEndpoints) -> exchange::FlowEndpoints<'a> {
        let ProviderEndpoints { authorize, token, auth_method, .. } = found;
        exchange::FlowEndpoints {
            authorize,
            token,
            auth_method: self.auth_method.unwrap_or(*auth_method),
        }
    }

    /// Whether the ID token lacks the email or its verification. Microsoft sends them there or
    /// nowhere.
    fn wants_userinfo(&self, claims: &Claims) -> bool {
        self.preset != Some(Preset::Microsoft)
            && !(claims.has("email") && claims.has("email_verified"))
    }

    fn account_from_claims(
        &self,
        provider: &Provider,
        id_token: &IdToken,
        userinfo: Option<&Claims>,
    ) -> Result<Account, OAuthError> {
        let claims = &id_token.claims;
        let subject = presets::subject(self.preset, &id_token.subject, claims);
        let subject = subject
            .ok_or_else(|| OAuthError::rejected("its ID token does not name the account"))?;
        // Both from one document: the verification in one may be about another address than the
        // email in the other.
        let source = userinfo.filter(|userinfo| userinfo.has("email")).unwrap_or(claims);
        let mut profile = claims.profile();
        profile.extend(userinfo.map(Claims::profile).unwrap_or_default());
        Ok(Account {
            identity: IdentityRef { provider: provider.clone(), subject },
            issuer: self.rules.issuer.name().to_owned(),
            email: source.text("email").map(str::to_owned),
            email_verified: presets::is_email_verified(self.preset, source),
            // A profile that does not fit is dropped: it is no reason to refuse the sign-in.
            profile_data: Metadata::parse("", profile).unwrap_or_default(),
            authenticated_at: id_token.authenticated_at,
            proven_at: id_token.issued_at,
        })
    }
}

fn not_verified(denial: AuthError) -> OAuthError {
    match denial {
        AuthError::TokenInvalid(cause) => OAuthError::Rejected(format!("its ID token: {cause}")),
        AuthError::KeysUnavailable => OAuthError::unavailable("its keys are unavailable"),
        other => OAuthError::Fault(format!("an ID token was denied like a bearer: {other:?}")),
    }
}

/// The provider's claims about a person (OpenID Connect Core §5.3). `sub` must be `subject`.
async fn userinfo(
    http: &HttpClient,
    url: &Uri,
    token: &str,
    subject: &str,
) -> Result<Claims, OAuthError> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Bytes::new())
        .map_err(|_| OAuthError::rejected("its access token cannot be sent"))?;
    let response = http.send(request).await.map_err(OAuthError::unavailable)?;
    match response.status() {
        StatusCode::OK => {}
        status if is_refusal(status) => {
            return Err(OAuthError::Rejected(format!("userinfo responds with {status}")));
        }
        status => return Err(OAuthError::unavailable(format!("userinfo responds with {status}"))),
    }
    let claims: Claims = serde_json::from_slice(response.body())
        .map_err(|_| OAuthError::rejected("userinfo does not parse"))?;
    // §5.3.2: without this check, the claims may be about another person.
    match claims.text("sub") == Some(subject) {
        true => Ok(claims),
        false => Err(OAuthError::rejected("userinfo is about another subject")),
    }
}

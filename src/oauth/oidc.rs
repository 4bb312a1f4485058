//! Providers that speak OpenID Connect.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use http::{HeaderMap, Request, StatusCode, Uri, header};
use hyper::body::Bytes;

use super::{
    Account, AuthorizationRequest, AuthorizationResponse, ClientSettings, Flow, OAuthError,
    OidcSettings, ProviderTokens, RefreshError, Revoked, client_auth,
    exchange::{self, is_refusal},
    fit::{Misfit, misfits},
    metadata_cache::{MetadataCache, ProviderEndpoints},
    presets,
    revocation::Revocation,
    shared_issuers::SharedIssuer,
};
use crate::{
    auth::{
        AuthError, Claims, EventToken, EventTokenError, EventTokenKind, IdToken,
        IdTokenExpectations, SignatureVerifier,
    },
    domain::{Email, IdentityRef, Metadata, Provider, Subject},
    http_client::HttpClient,
};

/// The refusal where a provider's events cannot be verified, or are not accepted.
pub(super) const NO_EVENTS: EventTokenError =
    EventTokenError::Unverified(AuthError::TokenInvalid("events are not accepted"));

/// A client at a provider that speaks OpenID Connect.
pub(super) struct Oidc {
    settings: OidcSettings,
    issuer: SharedIssuer,
}

impl Oidc {
    pub(super) fn new(settings: OidcSettings, issuer: SharedIssuer) -> Self {
        Self { settings, issuer }
    }

    /// The provider's metadata and their cache, which clients at the same issuer share.
    pub(super) fn metadata_cache(&self) -> &Arc<MetadataCache> {
        &self.issuer.metadata_cache
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
        if let Some(misfit) =
            misfits(settings, &found.metadata).into_iter().find(|misfit| misfit.is_fatal)
        {
            let Misfit { state, advice, .. } = misfit;
            return Err(OAuthError::DoesNotFit(format!("it {state}: {advice}")));
        }
        let mut extra = vec![("nonce", flow.nonce.clone())];
        extra.extend(authorization.login_hint.clone().map(|hint| ("login_hint", hint)));
        extra.extend(authorization.prompt.clone().map(|prompt| ("prompt", prompt)));
        extra.extend(authorization.max_age.map(|age| ("max_age", age.as_secs().to_string())));
        let claims = presets::facts_of(self.settings.preset).claims;
        extra.extend(claims.map(|claims| ("claims", claims.to_owned())));
        let mode = self.settings.response_mode;
        extra.extend(mode.map(|mode| ("response_mode", mode.name().to_owned())));
        exchange::authorization_url(
            settings,
            &self.for_codes(settings, &found),
            flow,
            state,
            &extra,
        )
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
            Some(iss) if !self.settings.rules.issuer.allows(iss) => {
                return Err(OAuthError::rejected("iss is another issuer"));
            }
            None if found.metadata.authorization_response_iss_parameter_supported => {
                return Err(OAuthError::rejected(
                    "iss is missing, although its metadata say that it sends one",
                ));
            }
            _ => {}
        }
        let codes = self.for_codes(settings, &found);
        let tokens = exchange::exchange(settings, &codes, http, flow, &response.code, now).await?;
        let id_token = tokens.id.ok_or_else(|| OAuthError::rejected("there is no ID token"))?;
        let expectations = IdTokenExpectations { nonce: &flow.nonce, max_age: flow.max_age };
        let id_token = self
            .settings
            .rules
            .verify(&id_token, &self.issuer.verifier, expectations, now)
            .await
            .map_err(|denial| not_verified("its ID token", denial))?;
        if response.iss.as_deref().is_some_and(|iss| id_token.claims.text("iss") != Some(iss)) {
            return Err(OAuthError::rejected("iss is not the issuer of the ID token"));
        }
        let userinfo = match &found.userinfo {
            Some(url) if self.wants_userinfo(&id_token.claims) => Some(
                self.userinfo(http, url, tokens.issued.access.reveal(), &id_token.subject).await?,
            ),
            _ => None,
        };
        let account = self.account_from_claims(provider, &id_token, userinfo.as_ref())?;
        Ok(Account { tokens: tokens.issued, ..account })
    }

    /// Refreshes an access token of this account. If the response has an ID token, it must be of the
    /// same account (OpenID Connect Core §12.2): else the tokens may be another person's.
    pub(super) async fn refresh(
        &self,
        (settings, account): (&ClientSettings, &Subject),
        http: &HttpClient,
        tokens: (&str, BTreeSet<String>),
        now: DateTime<Utc>,
    ) -> Result<ProviderTokens, RefreshError> {
        let found = self.issuer.metadata_cache.endpoints(http).await?;
        let codes = self.for_codes(settings, &found);
        let fresh = exchange::refresh(settings, &codes, http, tokens, now).await?;
        let Some(id_token) = &fresh.id else { return Ok(fresh.issued) };
        let claims = self.settings.rules.verify_refreshed(id_token, &self.issuer.verifier).await;
        let claims =
            claims.map_err(|denial| not_verified("the ID token of its refresh", denial))?;
        let sub = claims.text("sub").unwrap_or_default();
        match presets::subject(self.settings.preset, sub, &claims).as_ref() == Some(account) {
            true => Ok(fresh.issued),
            false => {
                Err(OAuthError::rejected("the ID token of its refresh is of another account")
                    .into())
            }
        }
    }

    /// Revokes tokens, if the metadata say where.
    pub(super) async fn revoke(&self, revocation: Revocation<'_>) -> Result<Revoked, OAuthError> {
        let found = self.issuer.metadata_cache.endpoints(revocation.http).await?;
        let Some(url) = &found.revoke else { return Ok(Revoked::Unsupported) };
        let method = self.for_codes(revocation.settings, &found).auth_method;
        revocation.at(url, method).await
    }

    /// Verifies a token by which the provider reports events, by the keys that it publishes.
    pub(super) async fn verify_events(
        &self,
        token: &str,
        kind: EventTokenKind,
        now: DateTime<Utc>,
    ) -> Result<EventToken, EventTokenError> {
        match (&self.settings.events, &self.issuer.verifier) {
            (Some(events), SignatureVerifier::Published(keys)) => {
                self.settings.rules.verify_events(token, kind, keys, &events.source, now).await
            }
            _ => Err(NO_EVENTS),
        }
    }

    fn for_codes<'a>(
        &self,
        client: &ClientSettings,
        found: &'a ProviderEndpoints,
    ) -> exchange::FlowEndpoints<'a> {
        let ProviderEndpoints { authorize, token, metadata, .. } = found;
        let auth_method = self.settings.auth_method.unwrap_or_else(|| {
            let supported = metadata.token_endpoint_auth_methods_supported.as_deref();
            client_auth::by_metadata(supported, client_auth::encoding_changes(client))
        });
        exchange::FlowEndpoints { authorize, token, auth_method }
    }

    /// Whether the ID token lacks the email or its verification, and userinfo may have them.
    fn wants_userinfo(&self, claims: &Claims) -> bool {
        let facts = presets::facts_of(self.settings.preset);
        facts.has_userinfo && !(claims.has("email") && claims.has(facts.verified_by))
    }

    fn account_from_claims(
        &self,
        provider: &Provider,
        id_token: &IdToken,
        userinfo: Option<&Claims>,
    ) -> Result<Account, OAuthError> {
        let claims = &id_token.claims;
        let subject = presets::subject(self.settings.preset, &id_token.subject, claims);
        let subject = subject
            .ok_or_else(|| OAuthError::rejected("its ID token does not name the account"))?;
        // Both from one document: the verification in one may be about another address than the
        // email in the other.
        let source = userinfo.filter(|userinfo| userinfo.has("email")).unwrap_or(claims);
        let email = source.text("email");
        // A statement in either document goes before the silence of the other.
        let verified_by = presets::facts_of(self.settings.preset).verified_by;
        let says_nothing =
            [Some(claims), userinfo].into_iter().flatten().all(|claims| !claims.has(verified_by));
        let is_own = says_nothing && email.is_some_and(|email| self.is_own_address(email));
        let mut profile = claims.profile();
        profile.extend(userinfo.map(Claims::profile).unwrap_or_default());
        Ok(Account {
            identity: IdentityRef { provider: provider.clone(), subject },
            issuer: self.settings.rules.issuer.name().to_owned(),
            email: email.map(str::to_owned),
            email_verified: is_own
                || presets::is_email_verified(
                    self.settings.preset,
                    &self.settings.email_verified_as,
                    source,
                ),
            other_emails: Vec::new(),
            // A profile that does not fit is dropped: it is no reason to refuse the sign-in.
            profile_data: Metadata::parse("", profile).unwrap_or_default(),
            authenticated_at: id_token.authenticated_at,
            proven_at: id_token.issued_at,
            tokens: ProviderTokens::default(),
            id_claims: claims.clone(),
        })
    }

    /// Whether this address is in a domain of the organisation whose directory the provider is.
    fn is_own_address(&self, email: &str) -> bool {
        let parsed = Email::parse(email).ok();
        let domain = parsed.as_ref().and_then(|email| email.canonical().rsplit_once('@'));
        domain.is_some_and(|(_, domain)| self.settings.own_domains.contains(domain))
    }

    /// The provider's claims about a person (OpenID Connect Core §5.3), whose `sub` must be
    /// `subject`. A response of the type `application/jwt` is signed (§5.3.2), and counts only if
    /// its signature is as good as an ID token's.
    async fn userinfo(
        &self,
        http: &HttpClient,
        url: &Uri,
        token: &str,
        subject: &str,
    ) -> Result<Claims, OAuthError> {
        let request = Request::get(url)
            .header(header::ACCEPT, "application/json, application/jwt")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Bytes::new())
            .map_err(|_| OAuthError::rejected("its access token cannot be sent"))?;
        let response = http.send(request).await.map_err(OAuthError::unavailable)?;
        match response.status() {
            StatusCode::OK => {}
            status if is_refusal(status) => {
                return Err(OAuthError::Rejected(format!("userinfo responds with {status}")));
            }
            status => {
                return Err(OAuthError::unavailable(format!("userinfo responds with {status}")));
            }
        }
        let claims = match is_signed(response.headers()) {
            true => self.signed_claims(response.body()).await?,
            false => serde_json::from_slice(response.body())
                .map_err(|_| OAuthError::rejected("userinfo does not parse"))?,
        };
        // §5.3.2: without this check, the claims may be about another person.
        match claims.text("sub") == Some(subject) {
            true => Ok(claims),
            false => Err(OAuthError::rejected("userinfo is about another subject")),
        }
    }

    async fn signed_claims(&self, body: &[u8]) -> Result<Claims, OAuthError> {
        let token = std::str::from_utf8(body).map(str::trim_ascii).unwrap_or_default();
        // Five parts are a JWE (RFC 7516 §7.1).
        if token.split('.').count() == 5 {
            return Err(OAuthError::rejected(
                "its userinfo is encrypted: register the client for userinfo that is not",
            ));
        }
        let verified = self.settings.rules.verify_userinfo(token, &self.issuer.verifier).await;
        verified.map_err(|denial| not_verified("its signed userinfo", denial))
    }
}

/// Whether a response says that it is a JWT.
fn is_signed(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/jwt")
}

fn not_verified(what: &str, denial: AuthError) -> OAuthError {
    match denial {
        AuthError::TokenInvalid(cause) => OAuthError::Rejected(format!("{what}: {cause}")),
        AuthError::KeysUnavailable => OAuthError::unavailable("its keys are unavailable"),
        other => OAuthError::Fault(format!("{what} was denied like a bearer: {other:?}")),
    }
}

//! Callers' tokens and proofs, judged by their issuer's entry.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use jsonwebtoken::Algorithm;

use super::{
    AuthError, CallerKind, Issuer, Issuers, SubjectMeaning, TenantRule, TokenUseRules, UserCaller,
    VerifiedBy,
    claims::Claims,
    jwt::{self, Expected, Jwt, MAX_TOKEN, UsedKey},
    verified_tokens::{CachedToken, TokenDigest},
};
use crate::{
    domain::{
        DomainError, IdentityRef, Subject, TenantId, TokenHash, TokenStamp, UserId, UserRef,
        error::LinkTokenProblem,
    },
    secret::sha256,
};

/// The use of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// To authenticate a call.
    Bearer,
    /// To prove the secondary side of a link.
    LinkWith,
}

/// The content of a token whose issuer, signature and claims have been checked.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    /// The issuer of the token.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// The client to which it was issued: its `azp` (OpenID Connect Core §2), or `client_id` (RFC
    /// 9068 §2.2); `None` if it has neither.
    pub authorized_party: Option<String>,
    /// The caller that it names.
    pub caller: TokenCaller,
    /// The name that the configuration gives the service; `None` if it gives none.
    pub service: Option<Arc<str>>,
    /// The tenants in which it may be used: one, except for services of several tenants.
    pub tenants: BTreeSet<TenantId>,
    /// The scopes that its issuer may grant.
    pub scopes: BTreeSet<String>,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// The latest of its times of issue and sign-in and its `nbf`, without leeway.
    pub valid_from: DateTime<Utc>,
    /// When it expires, without leeway.
    pub expires_at: DateTime<Utc>,
    /// When the person last signed in: `auth_time`, or without it the time of issue; `None` if it
    /// has no `auth_time` and its issuer's tokens must have one ([`Issuer::require_auth_time`]).
    pub authenticated_at: Option<DateTime<Utc>>,
    /// SHA-256 that names this token: of issuer and `jti`, or without a `jti` of the signed text.
    pub hash: TokenHash,
    /// All its claims; empty for a bearer token.
    pub claims: Claims,
    /// The keys with which it was verified.
    pub verified_by: VerifiedBy,
}

/// The caller that a token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenCaller {
    /// A user.
    User(UserRef),
    /// A service.
    Service,
}

impl VerifiedToken {
    /// The facts about the token that the rules need.
    pub fn stamp(&self) -> TokenStamp {
        // With the time of issue: an issuer may give all tokens of a session one `jti`, and only
        // this token is spared.
        let hash = sha256(&[&self.hash[..], &self.issued_at.timestamp().to_be_bytes()].concat());
        TokenStamp { issued_at: self.issued_at, hash }
    }

    /// Whether it is valid at this time, with leeway. A clock that was set back makes it one from
    /// the future.
    pub fn is_timely(&self, now: DateTime<Utc>) -> bool {
        !jwt::is_ahead(self.valid_from, now) && !jwt::has_expired(self.expires_at, now)
    }
}

impl Issuers {
    /// The keys of an issuer as those that verified an earlier token, whose key has this thumbprint;
    /// `None` if they do not have that key any more, or the issuer is not trusted. Waits for the issuer's
    /// keys if the key may be new.
    ///
    /// # Errors
    /// [`AuthError::KeysUnavailable`] if the issuer's keys cannot be read.
    pub async fn still_verified_by(
        &self,
        iss: &str,
        thumbprint: &str,
    ) -> Result<Option<VerifiedBy>, AuthError> {
        let Some((_, issuer_keys)) = self.find(iss) else { return Ok(None) };
        let set = issuer_keys.current_with(|set| set.has(thumbprint)).await?;
        let key = set.has(thumbprint).then(|| UsedKey { set, thumbprint: thumbprint.into() });
        Ok(key.map(|key| VerifiedBy::new(Arc::clone(issuer_keys), key)))
    }

    /// Verifies a token for one use. Waits for the issuer's keys if the token names a key that may
    /// be new.
    ///
    /// # Errors
    /// [`AuthError::TokenInvalid`]; [`AuthError::KeysUnavailable`] if the issuer's keys cannot be
    /// read.
    pub async fn verify(
        &self,
        token: &str,
        token_use: TokenUse,
        now: DateTime<Utc>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        if token.len() > MAX_TOKEN {
            return Err(AuthError::TokenInvalid("longer than 8 KiB"));
        }
        // A proof is used once, so it is not cached.
        let name = (token_use == TokenUse::Bearer).then(|| sha256(token.as_bytes()));
        if let Some(token) = name.and_then(|name| self.verified.get(&name, now)) {
            self.metrics.remembered();
            return Ok(token);
        }
        let judged = self.judge(token, token_use, name, now).await;
        self.metrics.judged(judged.is_ok());
        judged
    }

    async fn judge(
        &self,
        token: &str,
        token_use: TokenUse,
        name: Option<TokenDigest>,
        now: DateTime<Utc>,
    ) -> Result<Arc<VerifiedToken>, AuthError> {
        let iss = jwt::unverified_issuer(token)
            .ok_or(AuthError::TokenInvalid("not a signed JWT with an issuer"))?;
        let (issuer, issuer_keys) =
            self.find(&iss).ok_or(AuthError::TokenInvalid("unknown issuer"))?;
        let rules = match token_use {
            TokenUse::Bearer => issuer.bearer.as_ref(),
            TokenUse::LinkWith => issuer.link_with.as_ref(),
        };
        let rules =
            rules.ok_or(AuthError::TokenInvalid("this issuer's tokens are not for this use"))?;

        let expected = Expected {
            issuer: &issuer.issuer,
            audiences: &rules.audiences,
            types: &rules.types,
            algorithms: &issuer.algorithms,
        };
        let (jwt, key) = jwt::verify(token, &expected, issuer_keys, now).await?;
        let verified_by = VerifiedBy::new(Arc::clone(issuer_keys), key);
        let length = token.len();
        let mut token = verified(token, issuer, rules, (jwt, verified_by), now)?;
        if token.caller == TokenCaller::Service {
            token.service = self.service_name(&token.issuer, &token.subject);
        }
        if token_use == TokenUse::Bearer {
            // Only the claims of proofs are read, and claims are personal data.
            token.claims = Claims::default();
        }
        let token = Arc::new(token);
        if let Some(name) = name {
            self.verified.insert(name, CachedToken { token: Arc::clone(&token), length });
        }
        Ok(token)
    }

    /// Requires that a proof was issued to the calling client, where its issuer's entry demands it:
    /// Auth0's rules for `link_with` ("Link a User Account", `POST /api/v2/users/{id}/identities`).
    /// A token that was obtained at another client then proves nothing.
    ///
    /// # Errors
    /// [`DomainError::LinkTokenInvalid`] names the rule that is violated.
    pub fn expect_same_client(
        &self,
        caller: &UserCaller,
        proof: &VerifiedToken,
    ) -> Result<(), DomainError> {
        let rules = self.find(&proof.issuer).and_then(|(issuer, _)| issuer.link_with.as_ref());
        if rules.is_some_and(|rules| !rules.same_client) {
            return Ok(());
        }
        let is_for = |party: &String| proof.claims.is_only("aud", party);
        let problem = if proof.algorithm != Algorithm::RS256 {
            LinkTokenProblem::Algorithm
        } else if proof.issuer != caller.issuer {
            LinkTokenProblem::Issuer
        } else if !caller.authorized_party.as_ref().is_some_and(is_for) {
            LinkTokenProblem::Audience
        } else {
            return Ok(());
        };
        Err(DomainError::LinkTokenInvalid(problem))
    }
}

/// The content of a token by the rules of its issuer and its use.
fn verified(
    token: &str,
    issuer: &Issuer,
    rules: &TokenUseRules,
    (jwt, verified_by): (Jwt, VerifiedBy),
    now: DateTime<Utc>,
) -> Result<VerifiedToken, AuthError> {
    let invalid = AuthError::TokenInvalid;
    let Jwt { subject, algorithm, issued_at, valid_from, expires_at, authenticated_at, claims } =
        jwt;
    if jwt::is_older(issued_at, issuer.max_lifetime, expires_at) {
        return Err(invalid("its lifetime is too long"));
    }
    if issuer.tokens_valid_from.is_some_and(|from| issued_at < from) {
        return Err(invalid("issued before the issuer's tokens_valid_from"));
    }
    if rules.max_age.is_some_and(|age| jwt::is_older(issued_at, age, now)) {
        return Err(invalid("too old for this use"));
    }
    let is_silent = issuer.require_auth_time && !claims.has("auth_time");
    let caller = caller(issuer, &subject, &claims)?;
    let scopes = scopes(issuer, &caller, &claims)?;
    let tenants = tenants(issuer, &caller, &claims)?;
    let hash = token_hash(token, &issuer.issuer, claims.text("jti").filter(|jti| !jti.is_empty()));
    Ok(VerifiedToken {
        issuer: issuer.issuer.clone(),
        subject,
        algorithm,
        authorized_party: ["azp", "client_id"]
            .into_iter()
            .find(|name| claims.has(name))
            .and_then(|name| claims.text(name))
            .map(str::to_owned),
        caller,
        service: None,
        tenants,
        scopes,
        issued_at,
        valid_from,
        expires_at,
        authenticated_at: (!is_silent).then_some(authenticated_at),
        hash,
        claims,
        verified_by,
    })
}

fn caller(issuer: &Issuer, subject: &str, claims: &Claims) -> Result<TokenCaller, AuthError> {
    let invalid = AuthError::TokenInvalid;
    let meaning = match &issuer.kind {
        CallerKind::Service => return Ok(TokenCaller::Service),
        CallerKind::User(meaning) => meaning,
        CallerKind::Claim { claim, subject } => match claims.text(claim) {
            Some("service") => return Ok(TokenCaller::Service),
            Some("user") => subject,
            _ => return Err(invalid("its kind is neither user nor service")),
        },
    };
    let named = match meaning {
        SubjectMeaning::UserId => UserId::parse(subject).map(UserRef::UserId),
        SubjectMeaning::Subject(provider) => Subject::parse(subject)
            .map(|subject| UserRef::Identity(IdentityRef { provider: provider.clone(), subject })),
        SubjectMeaning::Identity(providers) => IdentityRef::parse_joined(subject)
            .filter(|identity| providers.contains(&identity.provider))
            .map(UserRef::Identity),
    };
    named.map(TokenCaller::User).ok_or(invalid("its sub is not a user that this issuer may name"))
}

/// The token's scopes (RFC 8693 §4.2) that its issuer may grant. A user token with service scopes
/// gains nothing, nor does a service token with self scopes: the access table separates the two.
fn scopes(
    issuer: &Issuer,
    caller: &TokenCaller,
    claims: &Claims,
) -> Result<BTreeSet<String>, AuthError> {
    let said = match claims.has("scope") {
        true => claims.text("scope").ok_or(AuthError::TokenInvalid("scope is not a string"))?,
        false => "",
    };
    let said = said.split(' ').filter(|scope| issuer.allowed_scopes.contains(*scope));
    let mut scopes: BTreeSet<String> = said.map(str::to_owned).collect();
    if matches!(caller, TokenCaller::User(_)) {
        scopes.extend(issuer.implied_scopes.iter().cloned());
    }
    Ok(scopes)
}

fn tenants(
    issuer: &Issuer,
    caller: &TokenCaller,
    claims: &Claims,
) -> Result<BTreeSet<TenantId>, AuthError> {
    match (&issuer.tenant, caller) {
        (TenantRule::Fixed(tenant), _) => Ok(BTreeSet::from([tenant.clone()])),
        (TenantRule::OneOf(tenants), TokenCaller::Service) => Ok(tenants.clone()),
        (TenantRule::OneOf(_), TokenCaller::User(_)) => {
            Err(AuthError::TokenInvalid("a user token without a tenant"))
        }
        (TenantRule::Claim { claim, tenants }, _) => claims
            .text(claim)
            .and_then(TenantId::parse)
            .filter(|tenant| tenants.contains(tenant))
            .map(|tenant| BTreeSet::from([tenant]))
            .ok_or(AuthError::TokenInvalid("its tenant is not one that the issuer may name")),
    }
}

/// Names a token: by its `jti`, which the issuer must make unique (RFC 7519 §4.1.7), or without one
/// by the signed text. The signature is left out: from one ECDSA signature, a second valid one can
/// be computed.
fn token_hash(token: &str, issuer: &str, jti: Option<&str>) -> TokenHash {
    let named = match jti {
        Some(jti) => format!("jti\0{issuer}\0{jti}"),
        None => format!(
            "token\0{issuer}\0{}",
            token.rsplit_once('.').map_or(token, |(signed, _)| signed)
        ),
    };
    sha256(named.as_bytes())
}

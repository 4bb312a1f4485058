//! Verifying tokens: JSON Web Tokens (RFC 7519) under the practices of RFC 8725.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use super::{
    Denial, Issuer, Issuers, Kind, SubjectMeaning, TenantRule, UseRules, claims::Claims, verified_tokens::Verified,
};
use crate::domain::{IdentityRef, Named, Subject, TenantId, UserId};

/// Longer tokens are not looked at, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;
/// The longest key id that is looked up, in bytes.
const MAX_KEY_ID: usize = 128;
/// How far two clocks may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// What a token is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// To call.
    Bearer,
    /// To prove the secondary side of a link.
    LinkWith,
}

/// What a token says, once its issuer, its signature and its claims have been checked.
#[derive(Debug, Clone)]
pub struct VerifiedToken {
    /// Who issued it.
    pub issuer: String,
    /// Its `sub`.
    pub subject: String,
    /// Whom it speaks for.
    pub who: Who,
    /// The tenants it may be used in: one, but for services that serve several.
    pub tenants: BTreeSet<TenantId>,
    /// The scopes that count.
    pub scopes: BTreeSet<String>,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When it expires, leeway aside.
    pub expires_at: DateTime<Utc>,
    /// When the person last signed in: `auth_time`, or else when it was issued.
    pub authenticated_at: DateTime<Utc>,
    /// SHA-256 that names this very token: of issuer and `jti`, or else of what was signed.
    pub hash: [u8; 32],
    /// Everything it claims; of a bearer nothing is kept.
    pub claims: Claims,
}

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A user.
    User(Named),
    /// A service.
    Service,
}

/// The part of a payload that is read before anything is verified, only to know which issuer's
/// keys to verify with.
#[derive(Deserialize)]
struct UnverifiedPayload {
    iss: String,
}

impl VerifiedToken {
    /// Whether it has expired.
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        now - LEEWAY > self.expires_at
    }
}

impl Issuers {
    /// Verifies a token for one use. Waits for the issuer's keys if the token names one that may be
    /// new.
    pub async fn verify(
        &self,
        token: &str,
        token_use: TokenUse,
        now: DateTime<Utc>,
    ) -> Result<Arc<VerifiedToken>, Denial> {
        if token.len() > MAX_TOKEN {
            return Err(Denial::TokenInvalid("longer than 8 KiB"));
        }
        // A proof is good once: there is nothing to remember.
        let name = (token_use == TokenUse::Bearer).then(|| sha256(token.as_bytes()));
        if let Some(token) = name.and_then(|name| self.verified.get(&name, now)) {
            return Ok(token);
        }
        let iss = unverified_issuer(token).ok_or(Denial::TokenInvalid("not a signed JWT with an issuer"))?;
        let (issuer, issuer_keys) = self.find(&iss).ok_or(Denial::TokenInvalid("unknown issuer"))?;
        let rules = match token_use {
            TokenUse::Bearer => issuer.bearer.as_ref(),
            TokenUse::LinkWith => issuer.link_with.as_ref(),
        };
        let rules = rules.ok_or(Denial::TokenInvalid("this issuer's tokens are not for this use"))?;

        let header = decode_header(token).map_err(|_| Denial::TokenInvalid("malformed header"))?;
        // RFC 7797 §7: `b64` has no place in a JWT, whether or not it is said to be critical.
        let has_b64 = header.extras.inner().contains_key("b64");
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() || has_b64 {
            return Err(Denial::TokenInvalid("critical extensions are not understood"));
        }
        if !is_type_allowed(header.typ.as_deref(), rules) {
            return Err(Denial::TokenInvalid("wrong typ"));
        }
        // What no issuer would name is not worth asking one for.
        if !issuer.algorithms.contains(&header.alg) || !header.kid.as_deref().is_none_or(is_key_id) {
            return Err(Denial::TokenInvalid("another algorithm, or no key id"));
        }
        let keys = issuer_keys.current_for(header.kid.as_deref()).await?;
        let named = keys.named(header.kid.as_deref());
        let key = named.iter().find(|key| key.algorithm == header.alg);
        let key = key.ok_or(Denial::TokenInvalid("unknown key, or not its algorithm"))?;
        let validation = validation(issuer, rules, key.algorithm);
        let data = decode::<Claims>(token, &key.key, &validation)
            .map_err(|_| Denial::TokenInvalid("signature, claims, issuer, audience or times"))?;
        let length = token.len();
        let mut token = verified(token, issuer, rules, data.claims, now)?;
        if token_use == TokenUse::Bearer {
            // They are read of proofs only, and are somebody's personal data.
            token.claims = Claims::default();
        }
        let token = Arc::new(token);
        if let Some(name) = name {
            let (issuer_keys, verified_with) = (Arc::clone(issuer_keys), Arc::clone(&keys));
            self.verified.insert(name, Verified { token: Arc::clone(&token), length, issuer_keys, verified_with });
        }
        Ok(token)
    }
}

fn is_key_id(text: &str) -> bool {
    text.len() <= MAX_KEY_ID && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

fn unverified_issuer(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    Some(serde_json::from_slice::<UnverifiedPayload>(&payload).ok()?.iss)
}

/// RFC 7515 §4.1.9: `typ` is compared without case, and `application/` may be left out.
fn is_type_allowed(typ: Option<&str>, rules: &UseRules) -> bool {
    let plain = |typ: &str| {
        let typ = typ.to_ascii_lowercase();
        // Alone it stands for nothing, not for a token without a type.
        typ.strip_prefix("application/").filter(|rest| !rest.is_empty()).map(str::to_owned).unwrap_or(typ)
    };
    let typ = plain(typ.unwrap_or_default());
    rules.types.iter().any(|allowed| plain(allowed) == typ)
}

fn validation(issuer: &Issuer, rules: &UseRules, algorithm: jsonwebtoken::Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    // Without being required, a claim of the wrong type would pass unchecked.
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[&issuer.issuer]);
    validation.set_audience(&rules.audiences.iter().collect::<Vec<_>>());
    validation.validate_nbf = true;
    validation.leeway = LEEWAY.as_secs();
    validation
}

/// What the library does not check.
fn verified(
    token: &str,
    issuer: &Issuer,
    rules: &UseRules,
    claims: Claims,
    now: DateTime<Utc>,
) -> Result<VerifiedToken, Denial> {
    let invalid = Denial::TokenInvalid;
    if claims.text("iss") != Some(&issuer.issuer) {
        return Err(invalid("iss is not a string"));
    }
    let subject = claims.text("sub").filter(|sub| Subject::parse(sub).is_some()).ok_or(invalid("malformed sub"))?;
    let issued_at = claims.time("iat").ok_or(invalid("no iat"))?;
    let expires_at = claims.time("exp").ok_or(invalid("exp is not a whole number"))?;
    if issued_at > now + LEEWAY {
        return Err(invalid("issued in the future"));
    }
    if expires_at - issued_at > delta(issuer.max_lifetime) {
        return Err(invalid("lives too long"));
    }
    if rules.max_age.is_some_and(|age| now - issued_at > delta(age)) {
        return Err(invalid("too old for this use"));
    }
    let authenticated_at = match claims.has("auth_time") {
        true => claims.time("auth_time").ok_or(invalid("auth_time is not a whole number"))?,
        false => issued_at,
    };
    // One that is still to come would be recent for ever.
    if authenticated_at > now + LEEWAY {
        return Err(invalid("signed in in the future"));
    }
    let who = who(issuer, subject, &claims)?;
    let scopes = scopes(issuer, &who, &claims)?;
    let tenants = tenants(issuer, &who, &claims)?;
    let token = VerifiedToken {
        issuer: issuer.issuer.clone(),
        subject: subject.to_owned(),
        who,
        tenants,
        scopes,
        issued_at,
        expires_at,
        authenticated_at: authenticated_at.min(now),
        hash: token_hash(token, &issuer.issuer, claims.text("jti").filter(|jti| !jti.is_empty())),
        claims,
    };
    // Once more by our clock, by which it will be judged when it comes again.
    if token.has_expired(now) { Err(invalid("expired")) } else { Ok(token) }
}

fn who(issuer: &Issuer, subject: &str, claims: &Claims) -> Result<Who, Denial> {
    let invalid = Denial::TokenInvalid;
    let meaning = match &issuer.kind {
        Kind::Service => return Ok(Who::Service),
        Kind::User(meaning) => meaning,
        Kind::Claim { claim, subject } => match claims.text(claim) {
            Some("service") => return Ok(Who::Service),
            Some("user") => subject,
            _ => return Err(invalid("its kind is neither user nor service")),
        },
    };
    let named = match meaning {
        SubjectMeaning::UserId => UserId::parse(subject).map(Named::UserId),
        SubjectMeaning::Subject(provider) => {
            Subject::parse(subject).map(|subject| Named::Identity(IdentityRef { provider: provider.clone(), subject }))
        }
        SubjectMeaning::Identity(providers) => IdentityRef::parse_joined(subject)
            .filter(|identity| providers.contains(&identity.provider))
            .map(Named::Identity),
    };
    named.map(Who::User).ok_or(invalid("its sub names nobody this issuer may name"))
}

/// The token's scopes (RFC 8693 §4.2) as far as the issuer may give them. A user token has no
/// service scopes, nor a service token self scopes, because the access table keeps the two apart.
fn scopes(issuer: &Issuer, who: &Who, claims: &Claims) -> Result<BTreeSet<String>, Denial> {
    let said = match claims.has("scope") {
        true => claims.text("scope").ok_or(Denial::TokenInvalid("scope is not a string"))?,
        false => "",
    };
    let said = said.split(' ').filter(|scope| issuer.allowed_scopes.contains(*scope));
    let mut scopes: BTreeSet<String> = said.map(str::to_owned).collect();
    if matches!(who, Who::User(_)) {
        scopes.extend(issuer.implied_scopes.iter().cloned());
    }
    Ok(scopes)
}

fn tenants(issuer: &Issuer, who: &Who, claims: &Claims) -> Result<BTreeSet<TenantId>, Denial> {
    match (&issuer.tenant, who) {
        (TenantRule::Fixed(tenant), _) => Ok(BTreeSet::from([tenant.clone()])),
        (TenantRule::OneOf(tenants), Who::Service) => Ok(tenants.clone()),
        (TenantRule::OneOf(_), Who::User(_)) => Err(Denial::TokenInvalid("a user token of no tenant")),
        (TenantRule::Claim { claim, tenants }, _) => claims
            .text(claim)
            .and_then(TenantId::parse)
            .filter(|tenant| tenants.contains(tenant))
            .map(|tenant| BTreeSet::from([tenant]))
            .ok_or(Denial::TokenInvalid("its tenant is not one of ours")),
    }
}

/// Names a token: by its `jti`, which the issuer promises to be unique (RFC 7519 §4.1.7), or else by
/// what was signed. Not by the signature: ECDSA lets anybody make a second one from the first.
fn token_hash(token: &str, issuer: &str, jti: Option<&str>) -> [u8; 32] {
    let named = match jti {
        Some(jti) => format!("jti\0{issuer}\0{jti}"),
        None => format!("token\0{issuer}\0{}", token.rsplit_once('.').map_or(token, |(signed, _)| signed)),
    };
    sha256(named.as_bytes())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

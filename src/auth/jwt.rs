//! One JSON Web Token (RFC 7519) under the practices of RFC 8725: its header, its signature, and
//! the claims that all uses need. The rules of each use are elsewhere.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header, Validation, decode, decode_header,
    errors::{Error, ErrorKind},
};
use serde::Deserialize;

use super::{
    AuthError,
    claims::Claims,
    key_set::{Key, KeySet},
    keys::Keys,
};
use crate::domain::Subject;

/// The longest token that is parsed, in bytes.
pub(super) const MAX_TOKEN: usize = 8 * 1024;
/// The longest key id that is looked up, in bytes.
const MAX_KEY_ID: usize = 128;
/// The cause of a refusal, for the log.
const BAD_SIGNATURE: &str = "the signature is invalid";
/// The claim of a token that reports events (RFC 8417 §2.2). No other token has it.
const EVENTS: &str = "events";
const REPORTS_EVENTS: &str = "it reports events: a logout token, or a security event token";
/// The tolerated difference between two clocks.
pub(super) const LEEWAY: Duration = Duration::from_secs(30);

/// The requirements for a token.
pub(super) struct Expected<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// The accepted audiences. `aud` must contain one of them.
    pub audiences: &'a BTreeSet<String>,
    /// The accepted values of `typ`: see [`super::TokenUseRules::types`].
    pub types: &'a BTreeSet<String>,
    /// The accepted signature algorithms.
    pub algorithms: &'a [Algorithm],
}

/// A token that fulfils the requirements and whose signature is valid.
pub(super) struct Jwt {
    /// Its `sub`.
    pub subject: String,
    /// The signature algorithm.
    pub algorithm: Algorithm,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// The latest of its times of issue and sign-in and its `nbf`, without leeway: before that, it
    /// is refused.
    pub valid_from: DateTime<Utc>,
    /// When it expires, without leeway.
    pub expires_at: DateTime<Utc>,
    /// When the person last signed in: `auth_time`, or without it the time of issue.
    pub authenticated_at: DateTime<Utc>,
    /// All its claims.
    pub claims: Claims,
}

/// The part of a payload that is read before verification, only to select the issuer's keys.
#[derive(Deserialize)]
struct UnverifiedPayload {
    iss: String,
}

/// The issuer that the unverified token names; `None` if the token is malformed.
pub(super) fn unverified_issuer(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    Some(serde_json::from_slice::<UnverifiedPayload>(&payload).ok()?.iss)
}

/// Whether a token with this expiry has expired, with leeway.
pub(super) fn has_expired(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - LEEWAY > expires_at
}

/// Whether this time is in the future, with leeway.
pub(super) fn is_ahead(time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    time > now + LEEWAY
}

/// Whether `time` is longer ago than `than`.
pub(super) fn is_older(time: DateTime<Utc>, than: Duration, now: DateTime<Utc>) -> bool {
    now - time > TimeDelta::from_std(than).unwrap_or(TimeDelta::MAX)
}

/// The keys of an issuer that a token was verified with, and the name of the one that signed it.
pub(super) struct UsedKey {
    /// The keys.
    pub set: Arc<KeySet>,
    /// The thumbprint of the one.
    pub thumbprint: Arc<str>,
}

/// Verifies a token, and returns the key that did. Waits for the issuer's keys if the token is by
/// a key that may be new.
pub(super) async fn verify(
    token: &str,
    expected: &Expected<'_>,
    keys: &Keys,
    now: DateTime<Utc>,
) -> Result<(Jwt, UsedKey), AuthError> {
    let header = expected_header(token, expected)?;
    by_its_key(keys, &header, |key| verify_by(token, expected, (header.alg, key), now)).await
}

/// Verifies by the key that a token names. One that names none is by the only key for its algorithm;
/// if that key has not signed it, the issuer may have replaced the key, and its keys are fetched, as
/// for an unknown key id.
async fn by_its_key<T>(
    keys: &Keys,
    header: &Header,
    verify: impl Fn(&DecodingKey) -> Result<T, AuthError>,
) -> Result<(T, UsedKey), AuthError> {
    let by = |set: Arc<KeySet>| {
        let Key { key, thumbprint, .. } = key_of(&set, header)?;
        let (verified, thumbprint) = (verify(key)?, Arc::clone(thumbprint));
        Ok((verified, UsedKey { set, thumbprint }))
    };
    let set = keys.current_for(header.kid.as_deref()).await?;
    match by(Arc::clone(&set)) {
        Err(AuthError::TokenInvalid(BAD_SIGNATURE)) if header.kid.is_none() => {
            by(keys.current_with(|newer| !newer.is_same_as(&set)).await?)
        }
        outcome => outcome,
    }
}

/// Verifies a token that its issuer signed with the secret that it shares with this service (HMAC).
pub(super) fn verify_by_secret(
    token: &str,
    expected: &Expected<'_>,
    secret: &[u8],
    now: DateTime<Utc>,
) -> Result<Jwt, AuthError> {
    let header = expected_header(token, expected)?;
    verify_by(token, expected, (header.alg, &DecodingKey::from_secret(secret)), now)
}

/// Verifies signed claims, such as those of a userinfo response (OpenID Connect Core §5.3.2), which
/// need not say when they were issued or expire. Waits for the issuer's keys like [`verify`].
pub(super) async fn verify_claims(
    token: &str,
    expected: &Expected<'_>,
    keys: &Keys,
) -> Result<Claims, AuthError> {
    let header = expected_header(token, expected)?;
    let verify = |key: &DecodingKey| verify_claims_by(token, expected, (header.alg, key));
    Ok(by_its_key(keys, &header, verify).await?.0)
}

/// The same for claims that are signed with the secret.
pub(super) fn verify_claims_by_secret(
    token: &str,
    expected: &Expected<'_>,
    secret: &[u8],
) -> Result<Claims, AuthError> {
    let header = expected_header(token, expected)?;
    verify_claims_by(token, expected, (header.alg, &DecodingKey::from_secret(secret)))
}

/// Verifies the signature, issuer, audience and type of a token that reports events (RFC 8417), which
/// need not have a subject or expire. Its times are the caller's to check. Waits for the issuer's
/// keys like [`verify`].
pub(super) async fn verify_events(
    token: &str,
    expected: &Expected<'_>,
    keys: &Keys,
) -> Result<Claims, AuthError> {
    let header = expected_header(token, expected)?;
    let mut validation = validation(expected, header.alg);
    validation.set_required_spec_claims(&["iss", "aud"]);
    let verify = |key: &DecodingKey| {
        decode::<Claims>(token, key, &validation)
            .map_err(|error| refused(&error, "iss, aud or a time is invalid"))
    };
    let claims = by_its_key(keys, &header, verify).await?.0.claims;
    match claims.text("iss") == Some(expected.issuer) {
        true => Ok(claims),
        false => Err(AuthError::TokenInvalid("iss is not a string")),
    }
}

/// The unverified header, if it is one that the requirements permit.
fn expected_header(token: &str, expected: &Expected<'_>) -> Result<Header, AuthError> {
    let header = decode_header(token).map_err(|_| AuthError::TokenInvalid("malformed header"))?;
    // RFC 7797 §7: a JWT must not contain `b64`, whether or not it is listed as critical.
    let has_b64 = header.extras.inner().contains_key("b64");
    if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() || has_b64 {
        return Err(AuthError::TokenInvalid("critical extensions are not supported"));
    }
    if !is_type_allowed(header.typ.as_deref(), expected.types) {
        return Err(AuthError::TokenInvalid("wrong typ"));
    }
    if !expected.algorithms.contains(&header.alg) {
        return Err(AuthError::TokenInvalid(not_configured(header.alg)));
    }
    // A key id that no issuer would use is not worth a fetch.
    if !header.kid.as_deref().is_none_or(is_key_id) {
        return Err(AuthError::TokenInvalid("the key id is malformed"));
    }
    Ok(header)
}

/// The cause of a refusal, for the log: an operator learns from it what `algorithms` lacks.
fn not_configured(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "signed with RS256, which is not among the configured algorithms",
        Algorithm::RS384 => "signed with RS384, which is not among the configured algorithms",
        Algorithm::RS512 => "signed with RS512, which is not among the configured algorithms",
        Algorithm::PS256 => "signed with PS256, which is not among the configured algorithms",
        Algorithm::PS384 => "signed with PS384, which is not among the configured algorithms",
        Algorithm::PS512 => "signed with PS512, which is not among the configured algorithms",
        Algorithm::ES256 => "signed with ES256, which is not among the configured algorithms",
        Algorithm::ES384 => "signed with ES384, which is not among the configured algorithms",
        Algorithm::EdDSA => "signed with EdDSA, which is not among the configured algorithms",
        Algorithm::HS256 => "signed with HS256, a symmetric algorithm that is not configured",
        _ => "signed with an algorithm that is not among the configured ones",
    }
}

fn key_of<'a>(keys: &'a KeySet, header: &Header) -> Result<&'a Key, AuthError> {
    let key = keys.find(header.kid.as_deref(), header.alg);
    let unknown = AuthError::TokenInvalid("the key is unknown, or has another algorithm");
    key.ok_or(unknown)
}

fn verify_by(
    token: &str,
    expected: &Expected<'_>,
    (algorithm, key): (Algorithm, &DecodingKey),
    now: DateTime<Utc>,
) -> Result<Jwt, AuthError> {
    let data = decode::<Claims>(token, key, &validation(expected, algorithm)).map_err(|error| {
        refused(&error, "a claim, the issuer, the audience or a time is invalid")
    })?;
    checked(expected, algorithm, data.claims, now)
}

fn verify_claims_by(
    token: &str,
    expected: &Expected<'_>,
    (algorithm, key): (Algorithm, &DecodingKey),
) -> Result<Claims, AuthError> {
    let mut validation = validation(expected, algorithm);
    // Times that are there are checked.
    validation.set_required_spec_claims(&["iss", "aud", "sub"]);
    let data = decode::<Claims>(token, key, &validation)
        .map_err(|error| refused(&error, "iss, aud, sub or a time is invalid"))?;
    if data.claims.has(EVENTS) {
        return Err(AuthError::TokenInvalid(REPORTS_EVENTS));
    }
    match data.claims.text("iss") == Some(expected.issuer) {
        true => Ok(data.claims),
        false => Err(AuthError::TokenInvalid("iss is not a string")),
    }
}

/// The refusal of a token that does not verify: `otherwise` says why if the signature is good.
fn refused(error: &Error, otherwise: &'static str) -> AuthError {
    AuthError::TokenInvalid(match error.kind() {
        ErrorKind::InvalidSignature => BAD_SIGNATURE,
        _ => otherwise,
    })
}

fn is_key_id(text: &str) -> bool {
    text.len() <= MAX_KEY_ID && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// RFC 7515 §4.1.9: `typ` is compared without case, and `application/` may be omitted.
fn is_type_allowed(typ: Option<&str>, types: &BTreeSet<String>) -> bool {
    let plain = |typ: &str| {
        let typ = typ.to_ascii_lowercase();
        // `application/` alone is a type of its own, and does not equal a missing type.
        typ.strip_prefix("application/")
            .filter(|rest| !rest.is_empty())
            .map(str::to_owned)
            .unwrap_or(typ)
    };
    let typ = plain(typ.unwrap_or_default());
    types.iter().any(|allowed| plain(allowed) == typ)
}

fn validation(expected: &Expected<'_>, algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    // The library checks a claim of the wrong type only if the claim is required.
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&expected.audiences.iter().collect::<Vec<_>>());
    validation.validate_nbf = true;
    validation.leeway = LEEWAY.as_secs();
    validation
}

/// Checks that the library does not do.
fn checked(
    expected: &Expected<'_>,
    algorithm: Algorithm,
    claims: Claims,
    now: DateTime<Utc>,
) -> Result<Jwt, AuthError> {
    let invalid = AuthError::TokenInvalid;
    // A logout token has the issuer, the audience and the subject of an ID token, and need not have a
    // type. Providers push it without the person's doing.
    if claims.has(EVENTS) {
        return Err(invalid(REPORTS_EVENTS));
    }
    if claims.text("iss") != Some(expected.issuer) {
        return Err(invalid("iss is not a string"));
    }
    let subject = claims
        .text("sub")
        .filter(|sub| Subject::parse(sub).is_some())
        .ok_or(invalid("malformed sub"))?;
    let issued_at = claims.time("iat").ok_or(invalid("no iat"))?;
    let expires_at = claims.time("exp").ok_or(invalid("exp is not a time"))?;
    if is_ahead(issued_at, now) {
        return Err(invalid("issued in the future"));
    }
    let authenticated_at = match claims.has("auth_time") {
        true => claims.time("auth_time").ok_or(invalid("auth_time is not a time"))?,
        false => issued_at,
    };
    // A time in the future would count as recent for ever.
    if is_ahead(authenticated_at, now) {
        return Err(invalid("the sign-in is in the future"));
    }
    // Checked again by this service's clock, by which later uses of the bearer token are judged.
    if has_expired(expires_at, now) {
        return Err(invalid("expired"));
    }
    // The library has checked `nbf`.
    let not_before = claims.time("nbf").unwrap_or(issued_at);
    let valid_from = issued_at.max(authenticated_at).max(not_before);
    let authenticated_at = authenticated_at.min(now);
    Ok(Jwt {
        subject: subject.to_owned(),
        algorithm,
        issued_at,
        valid_from,
        expires_at,
        authenticated_at,
        claims,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_is_short_and_printable() {
        for good in ["", "1", "a b", "2024-01-01T00:00Z#1", &"x".repeat(128)] {
            assert!(is_key_id(good), "{good:?}");
        }
        for bad in ["a\n", "\0", "\u{e9}", &"x".repeat(129), &"\n".repeat(200)] {
            assert!(!is_key_id(bad), "{bad:?}");
        }
    }
}

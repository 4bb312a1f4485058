//! When a token ends, and when it is renewed.

use std::time::{Duration, SystemTime};

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// A token is renewed so long before its end, or after 80 % of its life if that is later.
const EARLY: Duration = Duration::from_secs(30);
const LATEST_SHARE: u32 = 5;

/// When to renew a token that was issued now.
pub(crate) fn renew_at(expires_at: SystemTime, now: SystemTime) -> SystemTime {
    let life = expires_at.duration_since(now).unwrap_or_default();
    expires_at.checked_sub(EARLY.min(life / LATEST_SHARE)).unwrap_or(expires_at)
}

/// The `exp` of a JWT (RFC 7519, section 4.1.4), which is not verified: it only decides when to renew.
pub(crate) fn of_jwt(token: &str) -> Option<SystemTime> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: Value =
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()?;
    let seconds = Duration::try_from_secs_f64(claims.get("exp")?.as_f64()?).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(seconds)
}

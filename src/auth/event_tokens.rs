//! Tokens by which a provider reports events of its accounts: logout tokens (OpenID Connect
//! Back-Channel Logout 1.0 §2.4) and security event tokens (RFC 8417, as OpenID Shared Signals
//! Framework 1.0 profiles them). They are verified like the provider's ID tokens, and neither is
//! accepted in place of the other.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::{
    AuthError, IdTokenRules, Keys,
    claims::Claims,
    jwt::{self, Expected, LEEWAY, MAX_TOKEN},
};
use crate::domain::{
    AccountEvent, ProviderEvent, ReportedEvent, Subject, error::EventTokenProblem,
};

/// The largest age of a logout token: it is sent once, when the session ends.
const LOGOUT_MAX_AGE: Duration = Duration::from_secs(600);
/// The largest age of a security event token: a provider repeats one until it is acknowledged (RFC
/// 8935 §2.2), also after this server was away for days.
const EVENT_MAX_AGE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How much longer than its largest age a token is remembered: more than the clocks of two servers
/// may differ.
const REMEMBERED_LONGER: Duration = Duration::from_secs(300);
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 1024;
/// The most events in one token.
const MAX_EVENTS: usize = 20;
/// The event of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// What a token reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTokenKind {
    /// A logout token.
    Logout,
    /// A security event token.
    SecurityEvents,
}

/// The transmitter of security event tokens, and the audiences that they may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSource {
    /// The `iss` of the tokens.
    pub issuer: String,
    /// The audiences that count beside the client.
    pub audiences: BTreeSet<String>,
}

/// The content of a verified token.
#[derive(Debug, Clone)]
pub struct EventToken {
    /// The `iss`.
    pub issuer: String,
    /// The `jti`: the issuer gives it once.
    pub jti: String,
    /// When it was issued, in whole seconds.
    pub issued_at: DateTime<Utc>,
    /// Until when it has to be remembered: a server would refuse it as too old from then on.
    pub remembered_until: DateTime<Utc>,
    /// What it reports of accounts. Events of unknown types are left out.
    pub events: Vec<ReportedEvent>,
}

/// Why a token is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTokenError {
    /// It is not verified: [`AuthError::TokenInvalid`] or [`AuthError::KeysUnavailable`].
    Unverified(AuthError),
    /// It is the provider's, and this is wrong with it.
    Content(EventTokenProblem),
}

impl From<AuthError> for EventTokenError {
    fn from(error: AuthError) -> Self {
        Self::Unverified(error)
    }
}

impl EventTokenKind {
    /// The kind as text, for the log and the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout_token",
            Self::SecurityEvents => "security_event_token",
        }
    }

    /// The accepted types. Many providers send none, or one for all their tokens.
    fn types(self) -> BTreeSet<String> {
        let own = match self {
            Self::Logout => "logout+jwt",
            Self::SecurityEvents => "secevent+jwt",
        };
        BTreeSet::from([own, "JWT", ""].map(str::to_owned))
    }

    fn max_age(self) -> Duration {
        match self {
            Self::Logout => LOGOUT_MAX_AGE,
            Self::SecurityEvents => EVENT_MAX_AGE,
        }
    }
}

impl IdTokenRules {
    /// Verifies a token of this kind by the provider's published keys. Waits for them if the token
    /// names a key that may be new.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn verify_events(
        &self,
        token: &str,
        kind: EventTokenKind,
        keys: &Keys,
        source: &EventSource,
        now: DateTime<Utc>,
    ) -> Result<EventToken, EventTokenError> {
        let invalid = |text| EventTokenError::from(AuthError::TokenInvalid(text));
        if token.len() > MAX_TOKEN {
            return Err(invalid("longer than 8 KiB"));
        }
        let mut audiences = BTreeSet::from([self.client_id.clone()]);
        let issuer = match kind {
            EventTokenKind::Logout => self.issuer.name(),
            EventTokenKind::SecurityEvents => {
                audiences.extend(source.audiences.iter().cloned());
                &source.issuer
            }
        };
        let types = kind.types();
        let algorithms = self.signatures.algorithms();
        let expected = Expected { issuer, audiences: &audiences, types: &types, algorithms };
        let claims = jwt::verify_events(token, &expected, keys).await?;

        let issued_at = claims.time("iat").ok_or(invalid("no iat"))?;
        if jwt::is_ahead(issued_at, now) {
            return Err(invalid("issued in the future"));
        }
        if jwt::is_older(issued_at, kind.max_age() + LEEWAY, now) {
            return Err(invalid("not issued recently enough"));
        }
        if claims.has("nbf") && claims.time("nbf").is_none_or(|time| jwt::is_ahead(time, now)) {
            return Err(invalid("nbf is no time, or in the future"));
        }
        if claims.has("exp") && claims.time("exp").is_none_or(|time| jwt::has_expired(time, now)) {
            return Err(invalid("exp is no time, or in the past"));
        }
        // An ID token has one. Back-Channel Logout 1.0 §2.4 prohibits it for this reason.
        if claims.has("nonce") {
            return Err(invalid("it has a nonce, as an ID token has"));
        }
        let jti = claims.text("jti").filter(|jti| (1..=MAX_JTI).contains(&jti.len()));
        let jti = jti.ok_or(invalid("jti is missing, or too long"))?;
        let events = claims.object("events").ok_or(invalid("events is not an object"))?;
        let events = match kind {
            EventTokenKind::Logout => logout(&claims, events)?,
            EventTokenKind::SecurityEvents => {
                account_events(&claims, events, &[self.issuer.name(), &source.issuer])?
            }
        };
        let kept = kind.max_age() + LEEWAY + REMEMBERED_LONGER;
        Ok(EventToken {
            issuer: issuer.to_owned(),
            jti: jti.to_owned(),
            issued_at,
            remembered_until: issued_at + TimeDelta::from_std(kept).unwrap_or(TimeDelta::MAX),
            events,
        })
    }
}

/// The event of a logout token (Back-Channel Logout 1.0 §2.6).
fn logout(
    claims: &Claims,
    events: &Map<String, Value>,
) -> Result<Vec<ReportedEvent>, EventTokenError> {
    let invalid = |text| EventTokenError::from(AuthError::TokenInvalid(text));
    if !events.get(LOGOUT).is_some_and(Value::is_object) {
        return Err(invalid("events has no backchannel-logout"));
    }
    if !claims.has("exp") {
        return Err(invalid("no exp"));
    }
    if !claims.has("sub") {
        return Err(EventTokenError::Content(EventTokenProblem::SessionOnly));
    }
    let subject = claims.text("sub").and_then(Subject::parse).ok_or(invalid("malformed sub"))?;
    Ok(vec![ReportedEvent { subject, what: ProviderEvent::Logout }])
}

/// The known events of a security event token, about accounts of these issuers.
fn account_events(
    claims: &Claims,
    events: &Map<String, Value>,
    issuers: &[&str],
) -> Result<Vec<ReportedEvent>, EventTokenError> {
    let invalid = |text| EventTokenError::from(AuthError::TokenInvalid(text));
    if events.is_empty() || events.len() > MAX_EVENTS {
        return Err(invalid("events has no event, or too many"));
    }
    // SSF 1.0 prohibits it, so that no token of a person is taken for one of these.
    if claims.has("sub") {
        return Err(invalid("it has a sub, as a token of a person has"));
    }
    let known = events.iter().filter_map(|(uri, event)| Some((AccountEvent::of_type(uri)?, event)));
    known
        .map(|(event, payload)| {
            let payload = payload.as_object().ok_or(invalid("an event is not an object"))?;
            let subject = subject(claims, payload, issuers).map_err(EventTokenError::Content)?;
            Ok(ReportedEvent { subject, what: ProviderEvent::Account(event) })
        })
        .collect()
}

/// The account of an event: in the token (`sub_id`, RFC 9493 §3), or in the event itself (`subject`),
/// as RISC had it before.
fn subject(
    claims: &Claims,
    payload: &Map<String, Value>,
    issuers: &[&str],
) -> Result<Subject, EventTokenProblem> {
    let own = payload.get("subject").map(|value| value.as_object());
    let of_token = claims.has("sub_id").then(|| claims.object("sub_id"));
    let parsed = |named: Option<&Map<String, Value>>| {
        let named = named.ok_or(EventTokenProblem::SubjectFormat)?;
        iss_sub(named, issuers)
    };
    match (own, of_token) {
        (None, None) => Err(EventTokenProblem::SubjectFormat),
        (Some(named), None) | (None, Some(named)) => parsed(named),
        (Some(own), Some(of_token)) => {
            let (own, of_token) = (parsed(own)?, parsed(of_token)?);
            (own == of_token).then_some(own).ok_or(EventTokenProblem::SubjectFormat)
        }
    }
}

/// The subject of the format `iss_sub` (RFC 9493 §3.2.3), which RISC's first drafts spelled
/// `"subject_type": "iss-sub"`. Its issuer must be the provider's: another one's accounts are other
/// people.
fn iss_sub(named: &Map<String, Value>, issuers: &[&str]) -> Result<Subject, EventTokenProblem> {
    let text = |name: &str| named.get(name).and_then(Value::as_str);
    let is_known = match (text("format"), text("subject_type")) {
        (Some(format), None) => format == "iss_sub",
        (None, Some(format)) => matches!(format, "iss-sub" | "iss_sub"),
        _ => false,
    };
    if !is_known {
        return Err(EventTokenProblem::SubjectFormat);
    }
    if !text("iss").is_some_and(|iss| issuers.contains(&iss)) {
        return Err(EventTokenProblem::SubjectIssuer);
    }
    text("sub").and_then(Subject::parse).ok_or(EventTokenProblem::SubjectFormat)
}

//! Admission of calls of all transports: the bearer token, its caller, the access table, and the
//! permit.

use std::sync::Arc;

use http::{HeaderMap, header::AUTHORIZATION};

use crate::{
    auth::{
        AccessRule, AuthError, Permit, StatedReason, TokenCaller, TokenUse, VerifiedToken,
        stated_reason::HEADER as REASON,
    },
    clock,
    domain::{DomainError, TenantId},
    telemetry::{CallRecord, Step},
    use_cases::UseCases,
};

/// The header by which a service of several tenants names one.
pub const TENANT: &str = "x-tenant";

/// Verifies the bearer token of a call.
///
/// # Errors
/// Why the token is refused.
pub async fn verify(
    use_cases: &UseCases,
    headers: &HeaderMap,
    record: &CallRecord,
) -> Result<Arc<VerifiedToken>, AuthError> {
    let token = bearer(headers)?;
    let _step = Step::begin("verify_token");
    let token = use_cases.issuers().verify(token, TokenUse::Bearer, clock::now()).await?;
    let kind = match token.caller {
        TokenCaller::User(_) => "user",
        TokenCaller::Service => "service",
    };
    record.set_caller(kind, token.service.clone());
    Ok(token)
}

/// Judges a verified caller by a rule and the headers. Which user the call is about is judged
/// later.
///
/// # Errors
/// Why the caller may not make this call.
pub fn permit(
    use_cases: &UseCases,
    rule: &AccessRule,
    token: &VerifiedToken,
    headers: &HeaderMap,
    record: &CallRecord,
) -> Result<Permit, AuthError> {
    let permit = rule.permit(token, || tenant(headers, token))?;
    record.set_tenant(permit.tenant().as_str());
    use_cases.expect_sign_in(&permit)?;
    let reason = reason(headers, permit.is_service())?;
    Ok(permit.because(reason))
}

/// Why a service makes a change, if it says so.
fn reason(headers: &HeaderMap, is_service: bool) -> Result<Option<StatedReason>, AuthError> {
    let wrong = |text: &str| Err(DomainError::invalid(REASON, text).into());
    let mut stated = headers.get_all(REASON).iter();
    match (stated.next(), stated.next()) {
        (None, _) => Ok(None),
        (Some(_), _) if !is_service => wrong("is for services: a user token says no reason"),
        (Some(_), Some(_)) => wrong("must be given once"),
        (Some(reason), None) => {
            // What is not ASCII is no percent-encoding either.
            Ok(Some(StatedReason::from_header(reason.to_str().unwrap_or_default())?))
        }
    }
}

/// The single bearer token (RFC 6750 §2.1). Two credentials could belong to two callers.
fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(AuthError::TokenMissing),
        (Some(value), None) => value.to_str().map_err(|_| AuthError::TokenInvalid("not ASCII"))?,
        (Some(_), Some(_)) => return Err(AuthError::TokenInvalid("two authorization headers")),
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(AuthError::TokenInvalid("not a bearer token")),
    }
}

/// The tenant of the call: the token's, or the one of several that the call names.
fn tenant(headers: &HeaderMap, token: &VerifiedToken) -> Result<TenantId, AuthError> {
    let wrong = |text: &str| Err(DomainError::invalid(TENANT, text).into());
    let mut named = headers.get_all(TENANT).iter();
    let mut own = token.tenants.iter();
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => wrong("must be given once"),
        (Some(name), None) => {
            let name = name.to_str().ok().and_then(TenantId::parse);
            match name.filter(|name| token.tenants.contains(name)) {
                Some(tenant) => Ok(tenant),
                None => wrong("must name a tenant that the token serves"),
            }
        }
        (None, _) => match (own.next(), own.next()) {
            (Some(tenant), None) => Ok(tenant.clone()),
            _ => wrong("is required: the token serves several tenants"),
        },
    }
}

//! Admission of calls of all transports: the bearer token, its caller, the access table, and the permit.

use std::sync::Arc;

use http::{HeaderMap, header::AUTHORIZATION};

use super::telemetry::CallRecord;
use crate::{
    auth::{Denial, Permit, Rule, TokenUse, VerifiedToken, Who},
    clock,
    domain::{Refusal, TenantId},
    linking::Linking,
};

/// The header by which a service of several tenants names one.
pub const TENANT: &str = "x-tenant";

/// Verifies the bearer token of a call.
///
/// # Errors
/// Why the token is refused.
pub async fn verify(linking: &Linking, headers: &HeaderMap, record: &CallRecord) -> Result<Arc<VerifiedToken>, Denial> {
    let token = bearer(headers)?;
    let token = linking.issuers().verify(token, TokenUse::Bearer, clock::now()).await?;
    record.set_caller(match token.who {
        Who::User(_) => "user",
        Who::Service => "service",
    });
    Ok(token)
}

/// Judges a verified caller by a rule and the headers. Which user the call is about is judged later.
///
/// # Errors
/// Why the caller may not make this call.
pub fn permit(linking: &Linking, rule: &Rule, token: &VerifiedToken, headers: &HeaderMap) -> Result<Permit, Denial> {
    let permit = rule.permit(token, || tenant(headers, token))?;
    linking.expect_sign_in(&permit)?;
    Ok(permit)
}

/// The single bearer token (RFC 6750 §2.1). Two credentials could belong to two callers.
fn bearer(headers: &HeaderMap) -> Result<&str, Denial> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(Denial::TokenMissing),
        (Some(value), None) => value.to_str().map_err(|_| Denial::TokenInvalid("not ASCII"))?,
        (Some(_), Some(_)) => return Err(Denial::TokenInvalid("two authorization headers")),
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Denial::TokenInvalid("not a bearer token")),
    }
}

/// The tenant of the call: the token's, or the one of several that the call names.
fn tenant(headers: &HeaderMap, token: &VerifiedToken) -> Result<TenantId, Denial> {
    let wrong = |text: &str| Err(Refusal::invalid(TENANT, text).into());
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

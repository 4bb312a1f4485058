//! Which callers an issuer's tokens name: their kind, their subject and their tenant.

use std::collections::BTreeSet;

use super::ISSUER;
use crate::{
    auth::{CallerKind, SubjectMeaning, TenantRule},
    config::reader::Reader,
    domain::{Provider, TenantId},
};

/// Reads which kind of caller the tokens name, and what the subject of user tokens means.
pub(super) fn read_kind(r: &mut Reader) -> Option<CallerKind> {
    let claim = r.text(&ISSUER.kind_claim);
    let kind = r.text(&ISSUER.kind);
    let kind = match (kind.as_deref(), claim) {
        (Some("service"), None) => return Some(CallerKind::Service),
        (Some("user"), None) => None,
        (None, Some(claim)) => Some(claim),
        _ => {
            r.problem(
                ISSUER.kind.name,
                "must be \"user\" or \"service\", or kind_claim must name a claim that says so",
            );
            // The meaning of these keys depends on the kind, but their form can be checked.
            read_subject_if_any(r);
            return None;
        }
    };
    let subject = read_subject(r)?;
    Some(match kind {
        None => CallerKind::User(subject),
        Some(claim) => CallerKind::Claim { claim, subject },
    })
}

fn read_subject_if_any(r: &mut Reader) {
    if r.has(ISSUER.subject.name) {
        drop(read_subject(r));
    }
    r.skip([ISSUER.provider.name, ISSUER.providers.name]);
}

fn read_subject(r: &mut Reader) -> Option<SubjectMeaning> {
    let provider = |text: &str| Provider::parse(text).ok_or_else(|| Provider::FORM.to_owned());
    match r.text(&ISSUER.subject).as_deref() {
        Some("subject") => match r.has(ISSUER.provider.name) {
            true => r.parsed(&ISSUER.provider, provider).map(SubjectMeaning::Subject),
            false => {
                r.problem(
                    ISSUER.provider.name,
                    "is required: the provider whose subjects the tokens name",
                );
                None
            }
        },
        Some("identity") => {
            let names = r.list(&ISSUER.providers).unwrap_or_default();
            let providers: Result<BTreeSet<_>, _> =
                names.iter().map(|name| provider(name)).collect();
            match providers {
                Ok(providers) if !providers.is_empty() => Some(SubjectMeaning::Identity(providers)),
                Ok(_) => {
                    r.problem(
                        ISSUER.providers.name,
                        "is required: the providers that the tokens may name",
                    );
                    None
                }
                Err(problem) => {
                    r.problem(ISSUER.providers.name, format!("each {problem}"));
                    None
                }
            }
        }
        Some("user_id") => Some(SubjectMeaning::UserId),
        _ => {
            r.problem(
                ISSUER.subject.name,
                "must be \"subject\", \"identity\" or \"user_id\": what the tokens' sub means",
            );
            None
        }
    }
}

/// Reads the tenants of the tokens.
pub(super) fn read_tenant(
    r: &mut Reader,
    tenants: &BTreeSet<TenantId>,
    is_service: bool,
) -> Option<TenantRule> {
    let known = |text: &str| {
        let tenant = TenantId::parse(text).filter(|tenant| tenants.contains(tenant));
        tenant.ok_or_else(|| format!("{text:?} is not one of the [tenants]"))
    };
    let has_claim = r.has(ISSUER.tenant_claim.name);
    match [r.has(ISSUER.tenant.name), has_claim, r.has(ISSUER.tenants.name)] {
        [true, false, false] => r.parsed(&ISSUER.tenant, known).map(TenantRule::Fixed),
        // Without a list, an issuer could also name tenants that are added later.
        [false, true, false] => r
            .text(&ISSUER.tenant_claim)
            .map(|claim| TenantRule::Claim { claim, tenants: tenants.clone() }),
        [false, _, true] => {
            let claim = r.text(&ISSUER.tenant_claim);
            let names = r.list(&ISSUER.tenants)?;
            if names.is_empty() || !(is_service || has_claim) {
                r.problem(
                    ISSUER.tenants.name,
                    "must name at least one tenant, and is only for services that serve several or beside tenant_claim",
                );
                return None;
            }
            let tenants: Result<BTreeSet<_>, _> = names.iter().map(|name| known(name)).collect();
            let tenants =
                tenants.map_err(|problem| r.problem(ISSUER.tenants.name, problem)).ok()?;
            Some(match claim {
                Some(claim) => TenantRule::Claim { claim, tenants },
                None => TenantRule::OneOf(tenants),
            })
        }
        _ => {
            r.problem(
                ISSUER.tenant.name,
                "is required: one of the [tenants]; or tenant_claim; or, for services, tenants",
            );
            r.skip([ISSUER.tenant.name, ISSUER.tenant_claim.name, ISSUER.tenants.name]);
            None
        }
    }
}

//! Which callers an issuer's tokens name: their kind, their subject and their tenant.

use std::collections::BTreeSet;

use super::ISSUER;
use crate::{
    auth::{CallerKind, SubjectMeaning, TenantRule},
    config::{problem::did_you_mean, reader::Reader},
    domain::{Provider, TenantId},
};

/// Which callers the tokens of an issuer name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Caller {
    User,
    Service,
}

/// What the subject of user tokens is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum SubjectForm {
    Subject,
    Identity,
    UserId,
}

/// Reads which kind of caller the tokens name, and what the subject of user tokens means.
pub(super) fn read_kind(r: &mut Reader) -> Option<CallerKind> {
    let has = [r.has(ISSUER.kind.name), r.has(ISSUER.kind_claim.name)];
    let claim = r.text(&ISSUER.kind_claim);
    let kind = r.one_of(&ISSUER.kind);
    match (has, kind, claim) {
        ([true, false], Some(Caller::Service), _) => Some(CallerKind::Service),
        ([true, false], Some(Caller::User), _) => read_subject(r).map(CallerKind::User),
        ([false, true], _, Some(claim)) => {
            read_subject(r).map(|subject| CallerKind::Claim { claim, subject })
        }
        _ => {
            if has[0] == has[1] {
                r.lacks(
                    &[ISSUER.kind.name, ISSUER.kind_claim.name],
                    "exactly one of kind and kind_claim is required: which callers the tokens name",
                );
            }
            // The meaning of these keys depends on the kind, but their form can be checked.
            if r.has(ISSUER.subject.name) {
                drop(read_subject(r));
            }
            r.skip([ISSUER.provider.name, ISSUER.providers.name]);
            None
        }
    }
}

fn read_subject(r: &mut Reader) -> Option<SubjectMeaning> {
    if !r.has(ISSUER.subject.name) {
        r.lacks(
            &[ISSUER.subject.name],
            "is required: \"subject\", \"identity\" or \"user_id\", which is what the tokens' sub means",
        );
    }
    let provider = |text: &str| Provider::parse(text).ok_or_else(|| Provider::FORM.to_owned());
    match r.one_of(&ISSUER.subject) {
        Some(SubjectForm::Subject) => match r.has(ISSUER.provider.name) {
            true => r.parsed(&ISSUER.provider, provider).map(SubjectMeaning::Subject),
            false => {
                r.lacks(
                    &[ISSUER.provider.name],
                    "is required: the provider whose subjects the tokens name",
                );
                None
            }
        },
        Some(SubjectForm::Identity) => read_providers(r).map(SubjectMeaning::Identity),
        Some(SubjectForm::UserId) => Some(SubjectMeaning::UserId),
        None => {
            r.skip([ISSUER.provider.name, ISSUER.providers.name]);
            None
        }
    }
}

/// Reads the providers that the tokens may name; `None` if there is a problem with them.
fn read_providers(r: &mut Reader) -> Option<BTreeSet<Provider>> {
    let is_given = r.has(ISSUER.providers.name);
    let names = r.list(&ISSUER.providers);
    if !is_given || names.as_ref().is_some_and(BTreeSet::is_empty) {
        r.lacks(&[ISSUER.providers.name], "is required: the providers that the tokens may name");
        return None;
    }
    let names = names?;
    let providers: Option<BTreeSet<Provider>> =
        names.iter().map(|name| Provider::parse(name)).collect();
    if providers.is_none() {
        r.problem(ISSUER.providers.name, format!("each {}", Provider::FORM));
    }
    providers
}

/// Reads the tenants of the tokens.
pub(super) fn read_tenant(
    r: &mut Reader,
    tenants: &BTreeSet<TenantId>,
    is_service: bool,
) -> Option<TenantRule> {
    let known = |text: &str| {
        // Without tenants, the problem is that there are none.
        let is_known = |tenant: &TenantId| tenants.is_empty() || tenants.contains(tenant);
        TenantId::parse(text).filter(is_known).ok_or_else(|| {
            let meant = did_you_mean(text, tenants.iter().map(TenantId::as_str));
            format!("{text:?} is not one of the [tenants]{meant}")
        })
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
            r.lacks(
                &[ISSUER.tenant.name, ISSUER.tenant_claim.name, ISSUER.tenants.name],
                "is required: one of the [tenants]; or tenant_claim; or, for services, tenants",
            );
            r.skip([ISSUER.tenant.name, ISSUER.tenant_claim.name, ISSUER.tenants.name]);
            None
        }
    }
}

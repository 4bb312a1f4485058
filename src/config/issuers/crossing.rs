//! The rules between issuers, and between issuers and tenants: one name in tokens means one person.

use std::collections::BTreeMap;

use super::{
    super::{problem::did_you_mean, reader::Reader},
    Draft,
};
use crate::{
    config::Tenant,
    domain::{Provider, TenantId},
};

/// Checks all of these rules. `r` is the table of the issuers.
pub(super) fn check(r: &Reader, drafts: &[(String, Draft)], tenants: &BTreeMap<TenantId, Tenant>) {
    check_together(r, drafts);
    check_declared(r, drafts, tenants);
    check_against_clients(r, drafts, tenants);
}

/// Checks the rules between issuers.
fn check_together(r: &Reader, drafts: &[(String, Draft)]) {
    let mut by_iss = BTreeMap::new();
    let mut by_provider = BTreeMap::new();
    let mut by_user_id = BTreeMap::new();
    for (name, Draft { issuer, kind, tenant, .. }) in drafts {
        if let Some(first) = issuer.as_ref().map(|issuer| *by_iss.entry(issuer).or_insert(name))
            && first != name
        {
            r.problem(name, format!("has the same issuer as issuers.{first}"));
        }
        let Some((kind, tenant)) = kind.as_ref().zip(tenant.as_ref()) else { continue };
        for tenant in tenant.tenants() {
            for provider in kind.providers() {
                let first = *by_provider.entry((tenant, provider)).or_insert(name);
                if first != name {
                    r.problem(
                        name,
                        format!(
                            "names subjects of provider {provider} in tenant {tenant}, and so does issuers.{first}: \
                             one subject could then be two people"
                        ),
                    );
                }
            }
            if kind.names_user_ids() {
                let first = *by_user_id.entry(tenant).or_insert(name);
                if first != name {
                    r.problem(
                        name,
                        format!("names user ids of tenant {tenant}, and so does issuers.{first}: only one issuer may"),
                    );
                }
            }
        }
    }
}

/// Checks that the tenants of an issuer declare its providers: no other account could sign in.
fn check_declared(r: &Reader, drafts: &[(String, Draft)], tenants: &BTreeMap<TenantId, Tenant>) {
    for (name, Draft { kind, tenant, .. }) in drafts {
        let Some((kind, rule)) = kind.as_ref().zip(tenant.as_ref()) else { continue };
        for (id, tenant) in rule.tenants().into_iter().filter_map(|id| Some((id, tenants.get(id)?)))
        {
            for provider in
                kind.providers().into_iter().filter(|of| !tenant.provider(of).policy.is_known)
            {
                let meant =
                    did_you_mean(provider.as_str(), tenant.providers.keys().map(Provider::as_str));
                r.lacks_elsewhere(
                    name,
                    format!(
                        "names subjects of provider {provider} in tenant {id}, which has no such provider: declare \
                         [tenants.{id}.providers.{provider}], or set tenants.{id}.undeclared_providers = \"allow\"{meant}"
                    ),
                    format!("tenants.{id}.providers"),
                );
            }
        }
    }
}

/// A sign-in through identity-link and a token that names the provider's subjects must mean the
/// same person.
fn check_against_clients(
    r: &Reader,
    drafts: &[(String, Draft)],
    tenants: &BTreeMap<TenantId, Tenant>,
) {
    for (name, Draft { issuer, kind, tenant, .. }) in drafts {
        let (Some(issuer), Some(kind), Some(rule)) = (issuer, kind, tenant) else { continue };
        for (tenant, provider) in rule
            .tenants()
            .into_iter()
            .flat_map(|t| kind.providers().into_iter().map(move |p| (t, p)))
        {
            let client =
                tenants.get(tenant).and_then(|tenant| tenant.provider(provider).oauth.as_ref());
            let Some(client) = client else { continue };
            let other = client.issuer();
            if other != *issuer {
                r.problem(
                    name,
                    format!(
                        "names subjects of provider {provider} in tenant {tenant}, at which people sign in with issuer {other}: \
                         one subject could then be two people"
                    ),
                );
            } else if let Some((outer, inner)) = client.subject_claims() {
                r.problem(
                    name,
                    format!(
                        "names subjects of provider {provider} in tenant {tenant} by sub, but sign-ins there are named by \
                         {outer} and {inner}: one person would be two"
                    ),
                );
            }
        }
    }
}

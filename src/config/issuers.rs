//! The `[issuers.*]` tables: which issuers are trusted, and for what.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::Path,
    time::Duration,
};

use jsonwebtoken::{Algorithm, AlgorithmFamily};

use super::{Tenant, reader::Reader};
use crate::{
    auth::{Issuer, KeySettings, KeySource, Kind, SubjectMeaning, TenantRule, UseRules, access, key_source},
    domain::{Provider, TenantId},
    http_client,
};

/// The type of access tokens (RFC 9068).
const DEFAULT_TYPE: &str = "at+jwt";
/// The default and the upper bound of the age of a `link_with` token.
const LINK_WITH_MAX_AGE: Duration = Duration::from_secs(600);
/// The default of the longest lifetime that a token may have.
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How often keys are read again. The upper bound holds that a removed key is dead within ten minutes.
const KEYS_REFRESH: (Duration, RangeInclusive<Duration>) =
    (Duration::from_secs(300), Duration::from_secs(1)..=Duration::from_secs(9 * 60));
/// How old keys may be and still be used, if they cannot be read again.
const KEYS_MAX_AGE: (Duration, RangeInclusive<Duration>) =
    (Duration::from_secs(3600), Duration::from_secs(1)..=Duration::from_secs(3600));

/// Reads all issuers. Relative paths start at `base`.
pub(super) fn read(mut reader: Reader, tenants: &BTreeMap<TenantId, Tenant>, base: &Path) -> Vec<Issuer> {
    let names: BTreeSet<TenantId> = tenants.keys().cloned().collect();
    let drafts: Vec<(String, Draft)> =
        reader.tables().into_iter().map(|(name, table)| (name, read_issuer(table, &names, base))).collect();
    check_together(&reader, &drafts);
    check_declared(&reader, &drafts, tenants);
    check_against_clients(&reader, &drafts, tenants);
    reader.finish();
    drafts.into_iter().filter_map(|(_, draft)| draft.whole).collect()
}

/// An issuer as far as it could be read. The rules between issuers are checked on the parts, so that one problem does
/// not hide another.
struct Draft {
    issuer: Option<String>,
    kind: Option<Kind>,
    tenant: Option<TenantRule>,
    whole: Option<Issuer>,
}

fn read_issuer(mut r: Reader, tenants: &BTreeSet<TenantId>, base: &Path) -> Draft {
    let issuer = r.required_text("issuer");
    let algorithms = read_algorithms(&mut r);
    let kind = read_kind(&mut r);
    let service = matches!(kind, Some(Kind::Service));
    let tenant = read_tenant(&mut r, tenants, service);
    let keys = read_keys(&mut r, issuer.as_deref(), &algorithms, base);
    let bearer = r.list("audiences").map(|audiences| UseRules {
        audiences,
        types: r.list("types").unwrap_or_else(|| BTreeSet::from([DEFAULT_TYPE.to_owned()])),
        max_age: None,
        same_client: false,
    });
    let link_with = r.table("link_with").and_then(read_link_with);
    if bearer.is_none() && link_with.is_none() {
        r.problem("audiences", "is required, or a table link_with: otherwise no token of this issuer is accepted");
    }
    let allowed_scopes = read_scopes(&mut r, "allowed_scopes", |rule| [rule.self_scope, rule.service_scope]);
    let implied_scopes = read_scopes(&mut r, "implied_scopes", |rule| [rule.self_scope, None]);
    if service && !implied_scopes.is_empty() {
        r.problem("implied_scopes", "are for user tokens only");
    }
    if service && link_with.is_some() {
        r.problem("link_with", "is for user tokens only: a service token proves no user");
    }
    let max_lifetime = r.duration("max_lifetime", MAX_LIFETIME);
    let require_auth_time = r.boolean("require_auth_time", false);
    if service && require_auth_time {
        r.problem("require_auth_time", "is for user tokens only: a service does not sign in");
    }
    r.finish();
    let parts = (issuer.clone(), kind.clone(), tenant.clone(), keys);
    let whole = match parts {
        (Some(issuer), Some(kind), Some(tenant), Some(keys)) => Some(Issuer {
            issuer,
            kind,
            tenant,
            algorithms,
            keys,
            bearer,
            link_with,
            allowed_scopes,
            implied_scopes,
            max_lifetime,
            require_auth_time,
        }),
        _ => None,
    };
    Draft { issuer, kind, tenant, whole }
}

fn read_algorithms(r: &mut Reader) -> Vec<Algorithm> {
    let Some(names) = r.list("algorithms") else {
        r.problem("algorithms", "is required: the signature algorithms of this issuer, such as [\"RS256\"]");
        return Vec::new();
    };
    let mut algorithms = Vec::new();
    for name in names {
        match name.parse::<Algorithm>() {
            Ok(algorithm) if algorithm.family() == AlgorithmFamily::Hmac => {
                r.problem("algorithms", format!("{name} is symmetric: each party that can verify could also sign"));
            }
            Ok(algorithm) => algorithms.push(algorithm),
            Err(_) => r.problem("algorithms", format!("{name:?} is not an algorithm")),
        }
    }
    algorithms
}

fn read_kind(r: &mut Reader) -> Option<Kind> {
    let claim = r.text("kind_claim");
    let kind = r.text("kind");
    let kind = match (kind.as_deref(), claim) {
        (Some("service"), None) => return Some(Kind::Service),
        (Some("user"), None) => None,
        (None, Some(claim)) => Some(claim),
        _ => {
            r.problem("kind", "must be \"user\" or \"service\", or kind_claim must name a claim that says so");
            // The meaning of these keys depends on the kind, but their form can be checked.
            read_subject_if_any(r);
            return None;
        }
    };
    let subject = read_subject(r)?;
    Some(match kind {
        None => Kind::User(subject),
        Some(claim) => Kind::Claim { claim, subject },
    })
}

fn read_subject_if_any(r: &mut Reader) {
    if r.has("subject") {
        drop(read_subject(r));
    }
    r.skip(["provider", "providers"]);
}

fn read_subject(r: &mut Reader) -> Option<SubjectMeaning> {
    let provider = |text: &str| Provider::parse(text).ok_or_else(|| Provider::FORM.to_owned());
    match r.text("subject").as_deref() {
        Some("subject") => match r.has("provider") {
            true => r.parsed("provider", provider).map(SubjectMeaning::Subject),
            false => {
                r.problem("provider", "is required: the provider whose subjects the tokens name");
                None
            }
        },
        Some("identity") => {
            let names = r.list("providers").unwrap_or_default();
            let providers: Result<BTreeSet<_>, _> = names.iter().map(|name| provider(name)).collect();
            match providers {
                Ok(providers) if !providers.is_empty() => Some(SubjectMeaning::Identity(providers)),
                Ok(_) => {
                    r.problem("providers", "is required: the providers that the tokens may name");
                    None
                }
                Err(problem) => {
                    r.problem("providers", format!("each {problem}"));
                    None
                }
            }
        }
        Some("user_id") => Some(SubjectMeaning::UserId),
        _ => {
            r.problem("subject", "must be \"subject\", \"identity\" or \"user_id\": what the tokens' sub means");
            None
        }
    }
}

fn read_tenant(r: &mut Reader, tenants: &BTreeSet<TenantId>, is_service: bool) -> Option<TenantRule> {
    let known = |text: &str| {
        let tenant = TenantId::parse(text).filter(|tenant| tenants.contains(tenant));
        tenant.ok_or_else(|| format!("{text:?} is not one of the [tenants]"))
    };
    let has_claim = r.has("tenant_claim");
    match [r.has("tenant"), has_claim, r.has("tenants")] {
        [true, false, false] => r.parsed("tenant", known).map(TenantRule::Fixed),
        // Without a list, an issuer could also name tenants that are added later.
        [false, true, false] => {
            r.text("tenant_claim").map(|claim| TenantRule::Claim { claim, tenants: tenants.clone() })
        }
        [false, _, true] => {
            let claim = r.text("tenant_claim");
            let names = r.list("tenants")?;
            if names.is_empty() || !(is_service || has_claim) {
                r.problem(
                    "tenants",
                    "is for services that serve several, or beside tenant_claim, and names at least one",
                );
                return None;
            }
            let tenants: Result<BTreeSet<_>, _> = names.iter().map(|name| known(name)).collect();
            let tenants = tenants.map_err(|problem| r.problem("tenants", problem)).ok()?;
            Some(match claim {
                Some(claim) => TenantRule::Claim { claim, tenants },
                None => TenantRule::OneOf(tenants),
            })
        }
        _ => {
            r.problem("tenant", "is required: one of the [tenants]; or tenant_claim; or, for services, tenants");
            r.skip(["tenant", "tenant_claim", "tenants"]);
            None
        }
    }
}

fn read_keys(r: &mut Reader, issuer: Option<&str>, algorithms: &[Algorithm], base: &Path) -> Option<KeySettings> {
    let source = read_key_source(r, issuer, algorithms, base);
    let refresh = r.duration_within("jwks_refresh", KEYS_REFRESH);
    let max_age = r.duration_within("jwks_max_age", KEYS_MAX_AGE);
    if max_age <= refresh {
        r.problem("jwks_max_age", "must be longer than jwks_refresh: there would be no keys in between");
    }
    source.map(|source| KeySettings { source, refresh, max_age })
}

fn read_key_source(r: &mut Reader, issuer: Option<&str>, algorithms: &[Algorithm], base: &Path) -> Option<KeySource> {
    match [r.has("jwks_file"), r.has("jwks_url"), r.boolean("discovery", false)] {
        [true, false, false] => {
            let file = base.join(r.text("jwks_file")?);
            if let Err(error) = key_source::read_file(&file, algorithms) {
                r.problem("jwks_file", format!("{} {error}", file.display()));
            }
            Some(KeySource::File(file))
        }
        [false, true, false] => r
            .parsed("jwks_url", |text| {
                let url: http::Uri = text.parse().map_err(|_| "is not a URL".to_owned())?;
                let fetchable = http_client::is_fetchable(&url);
                fetchable.then_some(url).ok_or_else(|| "must be https, or http on this machine".to_owned())
            })
            .map(KeySource::Url),
        [false, false, true] => {
            let source = KeySource::discovery(issuer?);
            if source.is_none() {
                r.problem("discovery", "wants an issuer that is an https URL, or http on this machine");
            }
            source
        }
        _ => {
            let text =
                "is required, or jwks_url, or discovery = true, and only one: where the issuer's public keys are";
            r.problem("jwks_file", text);
            r.skip(["jwks_file", "jwks_url"]);
            None
        }
    }
}

fn read_link_with(mut r: Reader) -> Option<UseRules> {
    let audiences = r.list("audiences");
    if audiences.is_none() {
        r.problem("audiences", "is required");
    }
    let types = r.list("types").unwrap_or_else(|| BTreeSet::from([DEFAULT_TYPE.to_owned()]));
    let max_age = r.duration("max_age", LINK_WITH_MAX_AGE);
    if max_age > LINK_WITH_MAX_AGE {
        r.problem("max_age", "must be at most 10m: a proof is fresh");
    }
    let same_client = r.boolean("same_client", false);
    r.finish();
    Some(UseRules { audiences: audiences?, types, max_age: Some(max_age), same_client })
}

fn read_scopes(
    r: &mut Reader,
    key: &str,
    known: impl Fn(&access::Rule) -> [Option<&'static str>; 2],
) -> BTreeSet<String> {
    let scopes = r.list(key).unwrap_or_default();
    let known: BTreeSet<&str> = access::TABLE.iter().flat_map(known).flatten().collect();
    for scope in scopes.iter().filter(|scope| !known.contains(scope.as_str())) {
        let known: Vec<&str> = known.iter().copied().collect();
        r.problem(key, format!("{scope:?} is not one of {}", known.join(", ")));
    }
    scopes
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
        for (id, tenant) in rule.tenants().into_iter().filter_map(|id| Some((id, tenants.get(id)?))) {
            for provider in kind.providers().into_iter().filter(|of| !tenant.provider(of).policy.is_known) {
                r.problem(
                    name,
                    format!(
                        "names subjects of provider {provider} in tenant {id}, which has no such provider: declare \
                         [tenants.{id}.providers.{provider}], or set tenants.{id}.undeclared_providers = \"allow\""
                    ),
                );
            }
        }
    }
}

/// A sign-in through identity-link and a token that names the provider's subjects must mean the same person.
fn check_against_clients(r: &Reader, drafts: &[(String, Draft)], tenants: &BTreeMap<TenantId, Tenant>) {
    for (name, Draft { issuer, kind, tenant, .. }) in drafts {
        let (Some(issuer), Some(kind), Some(rule)) = (issuer, kind, tenant) else { continue };
        for (tenant, provider) in
            rule.tenants().into_iter().flat_map(|t| kind.providers().into_iter().map(move |p| (t, p)))
        {
            let client = tenants.get(tenant).and_then(|tenant| tenant.provider(provider).oauth.as_ref());
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
            } else if client.is_microsoft() {
                r.problem(
                    name,
                    format!(
                        "names subjects of provider {provider} in tenant {tenant} by sub, but sign-ins there by preset \
                         \"microsoft\" are named by directory and object: one person would be two"
                    ),
                );
            }
        }
    }
}

//! What differs between two configurations, by the names that an operator knows.

use std::collections::BTreeMap;

use super::{Config, ProviderSettings, Tenant};
use crate::{
    auth::{Issuer, NamedService},
    domain::TenantId,
};

/// What differs between two configurations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What only the new one has.
    pub added: Vec<String>,
    /// What both have, with other settings.
    pub changed: Vec<String>,
    /// What only the old one has.
    pub removed: Vec<String>,
    /// The keys that only a restart can change, and that differ.
    pub fixed: Vec<&'static str>,
}

impl Config {
    /// What differs in the configuration that is to follow.
    pub fn changes_to(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        // Each field is named here, so that none is forgotten.
        let Self {
            listen,
            limits,
            tls,
            management,
            console,
            reflection,
            allowed_origins,
            max_call_time,
            max_concurrent_calls,
            shutdown_delay,
            shutdown_grace,
            log,
            log_format,
            tracing,
            rate_limits,
            database,
            outgoing,
            feed,
            jobs,
            transfers,
            token_keys,
            auth0,
            tenants,
            issuers,
            services,
            // It shows all others.
            shown: _,
        } = self;
        for (key, is_same) in [
            ("listen", *listen == new.listen),
            ("listener", *limits == new.limits),
            ("tls", *tls == new.tls),
            ("management", *management == new.management),
            (
                "console.listen",
                console.as_ref().map(|it| it.listen) == new.console.as_ref().map(|it| it.listen),
            ),
            ("log", *log == new.log),
            ("log_format", *log_format == new.log_format),
            ("tracing", *tracing == new.tracing),
            ("database", *database == new.database),
            ("outgoing", *outgoing == new.outgoing),
            ("feed", *feed == new.feed),
        ] {
            changes.fixed.extend((!is_same).then_some(key));
        }
        for (key, is_same) in [
            ("jobs", *jobs == new.jobs),
            ("reflection", *reflection == new.reflection),
            ("allowed_origins", *allowed_origins == new.allowed_origins),
            ("max_call_time", *max_call_time == new.max_call_time),
            ("max_concurrent_calls", *max_concurrent_calls == new.max_concurrent_calls),
            ("rate_limits", *rate_limits == new.rate_limits),
            ("transfers", *transfers == new.transfers),
            ("provider_tokens", *token_keys == new.token_keys),
            ("shutdown_delay", *shutdown_delay == new.shutdown_delay),
            ("shutdown_grace", *shutdown_grace == new.shutdown_grace),
            ("auth0", *auth0 == new.auth0),
            ("console", *console == new.console),
        ] {
            changes.changed.extend((!is_same).then(|| key.to_owned()));
        }
        changes.compare(&without_providers(tenants), &without_providers(&new.tenants));
        changes.compare(&providers(tenants), &providers(&new.tenants));
        let issuers_by_name = |issuers: &[Issuer]| -> BTreeMap<_, _> {
            let named = issuers.iter().cloned();
            named.map(|issuer| (format!("issuer {}", issuer.issuer), issuer)).collect()
        };
        changes.compare(&issuers_by_name(issuers), &issuers_by_name(&new.issuers));
        let services_by_name = |services: &[NamedService]| -> BTreeMap<_, _> {
            let named = services.iter().cloned();
            named.map(|service| (format!("service {}", service.name), service)).collect()
        };
        changes.compare(&services_by_name(services), &services_by_name(&new.services));
        changes
    }
}

/// The keys that decide neither who may call nor what a caller may see.
const NO_PERMISSION: [&str; 9] = [
    "jobs",
    "reflection",
    "max_call_time",
    "max_concurrent_calls",
    "rate_limits",
    "transfers",
    "provider_tokens",
    "shutdown_delay",
    "shutdown_grace",
];

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether each caller is permitted what it was. Anything but a few keys counts as a change of
    /// permissions.
    pub fn keep_permissions(&self) -> bool {
        let Self { added, changed, removed, fixed } = self;
        let is_harmless = |key: &String| NO_PERMISSION.contains(&key.as_str());
        added.is_empty()
            && removed.is_empty()
            && fixed.is_empty()
            && changed.iter().all(is_harmless)
    }

    fn compare<T: PartialEq>(&mut self, old: &BTreeMap<String, T>, new: &BTreeMap<String, T>) {
        for (name, value) in new {
            match old.get(name) {
                None => self.added.push(name.clone()),
                Some(before) if before != value => self.changed.push(name.clone()),
                Some(_) => {}
            }
        }
        self.removed.extend(old.keys().filter(|name| !new.contains_key(*name)).cloned());
    }
}

/// The tenants by name, apart from their providers.
fn without_providers(tenants: &BTreeMap<TenantId, Tenant>) -> BTreeMap<String, Tenant> {
    let named = tenants.iter().map(|(id, tenant)| {
        (format!("tenant {id}"), Tenant { providers: BTreeMap::new(), ..tenant.clone() })
    });
    named.collect()
}

/// The providers of all tenants by name.
fn providers(tenants: &BTreeMap<TenantId, Tenant>) -> BTreeMap<String, ProviderSettings> {
    let named = tenants.iter().flat_map(|(id, tenant)| {
        let providers = tenant.providers.iter();
        providers.map(move |(name, settings)| {
            (format!("provider {name} of tenant {id}"), settings.clone())
        })
    });
    named.collect()
}

//! What the server makes of one configuration: its issuers, clients and use cases, and their tasks.
//! Another configuration makes the next generation.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    issuers::{FreshKeys, start_clients, start_issuers},
    lasting::Lasting,
    provider_tokens::keep_tending,
    sweep::{keep_small, keep_swept},
};
use crate::{
    calls::concurrency::ConcurrencyLimit,
    config::Config,
    domain::TenantId,
    feed::Feed,
    oauth::{ClientMisfit, Misfit},
    rate_limits::RateLimits,
    store::{ProviderAccounts, Store},
    transfer::jobs::{self, JobWorker},
    use_cases::UseCases,
};

/// What the handlers of a time work with. Its tasks end when it is dropped.
pub(super) struct Generation {
    pub config: Arc<Config>,
    pub use_cases: Arc<UseCases>,
    pub feed: Arc<Feed>,
    pub limit: ConcurrencyLimit,
    /// The slots for imports.
    pub imports: Arc<Semaphore>,
    /// The slots for exports.
    pub exports: Arc<Semaphore>,
    pub rate_limits: Arc<RateLimits>,
    /// Keeps the tasks that read the keys.
    keys: Vec<FreshKeys>,
    permissions: Permissions,
    _replaced: DropGuard,
    /// Has this generation's jobs given back: the next one continues with them.
    _jobs: DropGuard,
}

/// Ends when the last generation is dropped that permits its callers the same. Clones share it.
#[derive(Clone)]
struct Permissions {
    changed: CancellationToken,
    _changed: Arc<DropGuard>,
}

impl Permissions {
    fn new() -> Self {
        let changed = CancellationToken::new();
        let _changed = Arc::new(changed.clone().drop_guard());
        Self { changed, _changed }
    }
}

impl Generation {
    /// Starts a generation on a store for its tenants. What the configuration leaves as it was
    /// before is shared with the generation before: so keys are not read again. Returns after the
    /// first attempt to read the keys of each new issuer.
    pub(super) async fn start(
        lasting: &Lasting,
        config: Arc<Config>,
        store: Store,
        earlier: Option<&Self>,
    ) -> Self {
        let (http, metrics) = (&lasting.http, lasting.state.metrics());
        let replaced = CancellationToken::new();
        let _replaced = replaced.clone().drop_guard();
        let known = earlier.map(|earlier| (&*earlier.use_cases, &*earlier.keys));
        let (issuers, mut keys) = start_issuers(&config, http, metrics, known).await;
        let (clients, keys_of_clients) = start_clients(&config, http, metrics, known);
        keys.extend(keys_of_clients);
        let tenants: Vec<TenantId> = config.tenants.keys().cloned().collect();
        let reports = report_unknown_providers(store.clone(), changed_tenants(&config, earlier));
        match earlier {
            None => reports.await,
            // Calls under the new configuration do not wait for it.
            Some(_) => drop(tokio::spawn(reports)),
        }
        tokio::spawn(keep_swept(
            store.clone(),
            tenants,
            config.feed.retention,
            metrics.feed.clone(),
            replaced.clone(),
        ));
        let feed = lasting.feed.for_tenants(&store);
        let use_cases = UseCases::new(
            store,
            issuers,
            clients,
            config.tenants.clone(),
            metrics.clone(),
            lasting.writes.clone(),
        )
        .with_token_keys(config.token_keys.clone());
        let max_calls = config.max_concurrent_calls;
        let limit = match earlier {
            Some(Self { limit, .. }) if limit.max() == max_calls => limit.clone(),
            _ => ConcurrencyLimit::new(max_calls),
        };
        let max = |config: &Config| (config.transfers.max_imports, config.transfers.max_exports);
        let (imports, exports) = match earlier {
            Some(earlier) if max(&earlier.config) == max(&config) => {
                (Arc::clone(&earlier.imports), Arc::clone(&earlier.exports))
            }
            _ => {
                let (imports, exports) = max(&config);
                (Arc::new(Semaphore::new(imports)), Arc::new(Semaphore::new(exports)))
            }
        };
        let rate_limits = match earlier {
            // What the callers have used of their limits stays used.
            Some(earlier) if earlier.config.rate_limits == config.rate_limits => {
                Arc::clone(&earlier.rate_limits)
            }
            _ => Arc::new(RateLimits::new(&config.rate_limits, metrics.rate_limits.clone())),
        };
        tokio::spawn(keep_small(Arc::clone(&rate_limits), replaced.clone()));
        let use_cases = Arc::new(use_cases);
        if !config.token_keys.is_empty() {
            let tenants = config.tenants.keys().cloned().collect();
            tokio::spawn(keep_tending(Arc::clone(&use_cases), tenants, replaced.clone()));
        }
        let misfits = report_misfits(Arc::clone(&use_cases), changed_tenants(&config, earlier));
        let stop = replaced.clone();
        tokio::spawn(async move { stop.run_until_cancelled(misfits).await });
        let permissions = match earlier {
            Some(earlier) if earlier.config.changes_to(&config).keep_permissions() => {
                earlier.permissions.clone()
            }
            _ => Permissions::new(),
        };
        lasting.jobs.resize(jobs::connections(config.jobs.at_once));
        let store = use_cases.store().moved_to_connections_of(&lasting.jobs);
        let worker = JobWorker {
            use_cases: Arc::new(use_cases.for_jobs(store)),
            policies: config.policies(),
            at_once: config.jobs.at_once,
            lease: config.jobs.lease,
        };
        // The end of the server waits until the jobs are given back, as it waits for writes.
        let end = lasting.stop_jobs.child_token();
        lasting.writes.spawn(worker.work(end.clone()));
        let _jobs = end.drop_guard();
        Self {
            config,
            use_cases,
            feed,
            limit,
            imports,
            exports,
            rate_limits,
            keys,
            permissions,
            _replaced,
            _jobs,
        }
    }

    /// Cancelled when a generation is in use that may permit a caller less.
    pub(super) fn permissions_changed(&self) -> CancellationToken {
        self.permissions.changed.clone()
    }
}

/// The tenants whose settings the generation before did not have.
fn changed_tenants(config: &Config, earlier: Option<&Generation>) -> Vec<TenantId> {
    let before = |id| earlier.and_then(|earlier| earlier.config.tenants.get(id));
    let changed = config.tenants.iter().filter(|(id, tenant)| before(id) != Some(tenant));
    changed.map(|(id, _)| id.clone()).collect()
}

/// Logs what does not fit between the settings of the clients of these tenants and the metadata of
/// their providers, before a person signs in there.
async fn report_misfits(use_cases: Arc<UseCases>, tenants: Vec<TenantId>) {
    for ClientMisfit { tenant, provider, misfit } in use_cases.clients().misfits(&tenants).await {
        let Misfit { state, advice, .. } = misfit;
        let why = format!("it {state}: {advice}");
        tracing::warn!(%tenant, %provider, why, "a client's settings may not fit its provider's metadata");
    }
}

/// Logs the accounts that cannot sign in because their provider is not declared. An operator who
/// removes a provider from the file, or misspells it, sees how many accounts that concerns.
async fn report_unknown_providers(store: Store, tenants: Vec<TenantId>) {
    for tenant in &tenants {
        let found = async { store.session(tenant).await?.accounts_at_unknown_providers().await };
        match found.await {
            Ok(found) => found.into_iter().for_each(|ProviderAccounts { provider, accounts }| {
                tracing::warn!(%tenant, provider, accounts, "accounts at a provider that the tenant does not declare cannot sign in");
            }),
            // There are too many to count in time: the server starts regardless.
            Err(error) => tracing::warn!(%tenant, %error, "accounts at undeclared providers could not be counted"),
        }
    }
}

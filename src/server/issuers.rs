//! The issuers of callers' tokens and the clients at providers, with the tasks that keep their keys
//! fresh.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    auth::{Issuers, Keys},
    config::{Config, Tenant},
    domain::Provider,
    http_client::HttpClient,
    oauth::Clients,
    telemetry::metrics::Metrics,
    use_cases::UseCases,
};

/// The name of the provider at which the staff sign in, for the log.
const CONSOLE: &str = "console";

/// The use cases and the keys of the generation before.
pub(super) type Known<'a> = (&'a UseCases, &'a [FreshKeys]);

/// Keys, and the task that keeps them fresh. It ends when the last clone is dropped.
#[derive(Clone)]
pub(super) struct FreshKeys {
    keys: Arc<Keys>,
    _stop: Arc<DropGuard>,
}

impl FreshKeys {
    /// These keys, if they are among those that are kept fresh already.
    fn known(keys: &Arc<Keys>, known: Option<Known<'_>>) -> Option<Self> {
        let (_, fresh) = known?;
        fresh.iter().find(|fresh| Arc::ptr_eq(&fresh.keys, keys)).cloned()
    }

    /// Keeps keys fresh, after `before`.
    fn start(
        keys: &Arc<Keys>,
        http: &HttpClient,
        before: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let stop = CancellationToken::new();
        let _stop = Arc::new(stop.clone().drop_guard());
        let (http, task) = (http.clone(), Arc::clone(keys));
        tokio::spawn(async move {
            before.await;
            task.keep_fresh(http, stop).await;
        });
        Self { keys: Arc::clone(keys), _stop }
    }
}

/// The issuers of callers' tokens. Returns after the first attempt to read the keys of each new one.
pub(super) async fn start_issuers(
    config: &Config,
    http: &HttpClient,
    metrics: &Metrics,
    known: Option<Known<'_>>,
) -> (Issuers, Vec<FreshKeys>) {
    let issuers = config.issuers.iter().cloned().map(|issuer| {
        let kept = known.and_then(|(before, _)| before.issuers().keys_of_same_source(&issuer));
        let keys = kept.unwrap_or_else(|| {
            let keys = Keys::new(issuer.keys.clone(), issuer.algorithms.clone());
            Arc::new(keys.with_metrics(&issuer.issuer, metrics.keys.clone()))
        });
        (issuer, keys)
    });
    let issuers = Issuers::new(issuers.collect())
        .with_services(config.services.clone())
        .with_metrics(metrics.tokens.clone());
    let fresh = issuers.keys().map(async |(issuer, keys)| {
        if let Some(known) = FreshKeys::known(keys, known) {
            return known;
        }
        first_keys(issuer, keys, http).await;
        FreshKeys::start(keys, http, async {})
    });
    // In parallel: an issuer that hangs does not delay the others.
    let fresh = join_all(fresh).await;
    (issuers, fresh)
}

/// The clients at providers. Their keys are read in the background: nothing waits for a provider.
pub(super) fn start_clients(
    config: &Config,
    http: &HttpClient,
    metrics: &Metrics,
    known: Option<Known<'_>>,
) -> (Clients, Vec<FreshKeys>) {
    let clients = config.tenants.iter().flat_map(|(tenant, Tenant { providers, .. })| {
        let clients = providers
            .iter()
            .filter_map(|(provider, settings)| Some((provider, settings.oauth.clone()?)));
        clients.map(|(provider, settings)| (tenant.clone(), provider.clone(), settings))
    });
    let before = known.map(|(before, _)| before.clients());
    let staff = config
        .console
        .as_ref()
        .and_then(|console| Some((Provider::parse(CONSOLE)?, console.client.clone())));
    let clients = Clients::new(clients, staff, http, metrics.keys.clone(), before);
    let fresh = clients.keys().map(|(issuer, keys)| {
        FreshKeys::known(keys, known).unwrap_or_else(|| {
            let (issuer, first, by) = (issuer.to_owned(), Arc::clone(keys), http.clone());
            FreshKeys::start(keys, http, async move { first_keys(&issuer, &first, &by).await })
        })
    });
    let fresh = fresh.collect();
    (clients, fresh)
}

/// Reads an issuer's keys for the first time. A failure does not stop the server: only callers of
/// this issuer get KEYS_UNAVAILABLE.
async fn first_keys(issuer: &str, keys: &Keys, http: &HttpClient) {
    if let Err(error) = keys.refresh(http).await {
        tracing::error!(issuer, %error, "the issuer's keys could not be read");
    }
}

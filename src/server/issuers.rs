//! The issuers of callers' tokens and the clients at providers, with the tasks that keep their keys
//! fresh.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use super::ServeError;
use crate::{
    auth::{Issuers, Keys},
    clock,
    config::{Config, Tenant},
    http_client::HttpClient,
    oauth::{ClientSettings, Clients},
    store::Store,
    telemetry::metrics::Metrics,
};

/// Pins each provider to the issuer from which its first identities came.
pub(super) async fn pin_issuers(config: &Config, store: &Store) -> Result<(), ServeError> {
    for issuer in &config.issuers {
        for tenant in issuer.tenant.tenants() {
            let mut session = store.session(tenant).await?;
            for provider in issuer.kind.providers() {
                session.pin_issuer(provider, &issuer.issuer, clock::now()).await??;
            }
        }
    }
    for (tenant, Tenant { providers, .. }) in &config.tenants {
        let mut session = store.session(tenant).await?;
        for (provider, settings) in providers {
            if let Some(issuer) = settings.oauth.as_ref().map(ClientSettings::issuer) {
                session.pin_issuer(provider, &issuer, clock::now()).await??;
            }
        }
    }
    Ok(())
}

/// The issuers of callers' tokens. Returns after the first attempt to read the keys of each; `stop`
/// ends their renewal.
pub(super) async fn start_issuers(
    config: &Config,
    http: &HttpClient,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Issuers {
    let issuers = config.issuers.iter().cloned().map(|issuer| {
        let keys = Keys::new(issuer.keys.clone(), issuer.algorithms.clone());
        let keys = keys.with_metrics(&issuer.issuer, metrics.keys.clone());
        (issuer, Arc::new(keys))
    });
    let issuers: Vec<_> = issuers.collect();
    // In parallel: an issuer that hangs does not delay the others.
    join_all(issuers.iter().map(|(issuer, keys)| first_keys(&issuer.issuer, keys, http))).await;
    for (_, keys) in &issuers {
        report_age(keys, metrics);
        tokio::spawn(Arc::clone(keys).keep_fresh(http.clone(), stop.clone()));
    }
    Issuers::new(issuers)
        .with_services(config.services.clone())
        .with_metrics(metrics.tokens.clone())
}

/// The clients at providers. Their keys are read in the background: the start does not wait for a
/// provider.
pub(super) fn start_clients(
    config: &Config,
    http: &HttpClient,
    metrics: &Metrics,
    stop: &CancellationToken,
) -> Clients {
    let clients = config.tenants.iter().flat_map(|(tenant, Tenant { providers, .. })| {
        let clients = providers
            .iter()
            .filter_map(|(provider, settings)| Some((provider, settings.oauth.clone()?)));
        clients.map(|(provider, settings)| (tenant.clone(), provider.clone(), settings))
    });
    let at_once = (config.max_concurrent_calls / 4).max(1);
    let clients = Clients::new(clients, http, at_once, metrics.keys.clone());
    for (issuer, keys) in clients.keys() {
        report_age(keys, metrics);
        let (issuer, keys, http, stop) =
            (issuer.to_owned(), Arc::clone(keys), http.clone(), stop.clone());
        tokio::spawn(async move {
            first_keys(&issuer, &keys, &http).await;
            keys.keep_fresh(http, stop).await;
        });
    }
    clients
}

/// Reports the age of the keys with the metrics.
fn report_age(keys: &Arc<Keys>, metrics: &Metrics) {
    let keys = Arc::clone(keys);
    metrics.before_report(move || keys.report_age());
}

/// Reads an issuer's keys for the first time. A failure does not stop the server: only callers of
/// this issuer get KEYS_UNAVAILABLE.
async fn first_keys(issuer: &str, keys: &Keys, http: &HttpClient) {
    if let Err(error) = keys.refresh(http).await {
        tracing::error!(issuer, %error, "the issuer's keys could not be read");
    }
}

//! What the handlers work with, and the tasks that run in the background of calls.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    ServeError,
    health_updates::HealthUpdates,
    issuers::{pin_issuers, start_clients, start_issuers},
    sweep::keep_swept,
};
use crate::{
    config::Config,
    domain::TenantId,
    feed::Feed,
    http_client::HttpClient,
    management::ServerState,
    store::{ProviderAccounts, Store},
    telemetry::metrics::Metrics,
    use_cases::UseCases,
};

/// What the handlers work with.
pub(super) struct Parts {
    pub use_cases: Arc<UseCases>,
    pub feed: Arc<Feed>,
    pub health: HealthUpdates,
    /// Ends the feed, its watches, and the streams that need no token.
    pub stop_streams: CancellationToken,
}

impl Parts {
    /// Pins the providers' issuers in this store, reads the issuers' keys, and starts the
    /// background tasks, which run until `stop`.
    pub(super) async fn start(
        store: Store,
        config: &Config,
        state: &ServerState,
        stop: &CancellationToken,
    ) -> Result<Self, ServeError> {
        let metrics = state.metrics();
        let http = HttpClient::new(&config.outgoing);
        pin_issuers(config, &store).await?;
        let issuers = start_issuers(config, &http, metrics, stop).await;
        let tenants: Vec<TenantId> = config.tenants.keys().cloned().collect();
        report_unknown_providers(&store, &tenants).await;
        tokio::spawn(keep_swept(
            store.clone(),
            tenants,
            config.feed.retention,
            metrics.feed.clone(),
            stop.clone(),
        ));
        let clients = start_clients(config, &http, metrics, stop);
        let stop_streams = stop.child_token();
        let feed = Feed::new(&store, config.feed.clone(), stop_streams.clone())?;
        tokio::spawn(Arc::clone(&feed).keep_polling());
        let database_check = store.database_check();
        let tenants = config.tenants.clone();
        let use_cases = Arc::new(UseCases::new(store, issuers, clients, tenants, metrics.clone()));
        report_gauges(metrics, &use_cases, &feed);
        state.set_use_cases(Arc::clone(&use_cases));
        let health =
            HealthUpdates::start(database_check, feed.delay(), state.clone(), stop.child_token())
                .await;
        Ok(Self { use_cases, feed, health, stop_streams })
    }
}

/// Sets the gauges of the tokens and the feed before each report of the metrics. Both have the
/// metrics too, so these do not keep them: the connections of a server end with the server.
fn report_gauges(metrics: &Metrics, use_cases: &Arc<UseCases>, feed: &Arc<Feed>) {
    let (tokens, of_feed) = (metrics.tokens.clone(), metrics.feed.clone());
    let (use_cases, feed) = (Arc::downgrade(use_cases), Arc::downgrade(feed));
    metrics.before_report(move || {
        let (Some(use_cases), Some(feed)) = (use_cases.upgrade(), feed.upgrade()) else { return };
        tokens.set_remembered(use_cases.issuers().remembered_tokens());
        of_feed.set_delay(*feed.delay().borrow());
        let (watchers, max) = feed.watchers();
        of_feed.set_watchers(watchers, max);
    });
}

/// Logs the accounts that cannot sign in because their provider is not declared. An operator who
/// removes a provider from the file, or misspells it, sees how many accounts that concerns.
async fn report_unknown_providers(store: &Store, tenants: &[TenantId]) {
    for tenant in tenants {
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

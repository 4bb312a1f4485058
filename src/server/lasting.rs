//! What lasts as long as the server, whatever its configuration becomes.

use std::sync::Arc;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic_health::server::HealthReporter;

use super::{ServeError, health_updates::HealthUpdates};
use crate::{
    clock, config::Config, feed::Feed, grpc::streams::OpenStreams, http_client::HttpClient,
    management::ServerState, store::Store, telemetry::Traces, transfer::jobs, use_cases::UseCases,
};

/// What lasts as long as the server.
pub(super) struct Lasting {
    /// What operators learn of the server.
    pub state: ServerState,
    pub http: HttpClient,
    /// Which reads the events of all tenants.
    pub feed: Arc<Feed>,
    /// The store on whose connections jobs are carried out.
    pub jobs: Store,
    /// Reports the health of the services.
    pub health: HealthReporter,
    /// The slots of streams that need no token.
    pub streams: OpenStreams,
    pub traces: Traces,
    /// The writes under way, whatever the configuration under which they began.
    pub writes: TaskTracker,
    /// Has jobs given back when the server begins to stop.
    pub stop_jobs: CancellationToken,
    /// Ends the feed, its watches, and the streams that need no token.
    pub stop_streams: CancellationToken,
}

impl Lasting {
    /// Starts the feed of this store, until `stop`.
    pub(super) async fn start(
        config: &Config,
        store: &Store,
        state: ServerState,
        stop: &CancellationToken,
    ) -> Result<Self, ServeError> {
        let http = HttpClient::new(&config.outgoing);
        let stop_streams = stop.child_token();
        let feed = Feed::new(store, config.feed.clone(), stop_streams.clone())?;
        tokio::spawn(Arc::clone(&feed).keep_polling());
        let jobs = store.with_own_connections("jobs", jobs::connections(config.jobs.at_once))?;
        let traces = config.tracing.as_ref().map(Traces::start).transpose();
        Ok(Self {
            http,
            feed,
            jobs,
            health: HealthReporter::new(),
            streams: OpenStreams::new(
                max_open_streams(config),
                config.max_call_time,
                stop_streams.clone(),
            ),
            traces: traces.map_err(ServeError::Part)?.unwrap_or_default(),
            writes: TaskTracker::new(),
            stop_jobs: stop.child_token(),
            stop_streams,
            state,
        })
    }

    /// Reports that the server serves, with these use cases first, and keeps its health up to date
    /// until `stop`.
    pub(super) async fn begin(
        &self,
        use_cases: &Arc<UseCases>,
        stop: CancellationToken,
    ) -> HealthUpdates {
        self.state.set_use_cases(Arc::clone(use_cases));
        self.state.metrics().reloads.started(clock::now());
        self.report_gauges();
        let (health, state) = (self.health.clone(), self.state.clone());
        let database_check = use_cases.store().database_check();
        HealthUpdates::start(health, database_check, self.feed.delay(), state, stop).await
    }

    /// Sets the gauges of the tokens, the keys and the feed before each report of the metrics.
    fn report_gauges(&self) {
        let feed = Arc::downgrade(&self.feed);
        self.state.before_report(move |state| {
            let metrics = state.metrics();
            metrics.keys.clear_states();
            if let Some(use_cases) = state.use_cases() {
                let (issuers, clients) = (use_cases.issuers(), use_cases.clients());
                metrics.tokens.set_remembered(issuers.remembered_tokens());
                issuers.keys().chain(clients.keys()).for_each(|(_, keys)| keys.report_state());
            }
            if let Some(feed) = feed.upgrade() {
                metrics.feed.set_delay(*feed.delay().borrow());
                let (watchers, max) = feed.watchers();
                metrics.feed.set_watchers(watchers, max);
            }
        });
    }
}

/// How many streams that need no token may be open at once.
fn max_open_streams(config: &Config) -> usize {
    (config.limits.max_connections / 8).max(8)
}

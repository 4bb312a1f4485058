//! The metrics of one server, for Prometheus.
//!
//! Each label has a bounded set of values: names that the code or the configuration gives. No label
//! is made of what a stranger sends.

mod calls;
mod connections;
mod database;
mod feed;
mod jobs;
mod keys;
mod links;
mod log;
mod provider_events;
mod provider_tokens;
mod rate_limits;
mod reloads;
mod sign_ins;
mod tokens;

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, prometheus_text, text},
    metrics::{
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Metric, Registry},
};

use self::log::LogMetrics;
pub use self::{
    calls::{CallMetrics, CallsInFlight},
    connections::{ConnectionMetrics, Connections},
    database::{DatabaseMetrics, PoolState, WaitTimer},
    feed::FeedMetrics,
    jobs::{JobMetrics, LineMetrics},
    keys::KeyMetrics,
    links::LinkMetrics,
    log::count_lost_lines,
    provider_events::ProviderEventMetrics,
    provider_tokens::ProviderTokenMetrics,
    rate_limits::RateLimitMetrics,
    reloads::ReloadMetrics,
    sign_ins::SignInMetrics,
    tokens::TokenMetrics,
};
use super::Label;
use crate::version::VERSION;

/// The bounds of the histograms of what a client waits for, in seconds.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The version of the program, as labels.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Build {
    version: &'static str,
    commit: &'static str,
}

/// The metrics of one server. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    updates: Arc<Mutex<Vec<Update>>>,
    /// The calls.
    pub calls: CallMetrics,
    /// The database.
    pub database: DatabaseMetrics,
    /// The callers' tokens.
    pub tokens: TokenMetrics,
    /// The keys of issuers.
    pub keys: KeyMetrics,
    /// The sign-ins.
    pub sign_ins: SignInMetrics,
    /// What providers report.
    pub provider_events: ProviderEventMetrics,
    /// The changes of who is who.
    pub links: LinkMetrics,
    /// The feed of events, and the sweep.
    pub feed: FeedMetrics,
    /// The jobs.
    pub jobs: JobMetrics,
    /// The tokens of providers that are kept.
    pub provider_tokens: ProviderTokenMetrics,
    /// The limits of each caller.
    pub rate_limits: RateLimitMetrics,
    /// The configuration.
    pub reloads: ReloadMetrics,
    /// The connections of clients.
    pub connections: ConnectionMetrics,
    log: LogMetrics,
    ready: Gauge,
}

type Update = Box<dyn Fn() + Send>;

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's, 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0, which has exemplars.
    OpenMetrics,
}

impl Format {
    /// The format that a client prefers by its `Accept` header: OpenMetrics if the header names it,
    /// as Prometheus's does.
    pub fn preferred(accept: Option<&str>) -> Self {
        let is_named = |kind: &str| kind.trim_start().starts_with("application/openmetrics-text");
        match accept.is_some_and(|accept| accept.split(',').any(is_named)) {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("identity_link");
        let r = &mut registry;
        let build = Build { version: VERSION.number, commit: VERSION.commit };
        r.register("build", "The version of the server", Info::new(build));
        let metrics = (
            CallMetrics::register(r),
            DatabaseMetrics::register(r),
            TokenMetrics::register(r),
            KeyMetrics::register(r),
            SignInMetrics::register(r),
            LinkMetrics::register(r),
            FeedMetrics::register(r),
            RateLimitMetrics::register(r),
        );
        let (calls, database, tokens, keys, sign_ins, links, feed, rate_limits) = metrics;
        let ready = registered(
            r,
            "ready",
            "1 if the server is ready for calls, as /readyz says, and 0 if not",
        );
        let jobs = JobMetrics::register(r);
        let provider_tokens = ProviderTokenMetrics::register(r);
        let provider_events = ProviderEventMetrics::register(r);
        let (connections, log) = (ConnectionMetrics::register(r), LogMetrics::register(r));
        let reloads = ReloadMetrics::register(r);
        let (registry, updates) = (Arc::new(registry), Arc::default());
        Self {
            registry,
            updates,
            calls,
            database,
            tokens,
            keys,
            sign_ins,
            provider_events,
            links,
            feed,
            jobs,
            provider_tokens,
            rate_limits,
            reloads,
            connections,
            log,
            ready,
        }
    }
}

impl Metrics {
    /// Runs this before each report: it sets gauges whose values are only known by asking.
    pub fn before_report(&self, update: impl Fn() + Send + 'static) {
        self.updates.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(update));
    }

    /// All metrics in a text format.
    pub fn report(&self, format: Format) -> String {
        // Reports follow each other, so that each has the values of its own time.
        let updates = self.updates.lock().unwrap_or_else(PoisonError::into_inner);
        updates.iter().for_each(|update| update());
        self.log.update();
        let mut report = String::with_capacity(64 * 1024);
        // Writing to memory does not fail.
        let _ = match format {
            Format::Prometheus => prometheus_text::encode(&mut report, &self.registry),
            Format::OpenMetrics => text::encode(&mut report, &self.registry),
        };
        report
    }

    /// Sets whether the server is ready for calls.
    pub fn set_ready(&self, is_ready: bool) {
        self.ready.set(is_ready.into());
    }
}

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// Makes the histograms of times, with these bounds in seconds.
#[derive(Debug, Clone, Copy)]
struct Times(&'static [f64]);

impl MetricConstructor<Histogram> for Times {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// Times by these labels.
type TimesBy<L> = Family<L, Histogram, Times>;

/// A new metric under this name. The text says what it counts.
fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, text: &str) -> M {
    let metric = M::default();
    registry.register(name, text, metric.clone());
    metric
}

/// New histograms of seconds under this name.
fn registered_times<L>(
    registry: &mut Registry,
    name: &str,
    text: &str,
    bounds: &'static [f64],
) -> TimesBy<L>
where
    L: EncodeLabelSet + Clone + std::hash::Hash + Eq + std::fmt::Debug + Send + Sync + 'static,
{
    let times = TimesBy::new_with_constructor(Times(bounds));
    registry.register(name, text, times.clone());
    times
}

/// A number for a gauge.
fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openmetrics_is_for_those_who_name_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1";
        assert_eq!(Format::preferred(Some(prometheus)), Format::OpenMetrics);
        for other in [None, Some("*/*"), Some("text/html, text/plain")] {
            assert_eq!(Format::preferred(other), Format::Prometheus);
        }
    }
}

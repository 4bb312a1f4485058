//! The metrics of the database.

use std::time::{Duration, Instant};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use super::{SECONDS, TimesBy, count, registered, registered_times};

/// The bounds of the histograms of statements and waits, in seconds: most take less than a call.
const SHORT: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 2.5, 10.0];

/// A pool of connections.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PoolLabels {
    pool: &'static str,
}

/// The connections of a pool in one state.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabels {
    pool: &'static str,
    state: &'static str,
}

/// A statement.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StatementLabels {
    statement: &'static str,
}

/// Why an attempt at a write was repeated.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

/// The metrics of the database.
#[derive(Debug, Clone)]
pub struct DatabaseMetrics {
    statements: TimesBy<StatementLabels>,
    failures: Family<StatementLabels, Counter>,
    waits: TimesBy<PoolLabels>,
    connections: Family<StateLabels, Gauge>,
    max: Family<PoolLabels, Gauge>,
    waiting: Family<PoolLabels, Gauge>,
    repeated: Family<CauseLabels, Counter>,
    up: Gauge,
}

/// The connections of a pool at one time.
#[derive(Debug, Clone, Copy)]
pub struct PoolState {
    /// The most that there may be.
    pub max: usize,
    /// Those that exist.
    pub open: usize,
    /// Those that no call uses.
    pub idle: usize,
    /// The calls that wait for one.
    pub waiting: usize,
}

/// Measures a wait for a connection until it is dropped.
#[derive(Debug)]
pub struct WaitTimer<'a> {
    metrics: &'a DatabaseMetrics,
    pool: &'static str,
    began: Instant,
}

impl Drop for WaitTimer<'_> {
    fn drop(&mut self) {
        let labels = PoolLabels { pool: self.pool };
        self.metrics.waits.get_or_create(&labels).observe(self.began.elapsed().as_secs_f64());
    }
}

impl DatabaseMetrics {
    pub(super) fn register(r: &mut Registry) -> Self {
        Self {
            statements: registered_times(
                r,
                "statement_duration_seconds",
                "From the sending of a statement to its response, by the statement's name",
                &SHORT,
            ),
            failures: registered(r, "statement_failures", "The statements that failed"),
            waits: registered_times(
                r,
                "connection_wait_seconds",
                "How long calls waited for a connection to the database",
                &SECONDS,
            ),
            connections: registered(
                r,
                "database_connections",
                "The connections to the database, in the pool of calls and that of the feed",
            ),
            max: registered(
                r,
                "database_connections_max",
                "The most connections that the pool may have",
            ),
            waiting: registered(
                r,
                "database_connection_waiters",
                "The calls that wait for a connection",
            ),
            repeated: registered(
                r,
                "write_retries",
                "The writes that began again, because another writer was faster or the response to a commit was lost",
            ),
            up: registered(r, "database_up", "1 if the database responds, and 0 if not"),
        }
    }

    /// Counts a statement that took this long, by its name.
    pub fn statement(&self, statement: &'static str, took: Duration, is_ok: bool) {
        let labels = StatementLabels { statement };
        self.statements.get_or_create(&labels).observe(took.as_secs_f64());
        if !is_ok {
            self.failures.get_or_create(&labels).inc();
        }
    }

    /// Measures the wait for a connection of a pool.
    pub fn wait(&self, pool: &'static str) -> WaitTimer<'_> {
        WaitTimer { metrics: self, pool, began: Instant::now() }
    }

    /// Counts a write that begins again.
    pub fn repeat(&self, cause: &'static str) {
        self.repeated.get_or_create(&CauseLabels { cause }).inc();
    }

    /// Sets the connections of a pool.
    pub fn set_pool(&self, pool: &'static str, state: PoolState) {
        let PoolState { max, open, idle, waiting } = state;
        let set = |state, number| {
            self.connections.get_or_create(&StateLabels { pool, state }).set(count(number));
        };
        set("idle", idle.min(open));
        set("busy", open.saturating_sub(idle));
        self.max.get_or_create(&PoolLabels { pool }).set(count(max));
        self.waiting.get_or_create(&PoolLabels { pool }).set(count(waiting));
    }

    /// Sets whether the database responds.
    pub fn set_up(&self, is_up: bool) {
        self.up.set(is_up.into());
    }
}

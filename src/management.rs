//! The HTTP for operators and their tools: whether the process lives, whether the server is ready
//! for calls, the metrics, and which version it is. It needs no token, and shows nothing of users.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::State,
    http::{
        HeaderMap, Method, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    clock,
    telemetry::metrics::{Format, Metrics},
    use_cases::UseCases,
    version::VERSION,
};

/// What the last check of the database found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseState {
    /// It responds.
    Available,
    /// It does not respond.
    Unavailable,
    /// It has a schema on which this server cannot serve, for this reason.
    Incompatible(String),
}

/// Whether the server is ready for calls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Readiness {
    /// It starts, and answers no calls yet.
    #[default]
    Starting,
    /// It answers calls.
    Serving {
        /// What the last check of the database found.
        database: DatabaseState,
        /// Whether the feed advances.
        feed_goes_on: bool,
    },
    /// An operator stops it.
    Stopping,
}

impl Readiness {
    fn is_ready(&self) -> bool {
        matches!(self, Self::Serving { database: DatabaseState::Available, .. })
    }
}

/// Whether the server is ready, and when its parts last were; `None` if they never were since it started.
#[derive(Debug, Clone, Default)]
pub struct HealthReport {
    /// Whether it is ready now.
    pub readiness: Readiness,
    /// When the database last was available.
    pub database_good: Option<DateTime<Utc>>,
    /// When the feed last advanced on time.
    pub feed_good: Option<DateTime<Utc>>,
}

impl HealthReport {
    /// Notes that the readiness has stayed as it is until now.
    fn lasts_until(&mut self, now: DateTime<Utc>) {
        if let Readiness::Serving { database, feed_goes_on } = &self.readiness {
            if *database == DatabaseState::Available {
                self.database_good = Some(now);
            }
            if *feed_goes_on {
                self.feed_good = Some(now);
            }
        }
    }
}

/// What operators and their tools may learn of the server. The server changes it; clones share it.
#[derive(Clone, Default)]
pub struct ServerState(Arc<Shared>);

#[derive(Default)]
struct Shared {
    health: Mutex<HealthReport>,
    metrics: Metrics,
    use_cases: Mutex<Option<Arc<UseCases>>>,
    config: Mutex<Value>,
}

impl ServerState {
    /// Changes whether the server is ready.
    pub fn set_readiness(&self, readiness: Readiness) {
        self.0.metrics.set_ready(readiness.is_ready());
        let mut health = self.0.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.lasts_until(clock::now());
        health.readiness = readiness;
    }

    /// Whether the server is ready, and when its parts last were.
    pub fn health(&self) -> HealthReport {
        let mut health = self.0.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        health.lasts_until(clock::now());
        health
    }

    /// The metrics of the server.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Runs this before each report of the metrics, as long as another clone of this exists: what the
    /// server holds would otherwise outlive it.
    pub fn before_report(&self, update: impl Fn(&Self) + Send + 'static) {
        let shared = Arc::downgrade(&self.0);
        self.metrics().before_report(move || {
            if let Some(shared) = shared.upgrade() {
                update(&Self(shared));
            }
        });
    }

    /// Reports the issuers of these use cases from now on.
    pub fn set_use_cases(&self, use_cases: Arc<UseCases>) {
        *self.0.use_cases.lock().unwrap_or_else(PoisonError::into_inner) = Some(use_cases);
    }

    /// The use cases of the calls that begin now; `None` before the server serves.
    pub fn use_cases(&self) -> Option<Arc<UseCases>> {
        self.0.use_cases.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets the configuration, as it is shown to operators.
    pub fn set_config(&self, shown: Value) {
        *self.0.config.lock().unwrap_or_else(PoisonError::into_inner) = shown;
    }

    fn readiness(&self) -> Readiness {
        self.health().readiness
    }

    /// Whether each issuer has keys that verify its tokens.
    fn issuers(&self) -> Vec<Value> {
        let Some(use_cases) = self.use_cases() else { return Vec::new() };
        let issuers = use_cases.issuers().with_keys().map(|(issuer, has_keys)| {
            json!({"issuer": issuer, "keys": if has_keys { "present" } else { "missing" }})
        });
        issuers.collect()
    }
}

/// The routes.
pub fn routes(state: ServerState) -> Router {
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/config", get(config))
        .route("/version", get(version))
        .fallback(unknown)
        .with_state(state)
}

/// Asks nothing outside of the process: to start it anew cures no database.
async fn live() -> Response {
    answer(StatusCode::OK, &json!({"status": "live"}))
}

/// The report names an issuer without keys, but the server stays ready: it serves the callers of the
/// other issuers, and no other replica has those keys.
async fn ready(State(state): State<ServerState>) -> Response {
    let unavailable = |status| answer(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": status}));
    match state.readiness() {
        Readiness::Starting => unavailable("starting"),
        Readiness::Stopping => unavailable("stopping"),
        Readiness::Serving { database, feed_goes_on } => {
            let (code, status, database, reason) = match database {
                DatabaseState::Available => (StatusCode::OK, "ready", "available", None),
                DatabaseState::Unavailable => {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready", "unavailable", None)
                }
                DatabaseState::Incompatible(reason) => {
                    (StatusCode::SERVICE_UNAVAILABLE, "not ready", "incompatible", Some(reason))
                }
            };
            let mut report = json!({
                "status": status,
                "database": database,
                "feed": if feed_goes_on { "on time" } else { "delayed" },
                "issuers": state.issuers(),
            });
            if let (Some(reason), Some(report)) = (reason, report.as_object_mut()) {
                report.insert("reason".to_owned(), reason.into());
            }
            answer(code, &report)
        }
    }
}

/// In the format that the client prefers.
async fn metrics(State(state): State<ServerState>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::preferred(accept);
    ([(CONTENT_TYPE, format.content_type())], state.metrics().report(format)).into_response()
}

/// With all defaults, and without secrets.
async fn config(State(state): State<ServerState>) -> Response {
    answer(StatusCode::OK, &state.0.config.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn version() -> Response {
    let report =
        json!({"version": VERSION.number, "commit": VERSION.commit, "date": VERSION.date_text()});
    answer(StatusCode::OK, &report)
}

/// Only a person reads the sentence. A gRPC client would take it for a message, and report INTERNAL
/// instead of UNIMPLEMENTED.
async fn unknown(method: Method) -> Response {
    let error = json!({"error": "there are /livez, /readyz, /metrics, /config and /version here; calls go to the other listener"});
    match method {
        Method::GET => answer(StatusCode::NOT_FOUND, &error),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A line of JSON.
fn answer(code: StatusCode, body: &Value) -> Response {
    (code, [(CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}

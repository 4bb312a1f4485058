//! The server: `main` and each test call `serve`. The caller binds the listeners, so a client can
//! connect at once.

mod drain;
mod error;
mod grpc_routes;
mod health_updates;
mod issuers;
mod opening;
mod parts;
mod sweep;
#[cfg(test)]
mod tests;
mod transport_router;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::join;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;

pub use self::error::ServeError;
use self::{
    drain::drain, grpc_routes::grpc_routes, opening::open, parts::Parts, sweep::keep_small,
    transport_router::TransportRouter,
};
use crate::{
    auth0,
    calls::{
        Body, boxed, concurrency::ConcurrencyLimit, deadline::DeadlineLayer, is_admitted,
        telemetry::TelemetryLayer,
    },
    config::{Auth0, Config},
    grpc::{gate::GateLayer, paths, status, streams::OpenStreams, timeouts},
    listener::{
        CallService, Certificates, ConnectionCounts, ConnectionReport, ConnectionServer, Limits,
        Protocols, accept,
    },
    management::{self, ServerState},
    rate_limits::RateLimits,
    telemetry::{
        Traces,
        metrics::{Connections, Metrics},
    },
};

/// How many tools and operators may be connected at once. Each is an open file.
const MAX_MANAGEMENT_CONNECTIONS: usize = 64;

/// The bound listeners of a server.
pub struct Listeners {
    /// The one for calls.
    pub calls: TcpListener,
    /// The one for operators and their tools, if there is one.
    pub management: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(calls: TcpListener) -> Self {
        Self { calls, management: None }
    }
}

/// Serves until `shutdown`. Then health and readiness say so; after the configured delay, the
/// listener for calls is closed, and calls in flight end within the configured grace.
///
/// # Errors
/// If the server cannot start: see [`ServeError`].
pub async fn serve(
    config: Config,
    listeners: impl Into<Listeners>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let Listeners { calls: listener, management } = listeners.into();
    // Ends all background tasks when this function returns, also if the server does not start.
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    // gRPC clients all use HTTP/2.
    let protocols = if config.auth0.is_some() { Protocols::Http1And2 } else { Protocols::Http2 };
    let certificates = config
        .tls
        .clone()
        .map(|files| Certificates::start(files, protocols, stop.clone()))
        .transpose()?;
    let is_tls = certificates.is_some();
    let state = ServerState::default();
    state.set_config(config.shown.clone());
    if let Some(listener) = management {
        tracing::info!(address = %address(&listener)?, "serving management");
        tokio::spawn(serve_management(
            listener,
            state.clone(),
            config.limits.clone(),
            stop.clone(),
        ));
    }
    let Some(store) = open(&config, state.metrics(), &shutdown).await? else { return Ok(()) };
    let Parts { use_cases, feed, health, stop_streams } =
        Parts::start(store, &config, &state, &stop).await?;

    let rate_limits =
        Arc::new(RateLimits::new(&config.rate_limits, state.metrics().rate_limits.clone()));
    tokio::spawn(keep_small(Arc::clone(&rate_limits), stop.clone()));
    let limit = ConcurrencyLimit::new(config.max_concurrent_calls);
    let streams =
        OpenStreams::new(max_open_streams(&config), config.max_call_time, stop_streams.clone());
    let metrics = state.metrics();
    let traces = config.tracing.as_ref().map(Traces::start).transpose();
    let traces = traces.map_err(ServeError::Part)?.unwrap_or_default();
    let telemetry = |outcome| TelemetryLayer::new(outcome, metrics.calls.clone(), traces.clone());
    let grpc = grpc_stack(
        telemetry(status::outcome),
        config.max_call_time,
        GateLayer::new(Arc::clone(&use_cases), Arc::clone(&rate_limits), limit.clone(), streams),
        grpc_routes(&use_cases, feed, health.service(), config.reflection)?,
    );
    let auth0 = match &config.auth0 {
        Some(settings) => {
            let scans = max_scans(&config);
            let routes = auth0::routes(settings, &use_cases, rate_limits, limit.clone(), scans)
                .map_err(ServeError::Part)?;
            Some(auth0_stack(
                settings,
                telemetry(auth0::outcome),
                is_tls,
                config.max_call_time,
                limit,
                routes,
            ))
        }
        None => None,
    };
    let calls = TransportRouter { grpc, auth0 };

    announce(&listener, is_tls)?;
    let server = ConnectionServer::new(calls, is_admitted, config.limits, certificates, protocols);
    report_connections(metrics, server.counts());
    let close = CancellationToken::new();
    let end = async {
        shutdown.cancelled().await;
        // Before the listener is closed, so that load balancers send no more calls to it.
        let health = health.end().await;
        sleep(config.shutdown_delay).await;
        close.cancel();
        health
    };
    let (connections, health) = join(accept(listener, server, &close), end).await;
    drain(connections, health, &stop_streams, &use_cases, config.shutdown_grace).await;
    traces.stop().await;
    Ok(())
}

/// Serves operators and their tools until `stop`.
async fn serve_management(
    listener: TcpListener,
    state: ServerState,
    limits: Limits,
    stop: CancellationToken,
) {
    let routes = management::routes(state);
    let limits = Limits { max_connections: MAX_MANAGEMENT_CONNECTIONS, ..limits };
    // Each request counts as admitted: nobody has a token.
    let server = ConnectionServer::new(routes, |_| true, limits, None, Protocols::Http1And2);
    accept(listener, server, &stop).await;
}

/// Reports the connections of clients with the metrics.
fn report_connections(metrics: &Metrics, counts: Arc<ConnectionCounts>) {
    let connections = metrics.connections.clone();
    metrics.before_report(move || {
        let ConnectionReport { open, admitted, refused, cut } = counts.now();
        connections.set(Connections { open, admitted, refused, cut });
    });
}

/// The layers in front of gRPC's routes, from the outermost to the innermost.
fn grpc_stack<R: 'static, G, S>(
    telemetry: TelemetryLayer,
    max_call_time: Duration,
    gate: G,
    routes: S,
) -> impl CallService<R, Body = Body>
where
    G: Layer<S, Service: CallService<R, Body = Body>>,
{
    ServiceBuilder::new()
        // Outermost, so that refusals are logged too.
        .layer(telemetry)
        // Names the call for the log.
        .map_request(paths::named)
        // Replaces tonic's INTERNAL: a message that does not decode is the client's error.
        .map_response(status::replace_foreign_status)
        .map_response(boxed)
        // Around everything that may panic, except the log. A panic costs only its call; the hook
        // of `cli/log.rs` logs it.
        .layer(CatchPanicLayer::custom(|_| status::fault().into_http::<Body>()))
        // Around everything that may take time: verification, reading the message, waiting for the
        // database.
        .layer(DeadlineLayer::new(max_call_time, timeouts::requested, || {
            status::deadline().into_http()
        }))
        // Before each path, including paths that no service has.
        .layer(gate)
        .service(routes)
}

/// The layers in front of the routes of Auth0's HTTP, from the outermost to the innermost. Each
/// route is behind a gate of its own.
fn auth0_stack<R: 'static, S>(
    settings: &Auth0,
    telemetry: TelemetryLayer,
    is_tls: bool,
    max_call_time: Duration,
    limit: ConcurrencyLimit,
    routes: S,
) -> impl CallService<R, Body = Body>
where
    S: CallService<R>,
{
    ServiceBuilder::new()
        // Outermost, so that refusals have these headers too.
        .map_response(auth0::secured(is_tls))
        // Also logs the preflight requests that a browser sends.
        .layer(telemetry)
        // Before each layer that may refuse: a page that may call can read why the call is
        // refused.
        .layer(auth0::cors(settings))
        // In each response, also to calls that end badly.
        .map_response(auth0::with_rate_limit(limit))
        .map_response(boxed)
        // As with gRPC.
        .layer(CatchPanicLayer::custom(|_| auth0::fault()))
        // No client sets a deadline of its own.
        .layer(DeadlineLayer::new(max_call_time, |_| None, auth0::deadline_exceeded))
        .map_response(boxed)
        .service(routes)
}

/// How many streams that need no token may be open at once.
fn max_open_streams(config: &Config) -> usize {
    (config.limits.max_connections / 8).max(8)
}

/// How many searches over all users may run at once. Most connections to the database stay free for
/// other calls.
fn max_scans(config: &Config) -> usize {
    (config.database.max_connections / 4).max(1)
}

/// Logs where the server listens, and a warning if that is unprotected.
fn announce(listener: &TcpListener, is_tls: bool) -> Result<(), ServeError> {
    let address = address(listener)?;
    if !is_tls && !address.ip().is_loopback() {
        tracing::warn!(%address, "without [tls] tokens and responses cross the network in clear text");
    }
    tracing::info!(%address, "serving");
    Ok(())
}

/// Not the configured address: port 0 stands for any free port.
fn address(listener: &TcpListener) -> Result<SocketAddr, ServeError> {
    listener.local_addr().map_err(|error| ServeError::Part(error.to_string()))
}

//! The server: `main` and each test call `serve`. The caller binds the listeners, so a client can
//! connect at once.

mod drain;
mod error;
mod generation;
mod grpc_routes;
mod health_updates;
mod in_process;
mod issuers;
mod lasting;
mod opening;
mod provider_tokens;
mod reload;
mod replaceable;
mod stacks;
mod sweep;
mod transport_router;

use std::{net::SocketAddr, sync::Arc};

use futures_util::future::{OptionFuture, join};
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

use self::{
    drain::drain, generation::Generation, lasting::Lasting, opening::open, reload::Reloader,
    replaceable::Replaceable, stacks::calls,
};
pub use self::{error::ServeError, in_process::InProcess, reload::Reload};
use crate::{
    calls::is_admitted,
    config::Config,
    listener::{
        Certificates, ConnectionCounts, ConnectionReport, ConnectionServer, Limits, accept,
    },
    management::{self, ServerState},
    telemetry::metrics::{Connections, Metrics},
};

/// How many tools and operators may be connected at once. Each is an open file.
pub const MAX_MANAGEMENT_CONNECTIONS: usize = 64;

/// How many connections the console may have at once. Each is an open file.
pub const MAX_CONSOLE_CONNECTIONS: usize = 256;

/// The bound listeners of a server.
pub struct Listeners {
    /// The one for calls.
    pub calls: TcpListener,
    /// The one for operators and their tools, if there is one.
    pub management: Option<TcpListener>,
    /// The one for the console, if there is one.
    pub console: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(calls: TcpListener) -> Self {
        Self { calls, management: None, console: None }
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
    serve_reloading(config, None, listeners, shutdown).await
}

/// The same, with a configuration that is reloaded while the server serves.
///
/// # Errors
/// If the server cannot start: see [`ServeError`].
pub async fn serve_reloading(
    config: Config,
    reload: Option<Reload>,
    listeners: impl Into<Listeners>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let Listeners { calls: listener, management, console } = listeners.into();
    // Ends all background tasks when this function returns, also if the server does not start.
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let certificates =
        config.tls.clone().map(|files| Certificates::start(files, stop.clone())).transpose()?;
    let (limits, is_tls) = (config.limits.clone(), certificates.is_some());
    let state = ServerState::default();
    state.set_config(config.shown.clone());
    if let Some(listener) = management {
        tracing::info!(address = %address(&listener)?, "serving management");
        tokio::spawn(serve_management(listener, state.clone(), limits.clone(), stop.clone()));
    }
    let Some(store) = open(&config, state.metrics(), &shutdown).await? else { return Ok(()) };
    let store = store.for_tenants(config.policies(), &config.issuer_pins()).await??;
    let lasting = Lasting::start(&config, &store, state.clone(), &stop).await?;
    let first = Generation::start(&lasting, Arc::new(config), store, None).await;
    let served = Replaceable::new(calls(&lasting, &first)?);
    let pages = stacks::console(&lasting, &first)?.map(Replaceable::new);
    let health = lasting.begin(&first.use_cases, stop.child_token()).await;
    let (stop_streams, stop_jobs) = (lasting.stop_streams.clone(), lasting.stop_jobs.clone());
    let (writes, traces) = (lasting.writes.clone(), lasting.traces.clone());

    announce(&listener, is_tls)?;
    let close = CancellationToken::new();
    let console = match (console, &pages) {
        (Some(listener), Some(pages)) => {
            tracing::info!(address = %address(&listener)?, "serving the console");
            let limits = Limits { max_connections: MAX_CONSOLE_CONNECTIONS, ..limits.clone() };
            let server =
                ConnectionServer::new(pages.clone(), is_admitted, limits, certificates.clone());
            Some(accept(listener, server, &close))
        }
        _ => None,
    };
    let server = ConnectionServer::new(served.clone(), is_admitted, limits, certificates);
    report_connections(state.metrics(), server.counts());
    let put = move |lasting: &Lasting, generation: &Generation| {
        let (calls, next_pages) =
            (calls(lasting, generation)?, stacks::console(lasting, generation)?);
        served.replace(calls);
        if let (Some(pages), Some(next_pages)) = (&pages, next_pages) {
            pages.replace(next_pages);
        }
        Ok(())
    };
    let reloader = Reloader::new(lasting, first, put);
    let end = async {
        let last = reloader.run(reload, &shutdown).await;
        // Another server continues while this one still serves calls.
        stop_jobs.cancel();
        // Before the listener is closed, so that load balancers send no more calls to it.
        let health = health.end().await;
        sleep(last.config.shutdown_delay).await;
        close.cancel();
        (health, last)
    };
    let accepted = join(accept(listener, server, &close), OptionFuture::from(console));
    let ((connections, of_console), (health, last)) = join(accepted, end).await;
    let connections = [Some(connections), of_console].into_iter().flatten().collect();
    drain(connections, health, &stop_streams, &writes, last.config.shutdown_grace).await;
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
    let server = ConnectionServer::new(routes, |_| true, limits, None);
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

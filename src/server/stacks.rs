//! The calls of one configuration: the layers of both transports, and the routes behind them.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use tonic_health::server::HealthService;
use tower::{Layer, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    ServeError,
    generation::Generation,
    grpc_routes::{console_routes, grpc_routes, longest_message},
    lasting::Lasting,
    transport_router::TransportRouter,
};
use crate::{
    auth0,
    calls::{
        Body, boxed, concurrency::ConcurrencyLimit, deadline::DeadlineLayer, secured::secured,
        telemetry::TelemetryLayer,
    },
    config::{Auth0, Config},
    console,
    grpc::{gate::GateLayer, paths, status, timeouts},
    listener::CallService,
    pushes,
    transfer::{export::Form, limits::TransferLimits},
    wires::{WiresLayer, cors::PagesLayer},
};

/// The calls of a generation, whose clones share it.
///
/// # Errors
/// If a part of them cannot be made.
pub(super) fn calls(
    lasting: &Lasting,
    generation: &Generation,
) -> Result<impl CallService<Body = Body> + use<>, ServeError> {
    let Generation { config, use_cases, feed, limit, imports, exports, rate_limits, .. } =
        generation;
    let telemetry = |outcome| {
        let metrics = lasting.state.metrics().calls.clone();
        TelemetryLayer::new(outcome, metrics, lasting.traces.clone())
    };
    let streams = lasting.streams.for_time(config.max_call_time);
    let health = HealthService::from_health_reporter(lasting.health.clone());
    let (permissions, stop) = (generation.permissions_changed(), lasting.stop_streams.clone());
    let watches = (Arc::clone(feed), permissions, stop);
    let transfers = TransferLimits {
        imports: Arc::clone(imports),
        exports: Arc::clone(exports),
        max_import_bytes: config.transfers.max_import_bytes,
        max_pause: config.transfers.max_pause,
        stop: lasting.stop_streams.clone(),
        permissions_changed: generation.permissions_changed(),
    };
    let transfers_over_http = transfers.clone();
    let picture = config.auth0.as_ref().and_then(|auth0| auth0.picture.as_deref());
    let auth0_form = Form::Other(Arc::new(auth0::UserLines::new(picture)));
    let grpc = grpc_stack(
        telemetry(status::outcome),
        PagesLayer::new(&config.allowed_origins),
        config.max_call_time,
        GateLayer::new(Arc::clone(use_cases), Arc::clone(rate_limits), limit.clone(), streams),
        grpc_routes(use_cases, watches, (transfers, auth0_form), health, config.reflection)?,
    );
    let grpc = WiresLayer::new(longest_message, config.tls.is_some()).layer(grpc);
    let auth0 = match &config.auth0 {
        Some(settings) => {
            let (limits, scans) = (Arc::clone(rate_limits), max_scans(config));
            let bounds = (limit.clone(), scans, transfers_over_http);
            let routes =
                auth0::routes(settings, use_cases, limits, bounds).map_err(ServeError::Part)?;
            Some(auth0_stack(
                settings,
                telemetry(auth0::outcome),
                config.tls.is_some(),
                config.max_call_time,
                limit.clone(),
                routes,
            ))
        }
        None => None,
    };
    let pushes = config.takes_pushes().then(|| {
        let routes = pushes::routes(use_cases, limit.clone());
        pushes_stack(telemetry(pushes::outcome), config.tls.is_some(), config.max_call_time, routes)
    });
    Ok(TransportRouter { grpc, auth0, pushes })
}

/// The pages of the console of a generation; `None` without one.
///
/// # Errors
/// If a part of them cannot be made.
pub(super) fn console(
    lasting: &Lasting,
    generation: &Generation,
) -> Result<Option<impl CallService<Body = Body> + use<>>, ServeError> {
    let Generation { config, use_cases, feed, limit, .. } = generation;
    let Some(settings) = &config.console else { return Ok(None) };
    let metrics = lasting.state.metrics().calls.clone();
    let telemetry = TelemetryLayer::new(console::outcome, metrics, lasting.traces.clone());
    let (permissions, stop) = (generation.permissions_changed(), lasting.stop_streams.clone());
    let watches = (Arc::clone(feed), permissions, stop);
    let calls = console_routes(use_cases, watches, config.transfers.max_pause);
    let routes = console::routes(settings, use_cases, calls, limit.clone(), lasting.state.clone())
        .ok_or_else(|| ServeError::Part("the console has no tenant".to_owned()))?;
    Ok(Some(console_stack(telemetry, config.max_call_time, routes)))
}

/// The layers in front of the pages of the console, from the outermost to the innermost.
fn console_stack<R: 'static, S>(
    telemetry: TelemetryLayer,
    max_call_time: Duration,
    routes: S,
) -> impl CallService<R, Body = Body> + use<R, S>
where
    S: CallService<R>,
{
    ServiceBuilder::new()
        .layer(telemetry)
        .map_response(boxed)
        // As with gRPC.
        .layer(CatchPanicLayer::custom(|_| console::fault()))
        // No browser sets a deadline.
        .layer(DeadlineLayer::new(max_call_time, |_| None, |_| false, console::deadline_exceeded))
        .map_response(boxed)
        .service(routes)
}

/// How many searches over all users may run at once. Most connections to the database stay free for
/// other calls.
fn max_scans(config: &Config) -> usize {
    (config.database.max_connections / 4).max(1)
}

/// The layers in front of gRPC's routes, from the outermost to the innermost.
fn grpc_stack<R: Send + 'static, G, S>(
    telemetry: TelemetryLayer,
    pages: PagesLayer,
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
        // Before each layer that may refuse: a page that may call can read why the call is refused.
        .layer(pages)
        // Replaces tonic's INTERNAL: a message that does not decode is the client's error.
        .map_response(status::replace_foreign_status)
        .map_response(boxed)
        // Around everything that may panic, except the log. A panic costs only its call; the hook
        // of `cli/log.rs` logs it.
        .layer(CatchPanicLayer::custom(|_| status::fault().into_http::<Body>()))
        // Around everything that may take time: verification, reading the message, waiting for the
        // database.
        .layer(DeadlineLayer::new(max_call_time, timeouts::requested, paths::is_upload, || {
            status::deadline().into_http()
        }))
        // Before each path, including paths that no service has.
        .layer(gate)
        .service(routes)
}

/// The layers in front of the routes for what providers send, from the outermost to the innermost.
fn pushes_stack<R: 'static, S>(
    telemetry: TelemetryLayer,
    is_tls: bool,
    max_call_time: Duration,
    routes: S,
) -> impl CallService<R, Body = Body> + use<R, S>
where
    S: CallService<R>,
{
    ServiceBuilder::new()
        // Outermost, so that refusals have these headers too: Back-Channel Logout 1.0 §2.8 demands
        // `Cache-Control: no-store`.
        .map_response(secured(is_tls))
        .layer(telemetry)
        .map_response(boxed)
        // As with gRPC.
        .layer(CatchPanicLayer::custom(|_| pushes::fault()))
        // No provider sets a deadline.
        .layer(DeadlineLayer::new(max_call_time, |_| None, |_| false, pushes::deadline_exceeded))
        .map_response(boxed)
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
) -> impl CallService<R, Body = Body> + use<R, S>
where
    S: CallService<R>,
{
    ServiceBuilder::new()
        // Outermost, so that refusals have these headers too.
        .map_response(secured(is_tls))
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
        .layer(DeadlineLayer::new(max_call_time, |_| None, |_| false, auth0::deadline_exceeded))
        .map_response(boxed)
        .service(routes)
}

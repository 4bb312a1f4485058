//! The server: `main` and each test call `serve`. The caller binds the listener, so a client can
//! connect at once.

mod health_updates;
mod sweep;
mod transport_router;

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::ServiceBuilder;

use self::{sweep::keep_swept, transport_router::TransportRouter};
use crate::{
    auth::{Issuers, Keys},
    auth0,
    calls::{
        self, concurrency::ConcurrencyLimit, deadline::DeadlineLayer, panics::PanicLayer,
        telemetry::TelemetryLayer,
    },
    clock,
    config::{Config, Tenant},
    domain::TenantId,
    feed::Feed,
    grpc::{
        EventHandler, IdentityHandler, SignInHandler,
        gate::GateLayer,
        health::Health,
        paths,
        proto::{
            DESCRIPTOR_SET, event_service_server::EventServiceServer,
            identity_service_server::IdentityServiceServer,
            sign_in_service_server::SignInServiceServer,
        },
        status,
        streams::OpenStreams,
        timeouts,
    },
    http_client::HttpClient,
    listener::{Certificates, CertificatesError, ConnectionServer, Protocols, accept},
    oauth::{ClientSettings, Clients},
    store::{IssuerChanged, OpenError, ProviderAccounts, Store, StoreError},
    use_cases::UseCases,
};

/// How long writes may continue after the last connection has ended. The database gives up on each
/// statement before that.
const WRITE_GRACE: Duration = Duration::from_secs(12);
/// The longest request of a call without a token, or of a watch, in bytes.
const MAX_OPEN_MESSAGE: usize = 4 * 1024;
/// The longest request of `SignInService`, in bytes: a profile has up to 16 KiB.
const MAX_SIGN_IN: usize = 128 * 1024;
/// The longest request of any other call, in bytes.
const MAX_MESSAGE: usize = 2 * 1024 * 1024;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A provider's issuer differs from the one that the database holds.
    #[error(transparent)]
    IssuerChanged(#[from] IssuerChanged),
    /// The listener has no certificate.
    #[error(transparent)]
    Certificates(#[from] CertificatesError),
    /// A part of the server fails to start.
    #[error("{0}")]
    Part(String),
}

impl From<StoreError> for ServeError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

/// Serves until `shutdown`, then lets calls in flight end within the configured grace.
///
/// # Errors
/// If the server cannot start: see [`ServeError`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let stop_renewals = CancellationToken::new();
    let _stop_renewals = stop_renewals.clone().drop_guard();
    // gRPC clients all use HTTP/2.
    let protocols = if config.auth0.is_some() { Protocols::Http1And2 } else { Protocols::Http2 };
    let certificates = config
        .tls
        .clone()
        .map(|files| Certificates::start(files, protocols, stop_renewals.clone()))
        .transpose()?;
    let store = open(&config).await?;
    let http =
        HttpClient::new().map_err(|error| ServeError::Part(format!("no TLS client: {error}")))?;
    let use_cases = Arc::new(assemble(&config, store.clone(), &http, stop_renewals.clone()).await?);
    let clients = clients(&config, &http, &stop_renewals);
    let stop_streams = CancellationToken::new();
    let _stop_streams = stop_streams.clone().drop_guard();
    let feed = Feed::new(store.clone(), config.feed.clone(), stop_streams.clone());
    tokio::spawn(Arc::clone(&feed).keep_polling());
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let mut health = Health::new(reporter);
    health.report(true, true).await;
    let stop_health_updates = stop_renewals.child_token();
    let health_updates = health_updates::keep_updated(
        health,
        store.database_check(),
        feed.delay(),
        stop_health_updates.clone(),
    );
    let health_updates = tokio::spawn(health_updates);

    let identity = IdentityServiceServer::new(IdentityHandler::new(Arc::clone(&use_cases)))
        .max_decoding_message_size(MAX_MESSAGE);
    let sign_in = SignInServiceServer::new(SignInHandler::new(Arc::clone(&use_cases), clients))
        .max_decoding_message_size(MAX_SIGN_IN);
    let events = EventServiceServer::new(EventHandler::new(feed))
        .max_decoding_message_size(MAX_OPEN_MESSAGE);
    let health_service = health_service.max_decoding_message_size(MAX_OPEN_MESSAGE);
    let mut routes =
        Routes::new(identity).add_service(sign_in).add_service(events).add_service(health_service);
    if config.reflection {
        // Both versions: older tools support v1alpha only.
        let part = |error: tonic_reflection::server::Error| ServeError::Part(error.to_string());
        routes = routes
            .add_service(
                reflection().build_v1().map_err(part)?.max_decoding_message_size(MAX_OPEN_MESSAGE),
            )
            .add_service(
                reflection()
                    .build_v1alpha()
                    .map_err(part)?
                    .max_decoding_message_size(MAX_OPEN_MESSAGE),
            );
    }
    let limit = ConcurrencyLimit::new(config.max_concurrent_calls);
    let few = (config.limits.max_connections / 8).max(8);
    let streams = OpenStreams::new(few, config.max_call_time, stop_streams.clone());
    let auth0 = match &config.auth0 {
        Some(settings) => {
            // Most database connections stay free for calls that do not scan all users.
            let max_scans = (config.database.max_connections / 4).max(1);
            let routes = auth0::routes(settings, &use_cases, limit.clone(), max_scans);
            let service = ServiceBuilder::new()
                // Outermost, so that refusals have these headers too.
                .map_response(auth0::secured(certificates.is_some()))
                // Also logs the preflight requests that a browser sends.
                .layer(TelemetryLayer(auth0::outcome))
                // Before each layer that may refuse: a page that may call can read why the call is
                // refused.
                .layer(auth0::cors(settings))
                // Of every answer, also of those to calls that end badly.
                .map_response(auth0::with_rate_limit(limit.clone()))
                // As with gRPC.
                .layer(PanicLayer(auth0::fault))
                .layer(DeadlineLayer::new(config.max_call_time, |_| None, auth0::deadline_exceeded))
                .map_response(|response: http::Response<axum::body::Body>| {
                    response.map(calls::Body::new)
                })
                // The routes, each behind its gate.
                .service(routes.map_err(ServeError::Part)?);
            Some(service)
        }
        None => None,
    };
    let grpc = ServiceBuilder::new()
        // Outermost, so that refusals are logged too.
        .layer(TelemetryLayer(status::outcome))
        .map_request(paths::named)
        .map_response(status::replace_foreign_status)
        // Around everything that may panic, except the log.
        .layer(PanicLayer(|| status::fault().into_http()))
        // Around everything that may take time: verification, reading the message, waiting for the
        // database.
        .layer(DeadlineLayer::new(config.max_call_time, timeouts::requested, || {
            status::deadline().into_http()
        }))
        // Before each path, including paths that no service has.
        .layer(GateLayer::new(Arc::clone(&use_cases), limit, streams))
        .service(routes.prepare());
    let service = TransportRouter { grpc, auth0 };

    // Not the configured address: port 0 stands for any free port.
    let address = listener.local_addr().map_err(|error| ServeError::Part(error.to_string()))?;
    if certificates.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "without [tls] tokens and responses cross the network in clear text");
    }
    tracing::info!(%address, "serving");
    let server = ConnectionServer::new(
        service,
        calls::is_admitted,
        config.limits.clone(),
        certificates,
        protocols,
    );
    let connections = accept(listener, server, &shutdown).await;
    // First, so that health checks stop reporting SERVING.
    stop_health_updates.cancel();
    if let Ok(health) = health_updates.await {
        health.close().await;
    }
    stop_streams.cancel();
    if timeout(config.shutdown_grace, connections.shutdown()).await.is_err() {
        tracing::warn!("calls were still under way at the end of the grace period");
    }
    // A write outlives its call: the server waits for it even if no client waits for the response.
    if timeout(WRITE_GRACE, use_cases.drain()).await.is_err() {
        tracing::error!("writes were still under way at the end; the database rolls them back");
    }
    Ok(())
}

/// Opens the store of all tenants.
async fn open(config: &Config) -> Result<Store, ServeError> {
    Ok(Store::open(&config.database.address, config.database.max_connections, config.policies())
        .await?)
}

/// Pins the providers' issuers, reads the issuers' keys, and starts the sweeping of the store.
async fn assemble(
    config: &Config,
    store: Store,
    http: &HttpClient,
    stop: CancellationToken,
) -> Result<UseCases, ServeError> {
    pin_issuers(config, &store).await?;
    let issuers = config.issuers.iter().cloned().map(|issuer| {
        let keys = Arc::new(Keys::new(issuer.keys.clone(), issuer.algorithms.clone()));
        (issuer, keys)
    });
    let issuers: Vec<_> = issuers.collect();
    // In parallel: an issuer that hangs does not delay the others.
    join_all(issuers.iter().map(|(issuer, keys)| first_keys(&issuer.issuer, keys, http))).await;
    for (_, keys) in &issuers {
        tokio::spawn(Arc::clone(keys).keep_fresh(http.clone(), stop.clone()));
    }
    let tenants: Vec<TenantId> = config.tenants.keys().cloned().collect();
    report_unknown_providers(&store, &tenants).await;
    tokio::spawn(keep_swept(store.clone(), tenants, config.feed.retention, stop));
    Ok(UseCases::new(store, Issuers::new(issuers), config.tenants.clone()))
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

/// Pins each provider to the issuer from which its first identities came.
async fn pin_issuers(config: &Config, store: &Store) -> Result<(), ServeError> {
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

/// The clients at providers. Their keys are read in the background: the start does not wait for a
/// provider.
fn clients(config: &Config, http: &HttpClient, stop: &CancellationToken) -> Clients {
    let clients = config.tenants.iter().flat_map(|(tenant, Tenant { providers, .. })| {
        let clients = providers
            .iter()
            .filter_map(|(provider, settings)| Some((provider, settings.oauth.clone()?)));
        clients.map(|(provider, settings)| (tenant.clone(), provider.clone(), settings))
    });
    let clients = Clients::new(clients, http, (config.max_concurrent_calls / 4).max(1));
    for (issuer, keys) in clients.keys() {
        let (issuer, keys, http, stop) =
            (issuer.to_owned(), Arc::clone(keys), http.clone(), stop.clone());
        tokio::spawn(async move {
            first_keys(&issuer, &keys, &http).await;
            keys.keep_fresh(http, stop).await;
        });
    }
    clients
}

/// Reads an issuer's keys for the first time. A failure does not stop the server: only callers of
/// this issuer get KEYS_UNAVAILABLE.
async fn first_keys(issuer: &str, keys: &Keys, http: &HttpClient) {
    if let Err(error) = keys.refresh(http).await {
        tracing::error!(issuer, %error, "the issuer's keys could not be read");
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}

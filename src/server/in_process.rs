//! The services for a command of the operator, in its own process: the handlers of calls behind a pipe
//! of this process, without a listener, a token or a gate. So a command shows and refuses what a
//! service would see.

use std::{io, sync::Arc};

use futures_util::{StreamExt as _, future::ready, stream};
use http::{Request, header::AUTHORIZATION};
use hyper_util::rt::TokioIo;
use tokio::io::{DuplexStream, duplex};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint, Server},
};
use tower::{
    service_fn,
    util::{MapRequestLayer, MapResponseLayer},
};

use super::ServeError;
use crate::{
    auth::Permit,
    config::CommandConfig,
    feed::Feed,
    grpc::{
        EventHandler, IdentityHandler,
        proto::{
            event_service_server::EventServiceServer,
            identity_service_server::IdentityServiceServer,
        },
        status,
    },
    store::Store,
    telemetry::metrics::Metrics,
    use_cases::UseCases,
};

/// How many connections to the database a command needs: a person makes one call at a time, and a write
/// looks up beside its transaction.
const CONNECTIONS: usize = 2;
/// How many bytes wait in the pipe at most.
const PIPE: usize = 64 * 1024;

/// The services for the operator. They end when it is dropped.
pub struct InProcess {
    /// A channel to the services. Only this process has it, and it is good for one connection.
    pub channel: Channel,
    _stop: DropGuard,
}

impl InProcess {
    /// Opens the database of this configuration, and serves the holder of this permit. No token is
    /// verified: the operator, who may have such a permit, has access to the database itself.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub async fn start(config: &CommandConfig, permit: Permit) -> Result<Self, ServeError> {
        let (address, policies) = (&config.database.address, config.policies());
        let store = Store::open(address, CONNECTIONS, policies, &Metrics::default()).await?;
        let stop = CancellationToken::new();
        let feed = Feed::new(&store, config.feed.clone(), stop.clone())?;
        tokio::spawn(Arc::clone(&feed).keep_polling());
        let use_cases = Arc::new(UseCases::of_command(store, config.tenants.clone()));
        let events = EventHandler::new(Arc::clone(&use_cases), feed, stop.child_token());
        let routes = Routes::new(IdentityServiceServer::new(IdentityHandler::new(use_cases)))
            .add_service(EventServiceServer::new(events));
        let (client, server) = duplex(PIPE);
        serve(routes, permit, server);
        Ok(Self { channel: channel_over(client), _stop: stop.drop_guard() })
    }
}

/// Serves the one connection, each call of which has this permit.
fn serve(routes: Routes, permit: Permit, connection: DuplexStream) {
    let permitted = MapRequestLayer::new(move |mut request: Request<_>| {
        request.headers_mut().remove(AUTHORIZATION);
        request.extensions_mut().insert(permit.clone());
        request
    });
    let server = Server::builder()
        .layer(MapResponseLayer::new(status::replace_foreign_status))
        .layer(permitted)
        .add_routes(routes);
    let connections = stream::once(ready(Ok::<_, io::Error>(connection))).chain(stream::pending());
    // It ends with the runtime of the command.
    tokio::spawn(server.serve_with_incoming(connections));
}

fn channel_over(pipe: DuplexStream) -> Channel {
    let mut pipe = Some(pipe);
    let connect = service_fn(move |_| {
        ready(
            pipe.take()
                .map(TokioIo::new)
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)),
        )
    });
    // The name of no host: nothing is looked up.
    Endpoint::from_static("http://in-process").connect_with_connector_lazy(connect)
}

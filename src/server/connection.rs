//! One connection, from its handshakes to its end. Each wait for the client has a bound.

use std::{convert::Infallible, io, pin::pin, sync::Arc};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::graceful::GracefulConnection,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::{Instant, error::Elapsed, sleep, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use super::{
    activity::{Activity, Verdict},
    certificates::Certificates,
    http1::refusal,
    paced::Paced,
    preface,
    protocols::{self, Protocol, Protocols},
};
use crate::{calls::Admitted, config::Limits};

/// The service that handles calls.
pub(super) trait Calls:
    Service<Request<Incoming>, Response = Response<tonic::body::Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Calls for S where
    S: Service<Request<Incoming>, Response = Response<tonic::body::Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Why a connection ended before its client closed it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The client failed in its handshakes.
    #[error("no handshake: {0}")]
    Handshake(#[from] io::Error),
    #[error("no handshake in time")]
    Slow(#[from] Elapsed),
    #[error("no handshake before the stop")]
    Stopping,
    /// An HTTP error, or no response to keepalive.
    #[error(transparent)]
    Http(#[from] hyper::Error),
    #[error("no call for too long")]
    Idle,
    #[error("no response was taken for too long")]
    Stalled,
}

/// What all connections share.
#[derive(Clone)]
pub(super) struct Host<S> {
    calls: S,
    limits: Limits,
    certificates: Option<Arc<Certificates>>,
    protocols: Protocols,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    stop: CancellationToken,
}

impl<S: Calls> Host<S> {
    pub(super) fn new(calls: S, limits: Limits, certificates: Option<Arc<Certificates>>, protocols: Protocols) -> Self {
        let (http1, http2) = (protocols::http1(), protocols::http2());
        Self { calls, limits, certificates, protocols, http1, http2, stop: CancellationToken::new() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The token that sends GOAWAY to the clients of all connections when it is cancelled.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Serves a connection to its end. `newcomer` is released when the handshakes are done.
    pub(super) async fn serve(&self, stream: TcpStream, newcomer: OwnedSemaphorePermit) -> Result<(), Ended> {
        // Otherwise a response would wait for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        // One deadline for both handshakes.
        let deadline = Instant::now() + self.limits.handshake_timeout;
        match &self.certificates {
            None => self.serve_calls(stream, deadline, newcomer).await,
            Some(certificates) => {
                let acceptor = TlsAcceptor::from(certificates.current());
                let stream = self.in_time(deadline, acceptor.accept(stream)).await?;
                self.serve_calls(stream, deadline, newcomer).await
            }
        }
    }

    async fn serve_calls<I>(&self, stream: I, deadline: Instant, newcomer: OwnedSemaphorePermit) -> Result<(), Ended>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (protocol, io) = self.in_time(deadline, preface::expect(stream, self.protocols)).await?;
        drop(newcomer);

        let activity = Activity::new();
        let service = service_fn(|request: Request<Incoming>| {
            let call = activity.begin_call();
            let calls = self.calls.clone();
            async move {
                let response = match refusal(&request) {
                    Some(refused) => refused,
                    None => calls.oneshot(request).await?,
                };
                if response.extensions().get::<Admitted>().is_some() {
                    call.admit();
                }
                Ok::<_, Infallible>(response.map(|body| call.answer(body)))
            }
        });
        match protocol {
            Protocol::Http1 => {
                let io = TokioIo::new(Paced::new(io));
                self.attend(self.http1.serve_connection(io, service), &activity).await
            }
            Protocol::Http2 => self.attend(self.http2.serve_connection(TokioIo::new(io), service), &activity).await,
        }
    }

    /// Drives a connection to its end, or until it must be cut.
    async fn attend<C>(&self, connection: C, activity: &Activity) -> Result<(), Ended>
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            why = self.watch(activity) => if !matches!(why, Ended::Idle) { return Err(why) },
            () = self.stop.cancelled() => {}
        }
        // Calls in flight are completed, and so are those that the client sends before it learns of the shutdown.
        connection.as_mut().graceful_shutdown();
        activity.close();
        tokio::select! {
            ended = connection => Ok(ended?),
            why = self.watch(activity) => Err(why),
        }
    }

    /// Returns when the connection must end, and why.
    async fn watch(&self, activity: &Activity) -> Ended {
        loop {
            match activity.judge(&self.limits) {
                Verdict::Fine(look_again) => sleep(look_again).await,
                Verdict::Idle => return Ended::Idle,
                Verdict::Stalled => return Ended::Stalled,
            }
        }
    }

    /// Runs a step of the client that has a deadline, and that a stop does not wait for.
    async fn in_time<T>(&self, deadline: Instant, step: impl Future<Output = io::Result<T>>) -> Result<T, Ended> {
        let step = timeout_at(deadline, step);
        let step = self.stop.run_until_cancelled(step).await.ok_or(Ended::Stopping)?;
        Ok(step??)
    }
}

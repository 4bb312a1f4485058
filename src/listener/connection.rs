//! One connection, from its handshakes to its end. Each wait for the client has a bound.

use std::{convert::Infallible, io, pin::pin, sync::Arc};

use http::{Extensions, Request, Response};
use hyper::{
    body::{Body, Bytes, Incoming},
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
use tower::{BoxError, Service, ServiceExt as _};

use super::{
    Peer,
    activity::{Activity, Verdict},
    backpressured_io::BackpressuredIo,
    certificates::Certificates,
    counts::ConnectionCounts,
    gathered_io::GatheredIo,
    http1::refusal,
    limits::Limits,
    paced_io::PacedIo,
    preface,
    protocols::{self, Protocol},
    request_body::{RequestBody, keep_rest},
};

/// A service that responds to requests with bodies of type `R`, and never fails.
pub trait CallService<R = RequestBody>:
    Service<
        Request<R>,
        Response = Response<<Self as CallService<R>>::Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The body of each response. The default value is an empty body.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + Default + Send + Unpin + 'static;
}

impl<S, R, B> CallService<R> for S
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible, Future: Send + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Default + Send + Unpin + 'static,
{
    type Body = B;
}

/// Why a connection ended before its client closed it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionEnd {
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
    #[error("the client read no response for too long")]
    Stalled,
}

/// What all connections share.
#[derive(Clone)]
pub struct ConnectionServer<S> {
    calls: S,
    is_admitted: fn(&Extensions) -> bool,
    limits: Limits,
    certificates: Option<Arc<Certificates>>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    counts: Arc<ConnectionCounts>,
    stop: CancellationToken,
}

impl<S: CallService> ConnectionServer<S> {
    /// Serves calls by `calls`, over TLS if there are certificates. `is_admitted` reads from the
    /// extensions of a response whether its call was admitted: until the first one that was, a
    /// connection stays open for `first_call_timeout` only.
    pub fn new(
        calls: S,
        is_admitted: fn(&Extensions) -> bool,
        limits: Limits,
        certificates: Option<Arc<Certificates>>,
    ) -> Self {
        let (http1, http2) = (protocols::http1(), protocols::http2());
        Self {
            calls,
            is_admitted,
            limits,
            certificates,
            http1,
            http2,
            counts: Arc::default(),
            stop: CancellationToken::new(),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts the connections that this serves.
    pub fn counts(&self) -> Arc<ConnectionCounts> {
        Arc::clone(&self.counts)
    }

    /// The token that sends GOAWAY to the clients of all connections when it is cancelled.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Serves a connection to its end. `handshake_slot` is released when the handshakes are done.
    pub(super) async fn serve(
        &self,
        stream: TcpStream,
        handshake_slot: OwnedSemaphorePermit,
    ) -> Result<(), ConnectionEnd> {
        let peer = Peer(stream.peer_addr()?);
        // Otherwise a response would wait for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        // One deadline for both handshakes.
        let deadline = Instant::now() + self.limits.handshake_timeout;
        match &self.certificates {
            None => self.serve_calls(stream, peer, deadline, handshake_slot).await,
            Some(certificates) => {
                let acceptor = TlsAcceptor::from(certificates.current());
                let stream = self.in_time(deadline, acceptor.accept(stream)).await?;
                self.serve_calls(stream, peer, deadline, handshake_slot).await
            }
        }
    }

    async fn serve_calls<I>(
        &self,
        stream: I,
        peer: Peer,
        deadline: Instant,
        handshake_slot: OwnedSemaphorePermit,
    ) -> Result<(), ConnectionEnd>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (protocol, io) = self.in_time(deadline, preface::expect(stream)).await?;
        drop(handshake_slot);

        let activity = Activity::new();
        let is_admitted = self.is_admitted;
        let service = service_fn(|request: Request<Incoming>| {
            let call = activity.begin_call();
            let calls = self.calls.clone();
            async move {
                let response = match refusal(&request) {
                    Some(refused) => refused,
                    None => {
                        let (mut request, unread) = keep_rest(request);
                        request.extensions_mut().insert(peer);
                        let response = calls.oneshot(request).await?;
                        unread.read().await;
                        response
                    }
                };
                if is_admitted(response.extensions()) {
                    call.admit();
                }
                Ok::<_, Infallible>(response.map(|body| call.track(body)))
            }
        });
        match protocol {
            Protocol::Http1 => {
                let io = TokioIo::new(BackpressuredIo::new(io));
                self.drive(self.http1.serve_connection(io, service), &activity).await
            }
            Protocol::Http2 => {
                let io = TokioIo::new(GatheredIo::new(PacedIo::new(io)));
                self.drive(self.http2.serve_connection(io, service), &activity).await
            }
        }
    }

    /// Drives a connection to its end, or until it must be cut.
    async fn drive<C>(&self, connection: C, activity: &Activity) -> Result<(), ConnectionEnd>
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let mut connection = pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            why = self.watch(activity) => if !matches!(why, ConnectionEnd::Idle) { return Err(why) },
            () = self.stop.cancelled() => {}
        }
        // Calls in flight are completed, and so are those that the client sends before it learns of
        // the shutdown.
        connection.as_mut().graceful_shutdown();
        activity.close();
        tokio::select! {
            ended = connection => Ok(ended?),
            why = self.watch(activity) => Err(why),
        }
    }

    /// Returns when the connection must end, and why.
    async fn watch(&self, activity: &Activity) -> ConnectionEnd {
        loop {
            match activity.judge(&self.limits) {
                Verdict::Keep(look_again) => sleep(look_again).await,
                Verdict::Idle => return ConnectionEnd::Idle,
                Verdict::Stalled => return ConnectionEnd::Stalled,
            }
        }
    }

    /// Runs a step of the client that has a deadline, and that a stop does not wait for.
    async fn in_time<T>(
        &self,
        deadline: Instant,
        step: impl Future<Output = io::Result<T>>,
    ) -> Result<T, ConnectionEnd> {
        let step = timeout_at(deadline, step);
        let step = self.stop.run_until_cancelled(step).await.ok_or(ConnectionEnd::Stopping)?;
        Ok(step??)
    }
}

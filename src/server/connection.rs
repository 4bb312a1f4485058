//! One connection, from its handshakes to its end. Each wait for the client has its bound.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
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
    preface,
};
use crate::{calls::Admitted, config::Limits};

/// Calls in flight on one connection.
const MAX_STREAMS: u32 = 200;
/// The longest header list, in bytes: a token of 8 KiB fits.
const MAX_HEADERS: u32 = 16 * 1024;
/// What a client may send ahead of being read, per call and per connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// What of an answer is prepared ahead of being taken.
const SEND_BUFFER: usize = 64 * 1024;

/// What answers the calls.
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
    /// The handshakes.
    #[error("no handshake: {0}")]
    Handshake(#[from] io::Error),
    #[error("no handshake in time")]
    Slow(#[from] Elapsed),
    #[error("no handshake before the stop")]
    Stopping,
    /// HTTP/2, or keepalive.
    #[error(transparent)]
    Http2(#[from] hyper::Error),
    #[error("no call for too long")]
    Idle,
    #[error("no answer was taken for too long")]
    Stalled,
}

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Host<S> {
    calls: S,
    limits: Limits,
    certificates: Option<Arc<Certificates>>,
    http2: http2::Builder<TokioExecutor>,
    stop: CancellationToken,
}

impl<S: Calls> Host<S> {
    pub(super) fn new(calls: S, limits: Limits, certificates: Option<Arc<Certificates>>) -> Self {
        Self { calls, limits, certificates, http2: http2(), stop: CancellationToken::new() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Tells the clients of all connections to go away, when this is cancelled.
    pub(super) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Serves a connection to its end. `newcomer` is given back when its handshakes are done.
    pub(super) async fn serve(&self, stream: TcpStream, newcomer: OwnedSemaphorePermit) -> Result<(), Ended> {
        // Without it an answer waits for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        // One for both handshakes.
        let deadline = Instant::now() + self.limits.handshake_timeout;
        match &self.certificates {
            None => {
                let io = self.in_time(deadline, preface::expect(stream)).await?;
                self.serve_http2(io, newcomer).await
            }
            Some(certificates) => {
                let acceptor = TlsAcceptor::from(certificates.current());
                let stream = self.in_time(deadline, acceptor.accept(stream)).await?;
                let io = self.in_time(deadline, preface::expect(stream)).await?;
                self.serve_http2(io, newcomer).await
            }
        }
    }

    async fn serve_http2<I>(&self, io: I, newcomer: OwnedSemaphorePermit) -> Result<(), Ended>
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        drop(newcomer);

        let activity = Activity::new();
        let service = service_fn(|request| {
            let call = activity.begin_call();
            let answer = self.calls.clone().oneshot(request);
            async move {
                let response = answer.await?;
                if response.extensions().get::<Admitted>().is_some() {
                    call.admit();
                }
                Ok::<_, Infallible>(response.map(|body| call.answer(body)))
            }
        });
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(io), service));
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            why = self.watch(&activity) => if !matches!(why, Ended::Idle) { return Err(why) },
            () = self.stop.cancelled() => {}
        }
        // Calls in flight are answered, and those that the client sends before it hears of it.
        connection.as_mut().graceful_shutdown();
        activity.close();
        tokio::select! {
            ended = connection => Ok(ended?),
            why = self.watch(&activity) => Err(why),
        }
    }

    /// Returns when the connection is to end, and why.
    async fn watch(&self, activity: &Activity) -> Ended {
        loop {
            match activity.judge(&self.limits) {
                Verdict::Fine(look_again) => sleep(look_again).await,
                Verdict::Idle => return Ended::Idle,
                Verdict::Stalled => return Ended::Stalled,
            }
        }
    }

    /// What a client has to do in time, and a stop does not wait for.
    async fn in_time<T>(&self, deadline: Instant, step: impl Future<Output = io::Result<T>>) -> Result<T, Ended> {
        let step = timeout_at(deadline, step);
        let step = self.stop.run_until_cancelled(step).await.ok_or(Ended::Stopping)?;
        Ok(step??)
    }
}

/// HTTP/2, with every bound said: an unset one may mean none.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADERS)
        .header_table_size(4 * 1024)
        .max_frame_size(16 * 1024)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        // Streams that the client resets before we have looked at them, and streams that we reset
        // because of what it sent: one more ends the connection.
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(1024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    http2
}

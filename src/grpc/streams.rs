//! Streams that need no token: health watches and reflection. Their callers are unknown, so there are few of them,
//! and each is bounded in time or by the server's stop.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Response;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body};

use super::status::{deadline, stopping};

/// The limits of streams that need no token.
#[derive(Debug, Clone)]
pub struct OpenStreams {
    places: Arc<Semaphore>,
    max_time: Duration,
    stop: CancellationToken,
}

impl OpenStreams {
    /// At most `max` at once. Streams on which the client sends requests end after `max_time`, and all end with
    /// `stop`.
    pub fn new(max: usize, max_time: Duration, stop: CancellationToken) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), max_time, stop }
    }

    /// A slot for one more stream; `None` at the limit.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Ties a response to its slot, and a conversation to its time. A watch ends when the watched service reports
    /// the stop.
    pub(super) fn bound(&self, answer: Response<Body>, place: OwnedSemaphorePermit, is_watch: bool) -> Response<Body> {
        let end = (!is_watch)
            .then(|| End { time: Box::pin(sleep(self.max_time)), stop: Box::pin(self.stop.clone().cancelled_owned()) });
        answer.map(|body| Body::new(Bound { body: Some(body), end, _place: place }))
    }
}

/// When a conversation is ended that the client has not ended before.
struct End {
    time: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// A body that ends with its time.
struct Bound {
    body: Option<Body>,
    end: Option<End>,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Bound {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, end, .. } = &mut *self;
        let Some(answering) = body else { return Poll::Ready(None) };
        // The end is checked first, so that it also reaches a client that sends requests without pause.
        let ended = end.as_mut().and_then(|End { time, stop }| {
            if time.as_mut().poll(cx).is_ready() {
                return Some(deadline());
            }
            stop.as_mut().poll(cx).is_ready().then(stopping)
        });
        match ended {
            Some(status) => {
                *body = None;
                let mut trailers = http::HeaderMap::new();
                let written = status.add_header(&mut trailers);
                Poll::Ready(Some(written.map(|()| Frame::trailers(trailers))))
            }
            None => Poll::Ready(ready!(Pin::new(answering).poll_frame(cx))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

//! Streams that need no token: health watches and reflection. Their callers are unknown, so there
//! are few of them, and each is bounded in time or by the server's stop.

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
    slots: Arc<Semaphore>,
    max_time: Duration,
    stop: CancellationToken,
}

impl OpenStreams {
    /// At most `max` at once. Streams on which the client sends requests end after `max_time`, and
    /// all end with `stop`.
    pub fn new(max: usize, max_time: Duration, stop: CancellationToken) -> Self {
        Self { slots: Arc::new(Semaphore::new(max)), max_time, stop }
    }

    /// The same slots for streams that end after this time.
    #[must_use]
    pub fn for_time(&self, max_time: Duration) -> Self {
        Self { max_time, ..self.clone() }
    }

    /// A slot for one more stream; `None` at the limit.
    pub(super) fn acquire_slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).try_acquire_owned().ok()
    }

    /// Ties a response to its slot, and a conversation to its time. A watch ends when the watched
    /// service reports the stop.
    pub(super) fn limit(
        &self,
        response: Response<Body>,
        slot: OwnedSemaphorePermit,
        is_watch: bool,
    ) -> Response<Body> {
        let end = (!is_watch).then(|| StreamEnd {
            time: Box::pin(sleep(self.max_time)),
            stop: Box::pin(self.stop.clone().cancelled_owned()),
        });
        response.map(|body| Body::new(LimitedBody { body: Some(body), end, _slot: slot }))
    }
}

/// When a conversation is ended that the client has not ended before.
struct StreamEnd {
    time: Pin<Box<Sleep>>,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// A body that ends with its time.
struct LimitedBody {
    body: Option<Body>,
    end: Option<StreamEnd>,
    _slot: OwnedSemaphorePermit,
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, end, .. } = &mut *self;
        let Some(answering) = body else { return Poll::Ready(None) };
        // The end is checked first, so that it also reaches a client that sends requests without
        // pause.
        let ended = end.as_mut().and_then(|StreamEnd { time, stop }| {
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

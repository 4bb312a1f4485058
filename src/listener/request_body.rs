//! The body of a request, of which the handler may leave a part.
//!
//! HTTP/2 resets the stream of a response that is sent before its request has arrived, and what
//! arrives of the request afterwards is an error, with a reset for each. HTTP/1.1 closes the
//! connection then. Some clients report the reset, or that they could not write, instead of the
//! response. So the server reads what is left of a short request before it responds.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, header::EXPECT};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::{sync::oneshot, time::timeout};

/// The most bytes that are read for a response that does not need them.
const LONGEST_REST: usize = 64 * 1024;
/// How long the response waits for them: longer than a busy client takes from the head of a request
/// to its body. The refusal of a stream that the client keeps open waits that long too.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// The body of a request. When it is dropped, what was not read of it can still be read.
#[derive(Debug)]
pub struct RequestBody {
    /// `None` after this is dropped.
    body: Option<Incoming>,
    rest: Option<oneshot::Sender<Incoming>>,
}

/// What the handler of a request left of its body.
pub(super) struct UnreadRest(Option<oneshot::Receiver<Incoming>>);

/// The request with a body whose rest can be read.
pub(super) fn keep_rest(request: Request<Incoming>) -> (Request<RequestBody>, UnreadRest) {
    // A client that expects `100 Continue` sends no body with a refused request (RFC 9110 §10.1.1).
    let is_kept = !request.headers().contains_key(EXPECT) && !request.body().is_end_stream();
    let (rest, unread) = is_kept.then(oneshot::channel).unzip();
    (request.map(|body| RequestBody { body: Some(body), rest }), UnreadRest(unread))
}

impl UnreadRest {
    /// Reads what the handler left, within bounds.
    pub(super) async fn read(self) {
        // A handler that still has the body continues to read it.
        let Some(mut rest) = self.0.and_then(|mut unread| unread.try_recv().ok()) else { return };
        let read = async {
            let mut length = 0;
            while let Some(Ok(frame)) = rest.frame().await
                && length <= LONGEST_REST
            {
                length += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        // After that, the client gets its response all the same.
        drop(timeout(LONGEST_WAIT, read).await);
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let (Some(body), Some(rest)) = (self.body.take(), self.rest.take())
            && !body.is_end_stream()
        {
            // It fails once the listener has sent the response, and no longer reads the rest.
            drop(rest.send(body));
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

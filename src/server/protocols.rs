//! The protocols that the listener speaks, with every bound of each said: an unset one may mean none.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Calls in flight on one connection.
const MAX_STREAMS: u32 = 200;
/// The longest header list, in bytes: a token of 8 KiB fits.
const MAX_HEADERS: u32 = 16 * 1024;
/// What a client may send ahead of being read, per call and per connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// What of an answer is prepared ahead of being taken.
const SEND_BUFFER: usize = 64 * 1024;

/// What the listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocols {
    /// gRPC needs no more.
    Http2,
    /// For clients that know nothing of gRPC.
    Http1And2,
}

impl Protocols {
    /// What is offered in a TLS handshake, the preferred one first (RFC 7301).
    pub(super) fn offer(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http2 => vec![b"h2".to_vec()],
            Self::Http1And2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// What one client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

pub(super) fn http1() -> http1::Builder {
    let mut http1 = http1::Builder::new();
    http1
        .timer(TokioTimer::new())
        .keep_alive(true)
        .half_close(false)
        .pipeline_flush(false)
        .max_header_size(MAX_HEADERS as usize)
        .max_headers(100)
        // What is read ahead, and what of an answer is prepared: the same for both.
        .max_buf_size(SEND_BUFFER)
        // What is copied together cannot be told from what was taken.
        .writev(true)
        // It would count the time between calls too, which is longer; the watch over the connection
        // bounds both, as it does for HTTP/2.
        .header_read_timeout(None);
    http1
}

pub(super) fn http2() -> http2::Builder<TokioExecutor> {
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

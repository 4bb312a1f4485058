//! The protocols that the listener speaks, with each bound set: an unset bound may mean no bound.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// Calls in flight on one connection.
const MAX_STREAMS: u32 = 200;
/// The longest head of an HTTP/1 request, in bytes: a token of 8 KiB fits.
const MAX_HTTP1_HEAD: usize = 16 * 1024;
/// The longest header list of an HTTP/2 request, in bytes. A longer one is answered without a gRPC
/// status, so it is larger than each token that the gate refuses with a reason.
const MAX_HTTP2_HEADERS: u32 = 64 * 1024;
/// The bytes that a client may send before the server reads them, per call and per connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 8 * STREAM_WINDOW;
/// The bytes of a response that the server buffers before the client takes them.
const SEND_BUFFER: usize = 64 * 1024;

/// The protocols for a TLS handshake, the preferred one first (ALPN, RFC 7301).
pub(super) fn offer() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

/// The protocol of one connection.
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
        .max_header_size(MAX_HTTP1_HEAD)
        .max_headers(100)
        // Bounds both the bytes that are read ahead and the buffered bytes of a response.
        .max_buf_size(SEND_BUFFER)
        // With vectored writes, buffered bytes stay distinguishable from those that the client
        // took.
        .writev(true)
        // This timeout would also count the time between calls, which is longer. The watch over the
        // connection bounds both times, as for HTTP/2.
        .header_read_timeout(None);
    http1
}

pub(super) fn http2() -> http2::Builder<TokioExecutor> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HTTP2_HEADERS)
        .header_table_size(4 * 1024)
        .max_frame_size(16 * 1024)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        // Streams that the client resets before we have looked at them: one more at once ends the
        // connection.
        .max_pending_accept_reset_streams(20)
        // Streams that we reset because of what the client sent. h2 would count them over the life of
        // the connection, which the clients of a proxy share. `PacedIo` bounds those that are kept.
        .max_local_error_reset_streams(None)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    http2
}

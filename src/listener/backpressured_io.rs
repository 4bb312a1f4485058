//! Reads nothing from a client that takes no responses.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that reads nothing while a write waits for the client. Without it, hyper would go on to
/// the next request of an HTTP/1 client if no handler waits for the body of the previous one, and
/// would keep responses that have no body without bound.
#[derive(Debug)]
pub(super) struct BackpressuredIo<I> {
    io: I,
    /// Whether a write is pending.
    is_behind: bool,
    /// The task that waits to read until the write is done.
    reader: Option<Waker>,
}

impl<I> BackpressuredIo<I> {
    pub(super) fn new(io: I) -> Self {
        Self { io, is_behind: false, reader: None }
    }

    /// Notes the outcome of a write.
    fn wrote<T>(&mut self, outcome: Poll<T>) -> Poll<T> {
        self.is_behind = outcome.is_pending();
        if let Some(reader) = self.reader.take_if(|_| !self.is_behind) {
            reader.wake();
        }
        outcome
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for BackpressuredIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_behind {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for BackpressuredIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wrote(outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.wrote(outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(cx);
        self.wrote(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

//! Reads from an HTTP/2 client only a little ahead of the replies to it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The bytes that are read between two flushes. One more read may exceed it.
const READ_AHEAD: usize = 16 * 1024;

/// A stream that reads at most [`READ_AHEAD`] before all that is written has left. HTTP/2 owes a
/// reset for each malformed stream, and h2 keeps those that have not left. Without this bound, a
/// client that does not read them could make the server keep any number. h2 could end the connection
/// instead, after a number of them, but clients of a proxy share a connection: one of them would end
/// the calls of all.
///
/// h2 flushes whenever a read is pending, so a read that waits here is followed by a flush.
#[derive(Debug)]
pub(super) struct PacedIo<I> {
    io: I,
    /// The bytes that were read since the last flush.
    ahead: usize,
    /// The task that waits to read until the flush is done.
    reader: Option<Waker>,
}

impl<I> PacedIo<I> {
    pub(super) fn new(io: I) -> Self {
        Self { io, ahead: 0, reader: None }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for PacedIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead >= READ_AHEAD {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.io).poll_read(cx, buf);
        self.ahead += buf.filled().len() - before;
        outcome
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for PacedIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.io).poll_flush(cx);
        if outcome.is_ready() {
            self.ahead = 0;
            if let Some(reader) = self.reader.take() {
                reader.wake();
            }
        }
        outcome
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use http::{Request, Response};
    use http_body_util::Empty;
    use hyper::{
        body::{Bytes, Incoming},
        service::service_fn,
    };
    use hyper_util::rt::TokioIo;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::listener::{gathered_io::GatheredIo, protocols};

    /// A client that sends malformed streams without end, counts what the server reads, and takes
    /// its settings and no reply.
    struct Flood {
        sent: Vec<u8>,
        next_stream: u32,
        read: Arc<AtomicUsize>,
        /// The bytes that the client still takes.
        takes: usize,
    }

    impl AsyncRead for Flood {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            while self.sent.len() < buf.remaining() {
                // HEADERS with `:path` only, which is malformed (RFC 9113 §8.3.1): `:path: /` is
                // entry 4 of the static table.
                let id = self.next_stream.to_be_bytes();
                self.sent.extend([&[0, 0, 1, 1, 5][..], &id, &[0x84]].concat());
                self.next_stream += 2;
            }
            let some = buf.remaining();
            buf.put_slice(&self.sent[..some]);
            self.sent.drain(..some);
            self.read.fetch_add(some, Relaxed);
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Flood {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = buf.len().min(self.takes);
            self.takes -= taken;
            if taken == 0 { Poll::Pending } else { Poll::Ready(Ok(taken)) }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// G02: the client never reads the resets, so the server stops reading, and keeps few of them.
    #[tokio::test]
    async fn little_is_read_from_a_client_that_takes_no_replies() {
        let read = Arc::<AtomicUsize>::default();
        let settings = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]];
        let flood =
            Flood { sent: settings.concat(), next_stream: 1, read: Arc::clone(&read), takes: 100 };
        let io = TokioIo::new(GatheredIo::new(PacedIo::new(flood)));
        let respond = service_fn(|_: Request<Incoming>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Empty::<Bytes>::new()))
        });
        let mut connection = protocols::http2().serve_connection(io, respond);
        for _ in 0..1000 {
            let waits = std::future::poll_fn(|cx| {
                Poll::Ready(Pin::new(&mut connection).poll(cx).is_pending())
            });
            assert!(waits.await, "the connection should stay open");
        }
        let read = read.load(Relaxed);
        assert!((READ_AHEAD..8 * READ_AHEAD).contains(&read), "{read} bytes were read");
    }

    #[tokio::test]
    async fn a_flush_lets_the_reader_go_on() {
        let mut io = PacedIo::new(tokio::io::join(&[0; 64 * 1024][..], tokio::io::sink()));
        let mut bytes = vec![0; READ_AHEAD];
        io.read_exact(&mut bytes).await.unwrap();
        let waiting = std::future::poll_fn(|cx| {
            let mut buf = [0; 1];
            let mut buf = ReadBuf::new(&mut buf);
            Poll::Ready(Pin::new(&mut io).poll_read(cx, &mut buf).is_pending())
        });
        assert!(waiting.await);
        tokio::io::AsyncWriteExt::flush(&mut io).await.unwrap();
        io.read_exact(&mut bytes).await.unwrap();
    }
}

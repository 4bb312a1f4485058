//! Gathers what an HTTP/2 connection writes into few system calls.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream for HTTP/2 that does not offer vectored writes. h2 then copies each chunk below 1 KiB
/// behind its head (`CHAIN_THRESHOLD_WITHOUT_VECTORED_IO`), so that a short response leaves with its
/// trailers, and with other responses, in one write. Otherwise trailers would leave in a write of
/// their own. h2 writes what it has gathered and a longer chunk one after the other: both are kept
/// together here.
#[derive(Debug)]
pub(super) struct GatheredIo<I> {
    io: I,
    /// What h2 has gathered. It leaves with the next chunk or with a flush, which follows.
    gathered: Vec<u8>,
}

impl<I: AsyncWrite + Unpin> GatheredIo<I> {
    pub(super) fn new(io: I) -> Self {
        Self { io, gathered: Vec::new() }
    }

    /// Writes what is gathered and this chunk. Returns how much of the chunk was written, which is
    /// nothing at all only if the chunk is empty.
    fn poll_write_all(&mut self, cx: &mut Context<'_>, chunk: &[u8]) -> Poll<io::Result<usize>> {
        while !self.gathered.is_empty() {
            let both = [IoSlice::new(&self.gathered), IoSlice::new(chunk)];
            let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, &both))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_gathered = written.min(self.gathered.len());
            self.gathered.drain(..of_gathered);
            if written > of_gathered {
                return Poll::Ready(Ok(written - of_gathered));
            }
        }
        match chunk {
            [] => Poll::Ready(Ok(0)),
            chunk => Pin::new(&mut self.io).poll_write(cx, chunk),
        }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for GatheredIo<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for GatheredIo<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        chunk: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.gathered.is_empty() {
            self.gathered.extend_from_slice(chunk);
            return Poll::Ready(Ok(chunk.len()));
        }
        self.poll_write_all(cx, chunk)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_all(cx, &[]))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_all(cx, &[]))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
    };

    use futures_util::stream;
    use http::{HeaderMap, Request, Response};
    use http_body_util::{BodyExt as _, Empty, StreamBody};
    use hyper::{
        body::{Bytes, Frame, Incoming},
        client::conn::http2 as client,
        service::service_fn,
    };
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;
    use crate::listener::protocols;

    /// A stream that keeps each write.
    struct Kept {
        io: DuplexStream,
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
    }

    impl AsyncRead for Kept {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Kept {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            chunk: &[u8],
        ) -> Poll<io::Result<usize>> {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, chunk))?;
            self.writes.lock().unwrap().push(chunk[..written].to_vec());
            Poll::Ready(Ok(written))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            chunks: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.poll_write(cx, &chunks.iter().map(|chunk| &**chunk).collect::<Vec<_>>().concat())
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.io).poll_shutdown(cx)
        }
    }

    /// The writes of a server that responds with a message of this length and trailers.
    async fn writes_of_response(length: usize) -> Vec<Vec<u8>> {
        let (client_end, server_end) = duplex(1024 * 1024);
        let writes = Arc::<Mutex<Vec<Vec<u8>>>>::default();
        let io = GatheredIo::new(Kept { io: server_end, writes: Arc::clone(&writes) });
        let respond = service_fn(move |_: Request<Incoming>| async move {
            let frames = [
                Frame::data(Bytes::from(vec![b'!'; length])),
                Frame::trailers(HeaderMap::from_iter([(
                    "x".parse().unwrap(),
                    "y".parse().unwrap(),
                )])),
            ];
            let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
            Ok::<_, Infallible>(Response::new(body))
        });
        tokio::spawn(protocols::http2().serve_connection(TokioIo::new(io), respond));
        let (mut requests, connection) =
            client::handshake(TokioExecutor::new(), TokioIo::new(client_end)).await.unwrap();
        tokio::spawn(connection);
        let response = requests.send_request(Request::new(Empty::<Bytes>::new())).await.unwrap();
        let received = response.into_body().collect().await.unwrap();
        assert!(received.trailers().is_some());
        assert_eq!(received.to_bytes().len(), length);
        let writes = writes.lock().unwrap();
        writes.iter().filter(|write| write.contains(&b'!')).cloned().collect()
    }

    #[tokio::test]
    async fn a_short_message_leaves_with_its_headers_and_trailers_in_one_write() {
        let [write] = writes_of_response(900).await.try_into().unwrap();
        let start = write.iter().position(|byte| *byte == b'!').unwrap();
        assert!(start > 2 * 9, "headers and the head of the message are before it");
        assert!(write.len() > start + 900, "trailers are behind it");
    }

    #[tokio::test]
    async fn a_longer_message_leaves_with_its_headers_in_one_write() {
        let [write] = writes_of_response(10_000).await.try_into().unwrap();
        assert!(write.len() > 10_000 + 2 * 9);
    }

    #[tokio::test]
    async fn bytes_stay_in_order_when_the_client_takes_few() {
        let (mut client_end, server_end) = duplex(7);
        let mut io = GatheredIo::new(server_end);
        let chunks: Vec<Vec<u8>> = (0..30).map(|n| vec![n; usize::from(n)]).collect();
        let sent = chunks.concat();
        let writing = tokio::spawn(async move {
            for (n, chunk) in chunks.iter().enumerate() {
                io.write_all(chunk).await.unwrap();
                if n % 3 == 0 {
                    io.flush().await.unwrap();
                }
            }
            io.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut client_end, &mut received).await.unwrap();
        writing.await.unwrap();
        assert_eq!(received, sent);
    }
}

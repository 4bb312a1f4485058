//! Reads the first bytes of a connection before HTTP does: a client that does not send them in time
//! holds nothing but a socket.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::protocols::Protocol;

/// The first bytes of each HTTP/2 client (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Room for what usually arrives with the preface: the client's settings and its first call.
const FIRST_READ: usize = 1024;
/// Reads until the client's protocol is clear, and returns a stream from which all of it is read
/// again. A client of neither HTTP/2 nor HTTP/1 is disconnected at its first wrong
/// byte.
pub(super) async fn expect<I>(mut io: I) -> io::Result<(Protocol, Rewound<I>)>
where
    I: AsyncRead + Unpin,
{
    let mut read = Vec::with_capacity(FIRST_READ);
    while read.len() < PREFACE.len() {
        if io.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if read.iter().zip(PREFACE).any(|(read, expected)| read != expected) {
            // An HTTP/1 request begins with a method. A client of TLS or another protocol would not
            // understand a response.
            let is_http1 = read.first().is_some_and(u8::is_ascii_uppercase);
            if is_http1 {
                return Ok((Protocol::Http1, Rewound { read: read.into(), io }));
            }
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not HTTP"));
        }
    }
    Ok((Protocol::Http2, Rewound { read: read.into(), io }))
}

/// A stream whose first bytes were read already, and are read again.
#[derive(Debug)]
pub(super) struct Rewound<I> {
    read: Bytes,
    io: I,
}

impl<I: AsyncRead + Unpin> AsyncRead for Rewound<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let fits = self.read.len().min(buf.remaining());
        buf.put_slice(&self.read.split_to(fits));
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Rewound<I> {
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
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

//! A client that speaks HTTP/1.1 byte by byte (RFC 9112), also against the RFC.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How long a server that hangs delays its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// One response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// From the status line to the empty line.
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// A connection to the server.
pub struct Http1<S = TcpStream> {
    stream: S,
    /// Received bytes that are part of no returned response.
    heard: Vec<u8>,
}

impl Http1 {
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    /// A client on an open connection.
    pub fn over(stream: S) -> Self {
        Self { stream, heard: Vec::new() }
    }

    /// Sends bytes unchanged. An error is ignored, since the server may have closed: tests judge by
    /// what it sent.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sending = async {
            self.stream.write_all(bytes.as_ref()).await?;
            self.stream.flush().await
        };
        let _ = timeout(PATIENCE, sending).await.expect("the server should read");
    }

    /// Sends the same bytes again and again, at this pace, and reads nothing, until the server cuts
    /// the connection.
    pub async fn send_until_cut(&mut self, bytes: impl AsRef<[u8]>, pace: impl AsyncFn()) {
        let flood = async {
            while self.stream.write_all(bytes.as_ref()).await.and(self.stream.flush().await).is_ok()
            {
                pace().await;
            }
        };
        timeout(PATIENCE, flood).await.expect("the server should cut the connection");
    }

    /// The next response. Panics if the server closes before.
    pub async fn answer(&mut self) -> Answer {
        self.next(true).await.expect("the server should respond")
    }

    /// Sends a request, and returns its response.
    pub async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    /// Sends a request for the head alone, and returns its response, whose body is empty for any
    /// `content-length`.
    pub async fn ask_head(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.next(false).await.expect("the server should respond")
    }

    /// Sends the same request again after each response, until the server closes.
    pub async fn ask_until_closed(&mut self, request: impl AsRef<[u8]>) {
        self.send(&request).await;
        while self.next(true).await.is_some() {
            self.send(&request).await;
        }
    }

    /// All responses until the server closes.
    pub async fn rest(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.next(true).await {
            answers.push(answer);
        }
        assert_eq!(String::from_utf8_lossy(&self.heard), "", "half a response");
        answers
    }

    /// The next response; `None` when the server has closed, or cut, the connection.
    async fn next(&mut self, has_body: bool) -> Option<Answer> {
        let end = loop {
            match self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => self.hear().await?,
            }
        };
        let head = String::from_utf8(self.heard.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        if has_body && answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks().await?;
            return Some(answer);
        }
        let length = answer
            .header("content-length")
            .filter(|_| has_body)
            .map_or(0, |length| length.parse().unwrap());
        while self.heard.len() < length {
            self.hear().await?;
        }
        answer.body = String::from_utf8(self.heard.drain(..length).collect()).unwrap();
        Some(answer)
    }

    /// A body in chunks (RFC 9112 §7.1) without trailers; `None` if the server closes before its end.
    async fn chunks(&mut self) -> Option<String> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Some(String::from_utf8(body).unwrap());
            }
            body.extend(chunk);
        }
    }

    /// The next chunk of a body, which is empty at its end; `None` if the server closes before.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = loop {
            match self.heard.windows(2).position(|two| two == b"\r\n") {
                Some(at) => break self.heard.drain(..at + 2).collect::<Vec<_>>(),
                None => self.hear().await?,
            }
        };
        let size = String::from_utf8(line).unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        while self.heard.len() < size + 2 {
            self.hear().await?;
        }
        let chunk = self.heard.drain(..size).collect();
        self.heard.drain(..2);
        Some(chunk)
    }

    /// Reads more bytes; `None` at the end.
    async fn hear(&mut self) -> Option<()> {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.heard)).await;
        // A reset ends the connection too.
        read.expect("the server should send bytes or close")
            .is_ok_and(|count| count > 0)
            .then_some(())
    }
}

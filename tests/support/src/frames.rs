//! A client that speaks HTTP/2 frame by frame (RFC 9113), also against the RFC.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// The bytes that every client sends first (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long a peer that hangs delays its test.
const PATIENCE: Duration = Duration::from_secs(60);

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const CONTINUATION: u8 = 9;

pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub const SETTINGS_MAX_CONCURRENT_STREAMS: u16 = 3;
pub const SETTINGS_INITIAL_WINDOW_SIZE: u16 = 4;

/// The names of the error codes.
const CODES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    pub fn settings(settings: &[(u16, u32)]) -> Self {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        Self::new(SETTINGS, 0, 0, payload)
    }

    /// The whole header block of a gRPC call, whose messages are to follow.
    pub fn call(stream: u32, path: &str, more: &[(&str, &[u8])]) -> Self {
        let mut block = fields(&[
            (":method", b"POST"),
            (":scheme", b"http"),
            (":path", path.as_bytes()),
            (":authority", b"test"),
            ("content-type", b"application/grpc"),
            ("te", b"trailers"),
        ]);
        block.extend(fields(more));
        Self::new(HEADERS, END_HEADERS, stream, block)
    }

    /// The empty message, and the end of the stream.
    pub fn empty_message(stream: u32) -> Self {
        Self::new(DATA, END_STREAM, stream, [0; 5])
    }

    pub fn reset(stream: u32) -> Self {
        Self::new(RST_STREAM, 0, stream, 8u32.to_be_bytes())
    }

    pub fn ping() -> Self {
        Self::new(PING, 0, 0, [7; 8])
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[self.kind, self.flags], &self.stream.to_be_bytes(), &self.payload].concat()
    }

    /// The error of a RST_STREAM or GOAWAY, and the debug text of a GOAWAY.
    pub fn error(&self) -> String {
        let (code, text) = match self.kind {
            RST_STREAM => (u32_at(&self.payload, 0), &[][..]),
            GOAWAY => (u32_at(&self.payload, 4), &self.payload[8..]),
            _ => panic!("{self:?} has no error"),
        };
        format!("{} {}", CODES[code as usize], String::from_utf8_lossy(text)).trim().to_owned()
    }

    /// The value of a setting.
    pub fn setting(&self, id: u16) -> Option<u32> {
        let mut settings = self.payload.chunks_exact(6);
        settings.find(|setting| setting[..2] == id.to_be_bytes()).map(|setting| u32_at(setting, 2))
    }
}

/// Fields as a header block: literals without indexing (RFC 7541 §6.2.2).
pub fn fields(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name.as_bytes(), value] {
            string_length(&mut block, text.len());
            block.extend_from_slice(text);
        }
    }
    block
}

/// An integer with a prefix of seven bits (RFC 7541 §5.1).
fn string_length(block: &mut Vec<u8>, length: usize) {
    let byte = |number| u8::try_from(number).unwrap();
    if length < 127 {
        block.push(byte(length));
        return;
    }
    block.push(127);
    let mut rest = length - 127;
    while rest >= 128 {
        block.push(byte(rest % 128 + 128));
        rest /= 128;
    }
    block.push(byte(rest));
}

/// A connection to the server.
pub struct Peer {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
}

impl Peer {
    /// A connection on which the client has sent nothing.
    pub async fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (read, write) = stream.into_split();
        Self { read, write }
    }

    /// A connection on which the client has sent these settings.
    pub async fn with_settings(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut peer = Self::silent(address).await;
        peer.send_bytes(&[PREFACE, &Frame::settings(settings).bytes()].concat()).await;
        peer
    }

    /// A connection of an ordinary client.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::with_settings(address, &[]).await
    }

    /// Sends bytes unchanged. An error is ignored, since the server may have closed: tests judge by
    /// what it sent.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ =
            timeout(PATIENCE, self.write.write_all(bytes)).await.expect("the server should read");
    }

    pub async fn send(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.bytes()).collect();
        self.send_bytes(&bytes).await;
    }

    /// Sends frames and reads at the same time, and returns the frames that came until the server
    /// closed.
    pub async fn send_to_the_end(mut self, frames: impl IntoIterator<Item = Frame>) -> Vec<Frame> {
        let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.bytes()).collect();
        let mut write = self.write;
        let (_, heard) = tokio::join!(write.write_all(&bytes), rest(&mut self.read));
        heard
    }

    /// The next frame; `None` at the end.
    pub async fn next(&mut self) -> Option<Frame> {
        next(&mut self.read).await
    }

    /// The next frame for which `is_it` holds. Panics if the server closes before.
    pub async fn until(&mut self, is_it: impl Fn(&Frame) -> bool) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection should stay open");
            if is_it(&frame) {
                return frame;
            }
        }
    }

    /// All frames until the server closes.
    pub async fn rest(&mut self) -> Vec<Frame> {
        rest(&mut self.read).await
    }

    /// All bytes until the server closes, as text instead of frames.
    pub async fn rest_as_text(&mut self) -> String {
        let mut text = Vec::new();
        // A reset ends the text too.
        let _ = timeout(PATIENCE, self.read.read_to_end(&mut text))
            .await
            .expect("the server should close the connection");
        String::from_utf8(text).unwrap()
    }
}

async fn rest(read: &mut OwnedReadHalf) -> Vec<Frame> {
    let mut heard = Vec::new();
    while let Some(frame) = next(read).await {
        heard.push(frame);
    }
    heard
}

/// The next frame; `None` when the server has closed, or cut, the connection.
async fn next(read: &mut OwnedReadHalf) -> Option<Frame> {
    let frame = async {
        let mut head = [0; 9];
        read.read_exact(&mut head).await?;
        let mut payload = vec![0; u32_at(&head, 0) as usize >> 8];
        read.read_exact(&mut payload).await?;
        Ok::<_, io::Error>(Frame {
            kind: head[3],
            flags: head[4],
            stream: u32_at(&head, 5),
            payload,
        })
    };
    timeout(PATIENCE, frame).await.expect("the server should send a frame or close").ok()
}

/// The error and text of the last GOAWAY; `None` if the server sent none.
pub fn goodbye(heard: &[Frame]) -> Option<String> {
    heard.iter().rfind(|frame| frame.kind == GOAWAY).map(Frame::error)
}

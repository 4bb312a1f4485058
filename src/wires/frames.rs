//! The frames of gRPC, which are those of gRPC-Web and Connect too: a byte of flags, the length of
//! the message in four bytes, the message.

use hyper::body::{Buf as _, Bytes};
use prost::bytes::BytesMut;

/// The length of a frame's head, in bytes.
pub(super) const HEAD: usize = 5;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// What kind of frame it is; 0 for a message that is not compressed.
    pub flags: u8,
    /// The length of what follows, in bytes.
    pub length: usize,
}

impl Head {
    /// The head at the beginning of these bytes; `None` if it has not arrived whole.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let (&[flags, a, b, c, d], _) = bytes.split_first_chunk::<HEAD>()?;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        Some(Self { flags, length })
    }

    /// The head of a frame with so many bytes; `None` if no head can say so many.
    pub(super) fn bytes(self) -> Option<[u8; HEAD]> {
        let [a, b, c, d] = u32::try_from(self.length).ok()?.to_be_bytes();
        Some([self.flags, a, b, c, d])
    }
}

/// Writes the head over the first bytes, which were kept for it. `None` if no head can say so many.
pub(super) fn complete(mut framed: Vec<u8>, flags: u8) -> Option<Bytes> {
    let head = Head { flags, length: framed.len().checked_sub(HEAD)? }.bytes()?;
    framed.first_chunk_mut::<HEAD>()?.copy_from_slice(&head);
    Some(framed.into())
}

/// The bytes of frames as they arrive.
#[derive(Debug, Default)]
pub(super) struct Buffer(BytesMut);

impl Buffer {
    /// Adds what has arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The head of the next frame, if it has arrived.
    pub(super) fn head(&self) -> Option<Head> {
        Head::of(&self.0)
    }

    /// The message of the next frame, if it has arrived whole.
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let length = self.head()?.length;
        if self.0.len() < HEAD + length {
            return None;
        }
        self.0.advance(HEAD);
        Some(self.0.split_to(length).freeze())
    }
}

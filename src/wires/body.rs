//! The body of a request in any form, as gRPC reads it. Nothing is read before the gate has judged
//! the caller, and no more than one message is kept.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Uri;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tonic::Status;
use tower::BoxError;

use super::{
    frames::{self, Buffer, HEAD, Head},
    json,
};
use crate::{calls::Body, grpc::status, listener::RequestBody};

/// The body of a request.
#[derive(Debug)]
pub enum WireBody {
    /// Frames of gRPC, as they are.
    Grpc(RequestBody),
    /// Frames of gRPC, which tonic-web makes.
    Web(Body),
    /// A message of one frame, whose head comes first.
    Message(Option<Bytes>, RequestBody),
    /// A message whose length is not known before its end, or that is JSON.
    Whole(Whole),
    /// Messages of JSON in frames.
    JsonFrames(JsonFrames),
    /// A frame that is there already.
    Ready(Option<Bytes>),
    /// A refusal in place of the message; `None` after it.
    Refused(Option<Box<Status>>),
}

/// A message that is kept until it is there whole.
#[derive(Debug)]
pub struct Whole {
    body: RequestBody,
    /// The message, behind room for the head of its frame.
    collected: Vec<u8>,
    max: usize,
    /// The rpc's path if the message is JSON.
    json: Option<Uri>,
}

/// Messages of JSON in frames.
#[derive(Debug)]
pub struct JsonFrames {
    body: RequestBody,
    buffer: Buffer,
    max: usize,
    rpc: Uri,
}

type Polled<T> = Poll<Option<Result<T, BoxError>>>;

impl WireBody {
    /// The message of a body that is protobuf without a frame, at most `max` bytes.
    pub(super) fn of_proto(body: RequestBody, max: usize) -> Self {
        match body.size_hint().exact().map(usize::try_from) {
            Some(Ok(length)) if length <= max => {
                let head = Head { flags: 0, length }.bytes();
                head.map_or_else(
                    || Self::refused(status::message_too_large()),
                    |head| Self::Message(Some(Bytes::copy_from_slice(&head)), body),
                )
            }
            Some(_) => Self::refused(status::message_too_large()),
            None => Self::Whole(Whole { body, collected: vec![0; HEAD], max, json: None }),
        }
    }

    /// The message of a body that is JSON for this rpc, at most `max` bytes.
    pub(super) fn of_json(body: RequestBody, max: usize, rpc: Uri) -> Self {
        Self::Whole(Whole { body, collected: vec![0; HEAD], max, json: Some(rpc) })
    }

    /// Messages of JSON for this rpc, each of at most `max` bytes.
    pub(super) fn of_json_frames(body: RequestBody, max: usize, rpc: Uri) -> Self {
        Self::JsonFrames(JsonFrames { body, buffer: Buffer::default(), max, rpc })
    }

    /// A message that is there already, or why there is none.
    pub(super) fn of_message(framed: Result<Bytes, Status>) -> Self {
        framed.map_or_else(Self::refused, |framed| Self::Ready(Some(framed)))
    }

    /// A refusal in place of a message.
    pub(super) fn refused(status: Status) -> Self {
        Self::Refused(Some(Box::new(status)))
    }
}

/// The bytes that come next; trailers, which no form has, are passed over.
fn poll_bytes(body: &mut RequestBody, cx: &mut Context<'_>) -> Polled<Bytes> {
    loop {
        match ready!(Pin::new(&mut *body).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Poll::Ready(Some(Ok(bytes)));
                }
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            None => return Poll::Ready(None),
        }
    }
}

impl Whole {
    /// The frame, when the message is there.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, BoxError>> {
        while let Some(bytes) = ready!(poll_bytes(&mut self.body, cx)) {
            let bytes = bytes?;
            if self.collected.len() - HEAD + bytes.len() > self.max {
                return Poll::Ready(Err(status::message_too_large().into()));
            }
            self.collected.extend_from_slice(&bytes);
        }
        let collected = mem::take(&mut self.collected);
        let framed = match &self.json {
            None => frames::complete(collected, 0).ok_or_else(status::message_too_large),
            Some(rpc) => json::request(rpc.path(), collected.get(HEAD..).unwrap_or_default()),
        };
        Poll::Ready(framed.map_err(Into::into))
    }
}

impl JsonFrames {
    /// The next frame; `None` after the last one.
    fn poll(&mut self, cx: &mut Context<'_>) -> Polled<Bytes> {
        loop {
            if let Some(Head { flags, length }) = self.buffer.head() {
                if let Some(refused) = refuse(flags, length, self.max) {
                    return Poll::Ready(Some(Err(refused.into())));
                }
                if let Some(message) = self.buffer.take() {
                    let framed = json::request(self.rpc.path(), &message);
                    return Poll::Ready(Some(framed.map_err(Into::into)));
                }
            }
            match ready!(poll_bytes(&mut self.body, cx)) {
                Some(bytes) => self.buffer.push(&bytes?),
                None if self.buffer.is_empty() => return Poll::Ready(None),
                None => return Poll::Ready(Some(Err(status::undecodable().into()))),
            }
        }
    }
}

/// Refuses a frame by its head, before its message is kept.
fn refuse(flags: u8, length: usize, max: usize) -> Option<Status> {
    match flags {
        0 if length > max => Some(status::message_too_large()),
        0 => None,
        1 => Some(status::encoding_unsupported()),
        _ => Some(status::undecodable()),
    }
}

impl HttpBody for WireBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = match &mut *self {
            Self::Grpc(body) => return Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Web(body) => return Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Message(head, body) => match head.take() {
                Some(head) => Some(Ok(head)),
                None => ready!(poll_bytes(body, cx)),
            },
            Self::Whole(whole) => {
                let framed = ready!(whole.poll(cx));
                *self = Self::Ready(None);
                Some(framed)
            }
            Self::JsonFrames(frames) => {
                let polled = ready!(frames.poll(cx));
                if !matches!(polled, Some(Ok(_))) {
                    *self = Self::Ready(None);
                }
                polled
            }
            Self::Ready(framed) => framed.take().map(Ok),
            Self::Refused(status) => status.take().map(|status| Err((*status).into())),
        };
        Poll::Ready(polled.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        // The other forms have a message even if their body is empty.
        match self {
            Self::Grpc(body) => body.is_end_stream(),
            Self::Web(body) => body.is_end_stream(),
            Self::Ready(framed) => framed.is_none(),
            Self::Message(..) | Self::Whole(_) | Self::JsonFrames(_) | Self::Refused(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Grpc(body) => body.size_hint(),
            _ => SizeHint::default(),
        }
    }
}

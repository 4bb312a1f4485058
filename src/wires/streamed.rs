//! The responses of Connect whose messages come in frames. The last frame is JSON and has the status
//! of the call, where gRPC has trailers.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header::CONTENT_TYPE};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use serde::Serialize;
use serde_json::{Map, Value};
use tonic::{Code, Status};

use super::{
    connect::{ErrorJson, remove_grpc, without_status},
    form::Encoding,
    frames::{self, Buffer, HEAD, Head},
    json,
};
use crate::{calls::Body, grpc::status};

const PROTO: HeaderValue = HeaderValue::from_static("application/connect+proto");
const JSON: HeaderValue = HeaderValue::from_static("application/connect+json");
/// The flag of the last frame.
const END: u8 = 0b10;

/// The content of the last frame.
#[derive(Debug, Serialize)]
struct EndOfStream {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorJson>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
}

/// The response of Connect to a call of the rpc at this URI.
pub(super) fn response(rpc: Uri, encoding: Encoding, response: Response<Body>) -> Response<Body> {
    if response.status() != StatusCode::OK {
        return response;
    }
    let ended = status::of_response(&response);
    let (mut parts, body) = response.into_parts();
    remove_grpc(&mut parts.headers);
    let (media_type, messages) = match encoding {
        Encoding::Proto => (PROTO, Messages::Proto),
        Encoding::Json => (JSON, Messages::Json(Buffer::default(), rpc)),
    };
    parts.headers.insert(CONTENT_TYPE, media_type);
    let state = match ended {
        Some(status) => State::Ended(end(&status, HeaderMap::new())),
        None => State::Streaming(body),
    };
    Response::from_parts(parts, Body::new(Streamed { state, messages }))
}

/// The body of a response.
#[derive(Debug)]
struct Streamed {
    state: State,
    messages: Messages,
}

#[derive(Debug)]
enum State {
    /// The frames of gRPC.
    Streaming(Body),
    /// The last frame, if it was not sent yet.
    Ended(Option<Bytes>),
}

/// What becomes of the frames of gRPC.
#[derive(Debug)]
enum Messages {
    /// They stay as they are.
    Proto,
    /// Their messages become JSON.
    Json(Buffer, Uri),
}

impl Messages {
    /// The frames of Connect for more bytes of frames of gRPC; empty while none is whole.
    fn translate(&mut self, bytes: Bytes) -> Result<Bytes, Status> {
        let Self::Json(buffer, rpc) = self else { return Ok(bytes) };
        buffer.push(&bytes);
        let mut translated = Vec::new();
        while let Some(message) = buffer.take() {
            let json = json::response(rpc.path(), &message)?;
            let head = Head { flags: 0, length: json.len() }.bytes();
            translated.extend_from_slice(&head.ok_or_else(without_status)?);
            translated.extend_from_slice(&json);
        }
        Ok(translated.into())
    }
}

/// The last frame; `None` if no frame can have it.
fn end(status: &Status, mut trailers: HeaderMap) -> Option<Bytes> {
    remove_grpc(&mut trailers);
    let mut metadata = Map::new();
    for name in trailers.keys() {
        let values = trailers.get_all(name).iter();
        let texts = values.filter_map(|value| value.to_str().ok()).map(Value::from);
        metadata.insert(name.to_string(), texts.collect());
    }
    let error = (status.code() != Code::Ok).then(|| ErrorJson::of(status));
    let mut framed = vec![0; HEAD];
    // It has no map with other keys than text, so that this cannot fail.
    framed.extend(serde_json::to_vec(&EndOfStream { error, metadata }).unwrap_or_default());
    frames::complete(framed, END)
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { state, messages } = &mut *self;
        loop {
            let body = match state {
                State::Streaming(body) => body,
                State::Ended(last) => {
                    return Poll::Ready(last.take().map(|last| Ok(Frame::data(last))));
                }
            };
            let ended = match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => match messages.translate(bytes) {
                        Ok(translated) if translated.is_empty() => continue,
                        Ok(translated) => return Poll::Ready(Some(Ok(Frame::data(translated)))),
                        Err(status) => end(&status, HeaderMap::new()),
                    },
                    Err(frame) => {
                        let trailers = frame.into_trailers().unwrap_or_default();
                        let status = Status::from_header_map(&trailers);
                        end(&status.unwrap_or_else(without_status), trailers)
                    }
                },
                // A response that is cut stays so: the client sees that its end is missing.
                Some(Err(status)) => {
                    *state = State::Ended(None);
                    return Poll::Ready(Some(Err(status)));
                }
                None => end(&without_status(), HeaderMap::new()),
            };
            // The body of gRPC, and what it holds, ends before the client reads the last frame.
            drop(mem::replace(state, State::Ended(ended)));
        }
    }
}

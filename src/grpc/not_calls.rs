//! Requests of HTTP that are calls in no form. tonic would respond as if they were.

use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{ALLOW, CONTENT_TYPE, HeaderName},
};
use tonic::body::Body;

use super::paths::{is_grpc, is_unary_read, shape};
use crate::auth::CallShape;

/// The media types that a POST may have, for an rpc with one message each way, and for others. The
/// header is Linked Data Platform 1.0's (§7.1).
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const UNARY_TYPES: &str =
    "application/json, application/proto, application/grpc-web+proto, application/grpc";
const STREAM_TYPES: &str = "application/connect+json, application/connect+proto, application/grpc-web+proto, application/grpc";
/// What a person reads who opens the port in a browser.
const SENTENCE: &str = "This port speaks gRPC, gRPC-Web and Connect: call it with a client of one of them, such as grpcurl, or POST JSON to the path of an rpc.\n";
const METHOD: &str =
    "Call an rpc with POST, or with GET if it only reads and the message is in the query.\n";
const MEDIA_TYPE: &str = "Send one content-type of those that accept-post lists.\n";
const QUERY: &str = "Say in the query which encoding the message has: json or proto.\n";
const VERSION: &str = "An rpc that streams in both directions needs HTTP/2.\n";

/// Refuses a request that is no call (gRPC over HTTP2, "Requests").
pub(super) fn refuse<B>(request: &Request<B>) -> Option<Response<Body>> {
    let path = request.uri().path();
    let is_post = request.method() == Method::POST;
    let (status, header, text) = match (request.version(), is_post, is_grpc(request.headers())) {
        (Version::HTTP_2, true, true) => return None,
        // Trailers, which contain the status of a call, get lost in HTTP/1.
        (_, true, true) => {
            // Without a body: a gRPC client would take it for a message.
            return Some(respond(StatusCode::HTTP_VERSION_NOT_SUPPORTED, None, ""));
        }
        (_, true, false) if needs_http2(request) => {
            (StatusCode::HTTP_VERSION_NOT_SUPPORTED, None, VERSION)
        }
        (_, true, false) => {
            let types = match shape(path) {
                Some(CallShape::Unary) | None => UNARY_TYPES,
                Some(_) => STREAM_TYPES,
            };
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, Some((ACCEPT_POST, types)), MEDIA_TYPE)
        }
        (_, false, _) if is_unary_read(path) => match *request.method() {
            Method::GET => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None, QUERY),
            _ => (StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "GET, POST")), METHOD),
        },
        (_, false, _) => {
            let text = if path == "/" { SENTENCE } else { METHOD };
            (StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "POST")), text)
        }
    };
    Some(respond(status, header, text))
}

/// Whether it is a call of Connect with two streams, which HTTP/1.1 cannot carry at once.
fn needs_http2<B>(request: &Request<B>) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    request.version() != Version::HTTP_2
        && shape(request.uri().path()) == Some(CallShape::TwoStreams)
        && media_type.is_some_and(|media_type| media_type.starts_with(b"application/connect+"))
}

fn respond(
    status: StatusCode,
    header: Option<(HeaderName, &'static str)>,
    text: &'static str,
) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if !text.is_empty() {
        let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        *response.body_mut() = Body::new(text.to_owned());
    }
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

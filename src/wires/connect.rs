//! Connect: its requests, the responses of calls with one message each way, and its errors.

mod error;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER,
        WWW_AUTHENTICATE,
    },
};
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use tonic::{Code, Status};

pub(super) use self::error::ErrorJson;
use super::{
    become_grpc,
    body::WireBody,
    form::Encoding,
    frames::{HEAD, Head},
    json, query,
};
use crate::{
    calls::Body, domain::DomainError, grpc::status, listener::RequestBody, use_cases::Error,
};

const PROTO: HeaderValue = HeaderValue::from_static("application/proto");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The headers of Connect.
const VERSION: &str = "connect-protocol-version";
const TIMEOUT: &str = "connect-timeout-ms";
const STREAM_ENCODING: &str = "connect-content-encoding";
/// Their counterparts in gRPC.
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// The most milliseconds that the eight digits of `grpc-timeout` can say.
const MOST_MILLIS: u64 = 99_999_999;

/// The request of gRPC for a call with one message each way, of at most `max` bytes.
pub(super) fn unary_request(
    mut request: Request<RequestBody>,
    encoding: Encoding,
    max: usize,
) -> Request<WireBody> {
    let is_query = request.method() == http::Method::GET;
    let headed = translate_head(&mut request, &CONTENT_ENCODING);
    let (parts, body) = request.into_parts();
    let body = match (headed, encoding) {
        (Err(refused), _) => WireBody::refused(refused),
        (Ok(()), encoding) if is_query => {
            // Dropped, so that the listener reads what a client sends with a GET.
            drop(body);
            WireBody::of_message(query::message(&parts.uri, encoding, max))
        }
        (Ok(()), Encoding::Proto) => WireBody::of_proto(body, max),
        (Ok(()), Encoding::Json) => WireBody::of_json(body, max, parts.uri.clone()),
    };
    Request::from_parts(parts, body)
}

/// The request of gRPC for a call whose messages, each of at most `max` bytes, come in frames.
pub(super) fn streamed_request(
    mut request: Request<RequestBody>,
    encoding: Encoding,
    max: usize,
) -> Request<WireBody> {
    let headed = translate_head(&mut request, &HeaderName::from_static(STREAM_ENCODING));
    let (parts, body) = request.into_parts();
    let body = match (headed, encoding) {
        (Err(refused), _) => WireBody::refused(refused),
        // The frames are those of gRPC.
        (Ok(()), Encoding::Proto) => WireBody::Grpc(body),
        (Ok(()), Encoding::Json) => WireBody::of_json_frames(body, max, parts.uri.clone()),
    };
    Request::from_parts(parts, body)
}

/// Makes the head one of gRPC. What a client says in headers of gRPC does not count beside those of
/// Connect.
fn translate_head<B>(request: &mut Request<B>, coding: &HeaderName) -> Result<(), Status> {
    become_grpc(request);
    let headers = request.headers_mut();
    let deadline = deadline(headers);
    let version = check_version(headers);
    let coding = headers.get(coding).filter(|coding| *coding != "identity").cloned();
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, ACCEPT_ENCODING, GRPC_ENCODING, GRPC_TIMEOUT] {
        headers.remove(name);
    }
    if let Some(deadline) = deadline? {
        headers.insert(GRPC_TIMEOUT, deadline);
    }
    version?;
    match coding {
        Some(_) => Err(status::encoding_unsupported()),
        None => Ok(()),
    }
}

/// The deadline of Connect, up to ten digits of milliseconds, as one of gRPC.
fn deadline(headers: &HeaderMap) -> Result<Option<HeaderValue>, Status> {
    let Some(given) = only(headers, TIMEOUT)? else { return Ok(None) };
    let text = given.to_str().unwrap_or_default();
    let is_number = (1..=10).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let millis: u64 = match text.parse() {
        Ok(millis) if is_number => millis,
        _ => return Err(invalid(TIMEOUT, "must be milliseconds, in at most ten digits")),
    };
    let timeout = match millis {
        0..=MOST_MILLIS => format!("{millis}m"),
        // 116 days at most.
        _ => format!("{}S", millis / 1000),
    };
    Ok(HeaderValue::try_from(timeout).ok())
}

fn check_version(headers: &HeaderMap) -> Result<(), Status> {
    match only(headers, VERSION)? {
        Some(version) if version != "1" => Err(invalid(VERSION, "must be 1")),
        Some(_) | None => Ok(()),
    }
}

/// The value of a header that comes once at most.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a HeaderValue>, Status> {
    let mut given = headers.get_all(name).iter();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(invalid(name, "must be given once")),
        (value, None) => Ok(value),
    }
}

fn invalid(header: &'static str, text: &str) -> Status {
    status::from_domain_error(DomainError::invalid(header, text))
}

/// The response of Connect to a call of this path with one message each way.
pub(super) async fn unary_response(
    path: &str,
    encoding: Encoding,
    response: Response<Body>,
) -> Response<Body> {
    if response.status() != StatusCode::OK {
        return response;
    }
    let ended = status::of_response(&response);
    let (mut parts, body) = response.into_parts();
    remove_grpc(&mut parts.headers);
    let answered = match ended {
        Some(status) => ended_with(status, Bytes::new(), HeaderMap::new()),
        None => collected(body).await,
    };
    let answered = answered.and_then(|(message, trailers)| match encoding {
        Encoding::Proto => Ok((message, trailers)),
        Encoding::Json => json::response(path, &message).map(|json| (json, trailers)),
    });
    let body = match answered {
        Ok((message, trailers)) => {
            parts.headers.insert(
                CONTENT_TYPE,
                match encoding {
                    Encoding::Proto => PROTO,
                    Encoding::Json => JSON,
                },
            );
            for (name, value) in &trailers {
                // Names that a header can have stay such with this prefix.
                if let Ok(name) = HeaderName::try_from(format!("trailer-{name}")) {
                    parts.headers.append(name, value.clone());
                }
            }
            message
        }
        Err(refused) => {
            parts.status = error::http_status(refused.code());
            parts.headers.insert(CONTENT_TYPE, JSON);
            advise(&mut parts.headers, &refused);
            ErrorJson::of(&refused).to_bytes()
        }
    };
    Response::from_parts(parts, Body::new(http_body_util::Full::new(body)))
}

/// What HTTP has headers for, besides the body of the error.
fn advise(headers: &mut HeaderMap, refused: &Status) {
    match refused.code() {
        // RFC 9110 §15.5.2 demands it.
        Code::Unauthenticated => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // RFC 9110 §12.5.3: the codings that would have been understood.
        Code::Unimplemented if status::is_of_encoding(refused) => {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        _ => {}
    }
    if let Some(delay) = status::retry_delay(refused) {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, seconds.into());
    }
}

/// Removes the headers that only gRPC has.
pub(super) fn remove_grpc(headers: &mut HeaderMap) {
    headers.remove(CONTENT_TYPE);
    headers.remove(CONTENT_LENGTH);
    let of_grpc: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("grpc-")).cloned().collect();
    for name in of_grpc {
        headers.remove(name);
    }
}

type Answered = Result<(Bytes, HeaderMap), Status>;

/// The message and the trailers of a response, or its refusal. The message of such a call is
/// there as a whole when its headers are.
async fn collected(body: Body) -> Answered {
    let body = body.collect().await?;
    let Some(trailers) = body.trailers().cloned() else {
        return Err(without_status());
    };
    let framed = body.to_bytes();
    let status = Status::from_header_map(&trailers).unwrap_or_else(without_status);
    let message = match Head::of(&framed) {
        Some(Head { flags: 0, length }) if framed.len() == HEAD + length => framed.slice(HEAD..),
        _ if status.code() != Code::Ok => Bytes::new(),
        _ => return Err(without_status()),
    };
    ended_with(status, message, trailers)
}

fn ended_with(status: Status, message: Bytes, mut trailers: HeaderMap) -> Answered {
    if status.code() != Code::Ok {
        return Err(status);
    }
    remove_grpc(&mut trailers);
    Ok((message, trailers))
}

/// The status of a response that has none, or not the one message that belongs to it.
pub(super) fn without_status() -> Status {
    status::from_error(Error::Fault("a response of gRPC is not whole".to_owned()))
}

//! Which form a request has: its method, its media type and the shape of its rpc decide.

use http::{HeaderMap, Method, Request, Version, header::CONTENT_TYPE};

use super::query;
use crate::{auth::CallShape, grpc::paths, telemetry::WireForm};

/// How messages are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Protobuf.
    Proto,
    /// The JSON of protobuf.
    Json,
}

/// The form of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    GrpcWeb,
    /// A call of Connect with one message each way.
    Unary(Encoding),
    /// The same of an rpc that only reads, with its message in the query.
    Query(Encoding),
    /// A call of Connect with messages in frames.
    Stream(Encoding),
    /// None of these: the gate refuses it.
    Other,
}

impl Form {
    /// The form of a request. A media type that does not fit the rpc is no form of a call.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let path = request.uri().path();
        let shape = paths::shape(path);
        if request.method() == Method::GET {
            let encoding = paths::is_unary_read(path).then(|| query::encoding(request.uri()));
            return encoding.flatten().map_or(Self::Other, Self::Query);
        }
        let Some(media_type) = media_type(request.headers()) else { return Self::Other };
        if request.method() != Method::POST {
            return Self::Other;
        }
        if paths::is_grpc(request.headers()) {
            return Self::Grpc;
        }
        // The gate refuses a path without an rpc, in whatever form it is called.
        let is_unary = shape.is_none_or(|shape| shape == CallShape::Unary);
        let is_stream = shape.is_none_or(|shape| shape != CallShape::Unary);
        // HTTP/1.1 has no two streams at once.
        let can_stream = is_stream
            && (shape != Some(CallShape::TwoStreams) || request.version() == Version::HTTP_2);
        let is = |name: &str| media_type.eq_ignore_ascii_case(name);
        match () {
            () if is_grpc_web(media_type) => Self::GrpcWeb,
            () if is_unary && is("application/proto") => Self::Unary(Encoding::Proto),
            () if is_unary && is("application/json") => Self::Unary(Encoding::Json),
            () if can_stream && is("application/connect+proto") => Self::Stream(Encoding::Proto),
            () if can_stream && is("application/connect+json") => Self::Stream(Encoding::Json),
            () => Self::Other,
        }
    }

    /// The form as operators know it.
    pub(super) fn wire(self) -> WireForm {
        match self {
            Self::Grpc => WireForm::Grpc,
            Self::GrpcWeb => WireForm::GrpcWeb,
            Self::Unary(encoding) | Self::Query(encoding) | Self::Stream(encoding) => {
                match encoding {
                    Encoding::Proto => WireForm::Connect,
                    Encoding::Json => WireForm::ConnectJson,
                }
            }
            Self::Other => WireForm::Http,
        }
    }
}

/// The media types that tonic-web translates.
fn is_grpc_web(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/grpc-web"
            | "application/grpc-web+proto"
            | "application/grpc-web-text"
            | "application/grpc-web-text+proto"
    )
}

/// The one media type of a request, which may say that its text is UTF-8. `None` for one with two
/// media types, which two readers may understand differently.
fn media_type(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (given.next(), given.next()) else { return None };
    let text = value.to_str().ok()?;
    match text.split_once(';') {
        None => Some(text),
        Some((media_type, parameter)) => parameter
            .trim()
            .trim_matches('"')
            .eq_ignore_ascii_case("charset=utf-8")
            .then(|| media_type.trim_end()),
    }
}

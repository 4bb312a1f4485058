//! The paths that need no token, and the names of calls.

use http::{HeaderMap, Request, header::CONTENT_TYPE};

use crate::{
    auth::{AccessRule, CallClass, CallShape},
    telemetry::CallRecord,
};

/// Paths that need no token: standard services that reveal no user's data.
const PUBLIC: [&str; 5] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// The paths of these that respond with a stream.
const STREAMS: [&str; 3] = [
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether the path is a stream that needs no token.
pub(super) fn is_open_stream(path: &str) -> bool {
    STREAMS.contains(&path)
}

/// Whether the stream is a watch: the server sends a message now and then, and the client sends
/// none.
pub(super) fn is_watch(path: &str) -> bool {
    path.ends_with("/Watch")
}

/// Whether a call of the path lasts as long as its client likes: a watch of the feed, a transfer, or the
/// upload of a plan. These have limits of their own.
pub(super) fn is_long_call(path: &str) -> bool {
    path == "/identitylink.v1.EventService/WatchEvents"
        || path.starts_with("/identitylink.v1.TransferService/")
        || is_upload(path)
}

/// Whether a call of the path lasts before its response, which is no stream.
pub fn is_upload(path: &str) -> bool {
    path == "/identitylink.v1.JobService/UploadPlan"
}

/// Whether the path needs no token.
pub(super) fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// How many messages a call of the path has; `None` for a path without an rpc.
pub fn shape(path: &str) -> Option<CallShape> {
    match AccessRule::for_path(path) {
        Some(rule) => Some(rule.shape),
        None if !is_public(path) => None,
        None if is_watch(path) => Some(CallShape::ServerStream),
        None if is_open_stream(path) => Some(CallShape::TwoStreams),
        None => Some(CallShape::Unary),
    }
}

/// Whether a call of the path has one message each way and changes nothing.
pub fn is_unary_read(path: &str) -> bool {
    AccessRule::for_path(path)
        .is_some_and(|rule| rule.class == CallClass::Read && rule.shape == CallShape::Unary)
}

/// Whether a body is a message of gRPC ("gRPC over HTTP2", Requests). Of two media types, none
/// counts.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(CONTENT_TYPE).iter();
    let (Some(media_type), None) = (given.next(), given.next()) else { return false };
    let media_type = media_type.to_str().unwrap_or_default();
    media_type
        .strip_prefix("application/grpc")
        .is_some_and(|rest| matches!(rest.get(..1), None | Some("+" | ";")))
}

/// Whether a request is meant for an rpc, in whatever form: by its media type, or because an rpc or a
/// public service is at its path, or could be. A target that is no path, as in `OPTIONS *`, stays
/// with gRPC too.
pub fn is_meant<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    has_media_type_of_rpcs(request.headers())
        || path.starts_with("/identitylink.")
        || is_public(path)
        || AccessRule::for_path(path).is_some()
        || !path.starts_with('/')
}

/// Whether only calls of rpcs have such a media type.
fn has_media_type_of_rpcs(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    is_grpc(headers)
        || [&b"application/grpc-web"[..], b"application/connect+"]
            .iter()
            .any(|prefix| media_type.starts_with(prefix))
}

/// Names a call for the log by its path, if that is a known one. An unknown path can be any text
/// that a client sends.
pub fn named<B>(request: Request<B>) -> Request<B> {
    let path = request.uri().path();
    let public = || PUBLIC.into_iter().find(|public| *public == path);
    let known = AccessRule::for_path(path).map(|rule| rule.path).or_else(public);
    if let (Some(known), Some(record)) = (known, request.extensions().get::<CallRecord>()) {
        record.set_name(known.trim_start_matches('/'));
    }
    request
}

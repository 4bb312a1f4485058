//! The paths that need no token, and the names of calls.

use http::{HeaderMap, Request, header::CONTENT_TYPE};

use crate::{auth::AccessRule, telemetry::CallRecord};

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

/// Whether a body is a message of gRPC ("gRPC over HTTP2", Requests).
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let media_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type
        .strip_prefix("application/grpc")
        .is_some_and(|rest| matches!(rest.get(..1), None | Some("+" | ";")))
}

/// Whether a request is meant for gRPC: by its media type, or because an rpc or a public service is
/// at its path. A target that is no path, as in `OPTIONS *`, stays with gRPC too.
pub fn is_meant<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    is_grpc(request.headers())
        || is_public(path)
        || AccessRule::for_path(path).is_some()
        || !path.starts_with('/')
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

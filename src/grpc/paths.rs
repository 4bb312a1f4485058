//! Which paths there are.

use http::{HeaderMap, Request, header::CONTENT_TYPE};

use crate::{auth::Rule, calls::telemetry::CallRecord};

/// Paths that need no token: standard services that tell nothing about anybody.
const PUBLIC: [&str; 5] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Those that answer with a stream.
const STREAMS: [&str; 3] = [
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether a stream is at this path that needs no token.
pub(super) fn is_open_stream(path: &str) -> bool {
    STREAMS.contains(&path)
}

/// Whether whoever watches is only told something now and then, and says nothing.
pub(super) fn is_watch(path: &str) -> bool {
    path.ends_with("/Watch")
}

/// Whether a path needs no token.
pub(super) fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// Whether a body is a message of gRPC (gRPC over HTTP2, "Requests").
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media_type.strip_prefix("application/grpc").is_some_and(|rest| matches!(rest.get(..1), None | Some("+" | ";")))
}

/// Whether a request means gRPC: by what it sends, or because something of ours is at its path. A target that is no
/// path, as in `OPTIONS *`, stays with gRPC too.
pub fn is_meant<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    is_grpc(request.headers()) || is_public(path) || Rule::of(path).is_some() || !path.starts_with('/')
}

/// Names a call for the log by its path, if something may be there: any other can be whatever a client sends.
pub fn named<B>(request: Request<B>) -> Request<B> {
    let path = request.uri().path();
    if is_public(path) || Rule::of(path).is_some() {
        let record = request.extensions().get::<CallRecord>();
        record.inspect(|record| record.set_name(path.trim_start_matches('/')));
    }
    request
}

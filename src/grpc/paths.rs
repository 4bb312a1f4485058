//! Which paths there are.

use http::Request;

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

/// Names a call for the log by its path, if something may be there: any other can be whatever a client sends.
pub fn named<B>(request: Request<B>) -> Request<B> {
    let path = request.uri().path();
    if is_public(path) || Rule::of(path).is_some() {
        let record = request.extensions().get::<CallRecord>();
        record.inspect(|record| record.set_name(path.trim_start_matches('/')));
    }
    request
}

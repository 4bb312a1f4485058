//! Which paths there are.

use crate::auth::Rule;

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

/// Whether something may be at this path. Any other path can be whatever a client sends.
pub(super) fn is_known(path: &str) -> bool {
    is_public(path) || Rule::of(path).is_some()
}

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

/// Whether a path needs no token.
pub(super) fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// Whether something may be at this path. Any other path can be whatever a client sends.
pub(super) fn is_known(path: &str) -> bool {
    is_public(path) || Rule::of(path).is_some()
}

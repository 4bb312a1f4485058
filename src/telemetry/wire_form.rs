//! The forms in which calls come over the wire.

/// The form of a call: its media type and its framing. The log, the metrics and the trace name it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum WireForm {
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web, in binary or in base64.
    GrpcWeb,
    /// Connect with messages in protobuf.
    Connect,
    /// Connect with messages in JSON.
    ConnectJson,
    /// Any other request of HTTP: Auth0's API, a token of a provider, the question of a browser
    /// whether a page may call, and what is no call.
    #[default]
    Http,
}

impl WireForm {
    /// The name, as operators see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc-web",
            Self::Connect => "connect",
            Self::ConnectJson => "connect-json",
            Self::Http => "http",
        }
    }
}

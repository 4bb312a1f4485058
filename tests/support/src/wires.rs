//! Calls in each form in which they come over the wire, by clients that share no code with the
//! server.

use std::net::SocketAddr;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};
use http::{HeaderMap, Request, Response, Version, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity_link::grpc::proto::google;
use prost::Message;
use prost_types::Any;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tonic::{Code, Status};

/// The form of a call with one message each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Grpc,
    GrpcWeb,
    GrpcWebText,
    Connect,
    ConnectJson,
    /// Connect with the message in the query.
    ConnectGet,
}

/// What comes of a call: the message as protobuf or, of a form of JSON, as JSON; or the refusal.
pub type Outcome = Result<Vec<u8>, Status>;

/// All forms but that of calls that only read.
pub const FORMS: [Form; 5] =
    [Form::Grpc, Form::GrpcWeb, Form::GrpcWebText, Form::Connect, Form::ConnectJson];

impl Form {
    /// Whether calls in this form are possible over this version of HTTP.
    pub fn goes_over(self, version: Version) -> bool {
        self != Self::Grpc || version == Version::HTTP_2
    }

    /// The request for a message, which is the same as protobuf and as JSON.
    pub fn request(self, path: &str, message: &impl Message, json: &str) -> Request<Bytes> {
        let proto = message.encode_to_vec();
        let (media_type, body) = match self {
            Self::Grpc => ("application/grpc", frame(0, &proto)),
            Self::GrpcWeb => ("application/grpc-web+proto", frame(0, &proto)),
            Self::GrpcWebText => {
                ("application/grpc-web-text", BASE64.encode(&frame(0, &proto)).into_bytes())
            }
            Self::Connect => ("application/proto", proto),
            Self::ConnectJson => ("application/json", json.as_bytes().to_vec()),
            Self::ConnectGet => {
                let message = BASE64URL_NOPAD.encode(&proto);
                let query = format!("connect=v1&encoding=proto&base64=1&message={message}");
                return Request::get(format!("{path}?{query}")).body(Bytes::new()).unwrap();
            }
        };
        let mut request = Request::post(path).header("content-type", media_type);
        if self == Self::GrpcWebText {
            request = request.header("accept", media_type);
        }
        request.body(body.into()).unwrap()
    }

    /// What a response in this form says.
    pub fn outcome(self, response: &Response<Bytes>) -> Outcome {
        match self {
            Self::Grpc => of_frames(response.headers(), response.body()),
            Self::GrpcWeb => of_frames(response.headers(), response.body()),
            Self::GrpcWebText => of_frames(response.headers(), &from_base64(response.body())),
            Self::Connect | Self::ConnectJson | Self::ConnectGet => {
                match response.status().is_success() {
                    true => Ok(response.body().to_vec()),
                    false => Err(of_connect(&serde_json::from_slice(response.body()).unwrap())),
                }
            }
        }
    }
}

/// A frame.
pub fn frame(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], &length[..], message].concat()
}

/// The frames of a body, each with its flags.
pub fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some((head, rest)) = body.split_first_chunk::<5>() {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap());
        let (message, rest) = rest.split_at(usize::try_from(length).unwrap());
        frames.push((head[0], message.to_vec()));
        body = rest;
    }
    assert_eq!(body, b"", "half a frame");
    frames
}

/// A text of pieces, each padded on its own.
fn from_base64(text: &[u8]) -> Vec<u8> {
    text.chunks(4).flat_map(|four| BASE64.decode(four).unwrap()).collect()
}

/// What frames of gRPC-Web, or of gRPC with its trailers among the headers, say.
fn of_frames(headers: &HeaderMap, body: &[u8]) -> Outcome {
    let (mut message, mut headers) = (None, headers.clone());
    for (flags, content) in frames(body) {
        if flags == 0 {
            message = Some(content);
            continue;
        }
        assert_eq!(flags, 0x80, "the trailers of gRPC-Web");
        for line in String::from_utf8(content).unwrap().lines() {
            let (name, value) = line.split_once(':').unwrap();
            headers.insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
    }
    let status = Status::from_header_map(&headers).expect("a status");
    if status.code() == Code::Ok { Ok(message.expect("a message")) } else { Err(status) }
}

/// The status that an error of Connect stands for.
pub fn of_connect(error: &Value) -> Status {
    let code = Code::from_i32(
        (1..=16).find(|code| connect_name(Code::from_i32(*code)) == error["code"]).unwrap(),
    );
    let message = error["message"].as_str().unwrap().to_owned();
    let details = error["details"].as_array().into_iter().flatten().map(|detail| {
        assert!(detail["debug"].is_object(), "{detail}");
        Any {
            type_url: format!("type.googleapis.com/{}", detail["type"].as_str().unwrap()),
            value: BASE64_NOPAD.decode(detail["value"].as_str().unwrap().as_bytes()).unwrap(),
        }
    });
    let details = google::rpc::Status {
        code: code.into(),
        message: message.clone(),
        details: details.collect(),
    };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// The name of a code in Connect's document.
fn connect_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::Cancelled => "canceled",
        Code::Unknown => "unknown",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
    }
}

/// A client of one version of HTTP, with or without a token. Each request has a connection of its
/// own.
#[derive(Debug, Clone)]
pub struct WireClient {
    pub address: SocketAddr,
    pub version: Version,
    pub token: Option<String>,
}

impl WireClient {
    /// What comes of a call.
    pub async fn call(
        &self,
        form: Form,
        path: &str,
        message: &impl Message,
        json: &str,
    ) -> Outcome {
        form.outcome(&self.send(form.request(path, message, json)).await)
    }

    /// The response with its whole body; trailers are among its headers.
    pub async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        whole(self.begin(request.map(Full::new)).await).await
    }

    /// The response, whose body may go on.
    pub async fn begin<B>(&self, request: Request<B>) -> Response<Incoming>
    where
        B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin + 'static,
    {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.begin_over(stream, request).await
    }

    /// The same over an open connection, for instance one of TLS.
    pub async fn begin_over<B, S>(&self, stream: S, mut request: Request<B>) -> Response<Incoming>
    where
        B: Body<Data = Bytes, Error = std::convert::Infallible> + Send + Unpin + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        if let Some(token) = &self.token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().entry("authorization").or_insert(bearer);
        }
        let io = TokioIo::new(stream);
        if self.version == Version::HTTP_2 {
            let uri = format!("http://test{}", request.uri());
            *request.uri_mut() = uri.parse().unwrap();
            let (mut sender, connection) =
                http2::handshake(TokioExecutor::new(), io).await.unwrap();
            tokio::spawn(connection);
            return sender.send_request(request).await.unwrap();
        }
        request.headers_mut().insert(HOST, "test".parse().unwrap());
        let (mut sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    }
}

/// The response with its whole body; trailers are among its headers.
pub async fn whole(response: Response<Incoming>) -> Response<Bytes> {
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.unwrap();
    head.headers.extend(body.trailers().cloned().unwrap_or_default());
    Response::from_parts(head, body.to_bytes())
}

//! A gRPC client of low cost: it encodes the request, and of the response it reads the status only.
//! The database's bench client does not interpret its rows either.

use std::net::SocketAddr;

use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Body, Bytes, Frame},
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use identity_link_test_support::tokens::Token;
use prost::Message;
use tokio::{net::TcpStream, task::JoinHandle};

/// How many connections the tasks of a load share.
const CONNECTIONS: usize = 4;

/// How the server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Ok,
    /// `OVERLOADED`.
    Refused,
}

/// An rpc, ready to be called.
#[derive(Debug, Clone)]
pub(super) struct Rpc(Uri);

impl Rpc {
    /// The rpc at a path such as `/package.Service/Method`.
    pub(super) fn at(path: &str) -> Self {
        Self(format!("http://localhost{path}").parse().unwrap())
    }

    /// An rpc of the service about identities.
    pub(super) fn of_identities(name: &str) -> Self {
        Self::at(&format!("/identitylink.v1.IdentityService/{name}"))
    }
}

/// A client with several connections.
#[derive(Clone)]
pub(super) struct Client {
    connections: Vec<SendRequest<Full<Bytes>>>,
    headers: HeaderMap,
}

impl Client {
    /// A client with the token of a service, with every scope, for an hour.
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, CONNECTIONS).await
    }

    /// The same with so many connections.
    pub(super) async fn connect_with(address: SocketAddr, connections: usize) -> Self {
        let connections = join_all((0..connections).map(|_| connect(address))).await;
        Self { connections, headers: headers() }
    }

    /// Calls an rpc on the connection of this task. Panics unless it succeeds or is refused by the
    /// server's limit.
    pub(super) async fn call(&self, task: usize, rpc: &Rpc, message: &impl Message) -> Answer {
        let request = request(rpc, &self.headers, Full::new(framed(message)));
        let mut connection = self.connections[task % self.connections.len()].clone();
        let (head, mut body) = connection.send_request(request).await.unwrap().into_parts();
        if let Some(status) = head.headers.get("grpc-status") {
            return answer(status, &head.headers);
        }
        while let Some(frame) = body.frame().await {
            if let Some(trailers) = frame.unwrap().trailers_ref() {
                return answer(&trailers["grpc-status"], trailers);
            }
        }
        panic!("a response without a status")
    }
}

/// A call whose message never comes: it keeps its slot until this value is dropped.
pub(super) struct HeldCall(JoinHandle<()>);

impl Drop for HeldCall {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HeldCall {
    pub(super) async fn begin(address: SocketAddr, rpc: &Rpc) -> Self {
        let mut connection = connect::<BoxBody<Bytes, std::io::Error>>(address).await;
        let never =
            StreamBody::new(futures_util::stream::pending::<std::io::Result<Frame<Bytes>>>());
        let request = request(rpc, &headers(), never.boxed());
        Self(tokio::spawn(async move {
            // It ends with the server, or with this value.
            let _ = connection.send_request(request).await;
        }))
    }
}

/// A bearer token of a service, with every scope, for an hour.
pub(super) fn bearer() -> String {
    let token = Token::of("services", "backend");
    let end = token.claims["iat"].as_i64().unwrap() + 3600;
    token.with("exp", end).sign()
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("te", HeaderValue::from_static("trailers"));
    headers.insert("authorization", format!("Bearer {}", bearer()).parse().unwrap());
    headers
}

fn request<B>(rpc: &Rpc, headers: &HeaderMap, body: B) -> Request<B> {
    let mut request = Request::post(rpc.0.clone()).body(body).unwrap();
    request.headers_mut().clone_from(headers);
    request
}

/// A message as gRPC sends it: uncompressed, with its length.
fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = Vec::with_capacity(5 + length);
    frame.push(0);
    frame.extend(u32::try_from(length).unwrap().to_be_bytes());
    message.encode(&mut frame).unwrap();
    frame.into()
}

async fn connect<B>(address: SocketAddr) -> SendRequest<B>
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async move {
        // The server may end first.
        let _ = connection.await;
    });
    sender
}

fn answer(status: &HeaderValue, headers: &HeaderMap) -> Answer {
    match status.as_bytes() {
        b"0" => Answer::Ok,
        b"8" => Answer::Refused,
        _ => panic!("{headers:?}"),
    }
}

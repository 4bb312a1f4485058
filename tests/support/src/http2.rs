//! Single HTTP/2 requests, by a client without gRPC.

use std::net::SocketAddr;

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http2::handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// The response; trailers are among its headers.
pub async fn http2(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?;
    head.headers.extend(body.trailers().cloned().unwrap_or_else(HeaderMap::new));
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// Status, `grpc-status` and content type of a response.
pub fn outcome(answer: &Response<Bytes>) -> String {
    let header = |name| answer.headers().get(name).map_or("-", |value| value.to_str().unwrap());
    format!("{} {} {}", answer.status().as_u16(), header("grpc-status"), header("content-type"))
}

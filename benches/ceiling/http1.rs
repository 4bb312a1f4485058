//! A client of HTTP/1.1 of low cost: each task has a connection of its own.

use std::{net::SocketAddr, sync::Arc};

use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, sync::Mutex};

use super::{client::Answer, load::Call};

/// What is sent in one call, one after the other: the method, the target and the body.
pub(super) type Requests = Vec<(Method, String, String)>;

/// A call of these requests, chosen by the number of the task and a random number.
pub(super) async fn call(
    address: SocketAddr,
    mut headers: HeaderMap,
    tasks: usize,
    requests: impl Fn(usize, u64) -> Requests + Send + Sync + 'static,
) -> Call {
    headers.insert(HOST, address.to_string().parse().unwrap());
    let connections: Arc<[_]> =
        join_all((0..tasks).map(|_| connect(address))).await.into_iter().map(Mutex::new).collect();
    Arc::new(move |task, random| {
        let (connections, headers) = (Arc::clone(&connections), headers.clone());
        let requests = requests(task, random);
        Box::pin(async move {
            let mut connection = connections[task % connections.len()].lock().await;
            for (method, target, body) in requests {
                let mut request =
                    Request::builder().method(method).uri(target).body(Full::from(body)).unwrap();
                request.headers_mut().clone_from(&headers);
                connection.ready().await.unwrap();
                let answer = connection.send_request(request).await.unwrap();
                assert!(answer.status().is_success(), "{answer:?}");
                answer.into_body().collect().await.unwrap();
            }
            Answer::Ok
        })
    })
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(async move {
        // The server may end first.
        let _ = connection.await;
    });
    sender
}

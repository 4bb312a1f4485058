//! A client of HTTP/1.1 of low cost: each task has a connection of its own.

use std::{net::SocketAddr, sync::Arc};

use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, header::HOST};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{Mutex, MutexGuard},
};

use super::{client::Answer, load::Call};

/// What is sent: the method, the target and the body.
pub(super) type Sent = (Method, String, String);

/// A call of these requests, one after the other, which the number of the task and a random number
/// choose.
pub(super) async fn call(
    address: SocketAddr,
    headers: HeaderMap,
    tasks: usize,
    requests: impl Fn(usize, u64) -> Vec<Sent> + Send + Sync + 'static,
) -> Call {
    let connections = Connections::open(address, headers, tasks).await;
    Arc::new(move |task, random| {
        let connections = connections.clone();
        let requests = requests(task, random);
        Box::pin(async move {
            let mut connection = connections.of(task).await;
            for request in requests {
                connection.send_well(request).await;
            }
            Answer::Ok
        })
    })
}

/// The connections of so many tasks.
#[derive(Clone)]
pub(super) struct Connections(Arc<[Mutex<Connection>]>);

impl Connections {
    pub(super) async fn open(address: SocketAddr, headers: HeaderMap, tasks: usize) -> Self {
        let connections = (0..tasks).map(|_| Connection::open(address, headers.clone()));
        Self(join_all(connections).await.into_iter().map(Mutex::new).collect())
    }

    pub(super) async fn of(&self, task: usize) -> MutexGuard<'_, Connection> {
        self.0[task % self.0.len()].lock().await
    }
}

/// A connection, and the headers of its requests.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    headers: HeaderMap,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr, mut headers: HeaderMap) -> Self {
        headers.insert(HOST, address.to_string().parse().unwrap());
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move {
            // The server may end first.
            let _ = connection.await;
        });
        Self { sender, headers }
    }

    /// The response, with its whole body.
    pub(super) async fn send(&mut self, (method, target, body): Sent) -> Response<Bytes> {
        let mut request =
            Request::builder().method(method).uri(target).body(Full::from(body)).unwrap();
        request.headers_mut().clone_from(&self.headers);
        self.sender.ready().await.unwrap();
        let (head, body) = self.sender.send_request(request).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    }

    /// The same. Panics unless the request succeeds.
    pub(super) async fn send_well(&mut self, request: Sent) -> Response<Bytes> {
        let answer = self.send(request).await;
        assert!(answer.status().is_success(), "{answer:?}");
        answer
    }
}

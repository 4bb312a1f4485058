//! A relay between a client and a server, by HTTP/2. It fails as a test says, and records the
//! attempts of each call.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Bytes, Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};
use tonic::Status;

/// The bytes in front of a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// How long a client that makes no attempt delays its test.
const PATIENCE: Duration = Duration::from_secs(60);

type Body = UnsyncBoxBody<Bytes, hyper::Error>;

/// What happens to an attempt instead of being forwarded.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is refused with this status, and does not reach the server.
    Refuse(Box<Status>),
    /// The server carries it out, and the response is lost.
    LoseResponse,
    /// There is no response.
    Hold,
    /// This message is the response.
    Answer(Vec<u8>),
    /// The stream ends with this status after so many messages.
    EndAfter(usize, Box<Status>),
}

/// An attempt of a client.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The name of the rpc, such as `Link`.
    pub rpc: String,
    /// Its first message.
    pub message: Vec<u8>,
    /// The message that the client got; `None` for a refusal, and for a stream.
    pub response: Option<Vec<u8>>,
    /// When it came.
    pub at: Instant,
    /// How long the client waits for it (`grpc-timeout`).
    pub timeout: Option<Duration>,
    /// Its `authorization`; empty if it has none.
    pub authorization: String,
}

struct Shared {
    server: Mutex<SocketAddr>,
    /// The faults of the next attempts of an rpc, in order.
    faults: Mutex<Vec<(String, Fault)>>,
    attempts: watch::Sender<Vec<Attempt>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// The relay.
pub struct Relay {
    /// The address on which it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Relay {
    /// A relay in front of this server.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let shared = Arc::new(Shared {
            server: Mutex::new(server),
            faults: Mutex::default(),
            attempts: watch::Sender::default(),
            client,
        });
        let relay = Self { address, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        relay
    }

    /// Forwards to this server from now on.
    pub fn lead_to(&self, server: SocketAddr) {
        *self.shared.server.lock().unwrap() = server;
    }

    /// The next attempt of this rpc that no earlier fault takes has this fault.
    pub fn fail(&self, rpc: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().push((rpc.to_owned(), fault));
    }

    /// The faults that no attempt has taken.
    pub fn faults_left(&self) -> usize {
        self.shared.faults.lock().unwrap().len()
    }

    /// The attempts so far.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.shared.attempts.borrow().clone()
    }

    /// Waits until this rpc has had so many attempts.
    pub async fn until_attempts(&self, rpc: &str, count: usize) {
        let mut attempts = self.shared.attempts.subscribe();
        let are_there =
            |all: &Vec<Attempt>| all.iter().filter(|attempt| attempt.rpc == rpc).count() >= count;
        timeout(PATIENCE, attempts.wait_for(are_there))
            .await
            .expect("the client should make its attempts")
            .unwrap();
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { shared.relay(request).await }
    });
    // A client may go away at any time.
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Shared {
    async fn relay(&self, request: Request<Incoming>) -> hyper::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let rpc = head.uri.path().rsplit('/').next().unwrap_or_default().to_owned();
        let fault = self.next_fault(&rpc);
        let message = body.get(PREFIX..).unwrap_or_default().to_vec();
        let attempt = Attempt {
            rpc: rpc.clone(),
            message,
            response: None,
            at: Instant::now(),
            authorization: head
                .headers
                .get("authorization")
                .map_or_else(String::new, |value| value.to_str().unwrap().to_owned()),
            timeout: head.headers.get("grpc-timeout").map(|text| time(text.to_str().unwrap())),
        };
        let mut number = 0;
        self.attempts.send_modify(|all| {
            number = all.len();
            all.push(attempt);
        });
        let server = *self.server.lock().unwrap();
        let forward = || {
            let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
            let mut onward = Request::post(format!("http://{server}{path}"));
            *onward.headers_mut().unwrap() = head.headers.clone();
            self.client.request(onward.body(Full::new(body.clone())).unwrap())
        };
        match fault {
            Some(Fault::Refuse(status)) => Ok(refusal(*status)),
            Some(Fault::Hold) => std::future::pending().await,
            Some(Fault::Answer(message)) => {
                self.note(number, &message);
                Ok(whole(Response::builder().header("content-type", "application/grpc"), &message))
            }
            Some(Fault::LoseResponse) => {
                if let Ok(response) = forward().await {
                    response.into_body().collect().await?;
                }
                Ok(refusal(Status::unavailable("the connection was lost")))
            }
            Some(Fault::EndAfter(messages, status)) => match forward().await {
                Ok(response) => Ok(response.map(|body| cut(body, messages, *status))),
                Err(_) => Ok(refusal(Status::unavailable("there is no server"))),
            },
            None => match forward().await {
                Ok(response) if rpc == "WatchEvents" => Ok(response.map(BodyExt::boxed_unsync)),
                Ok(response) => self.note_and_pass(number, response).await,
                Err(_) => Ok(refusal(Status::unavailable("there is no server"))),
            },
        }
    }

    fn next_fault(&self, rpc: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|(of, _)| of == rpc)?;
        Some(faults.remove(at).1)
    }

    fn note(&self, number: usize, message: &[u8]) {
        self.attempts.send_modify(|all| all[number].response = Some(message.to_vec()));
    }

    /// Passes a response of one message on, after it is whole.
    async fn note_and_pass(
        &self,
        number: usize,
        response: Response<Incoming>,
    ) -> hyper::Result<Response<Body>> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        let bytes = body.to_bytes();
        if let Some(message) = bytes.get(PREFIX..) {
            self.note(number, message);
        }
        if bytes.is_empty() && trailers.is_none() {
            // A refusal is headers alone, which end the stream ("Trailers-Only").
            return Ok(Response::from_parts(head, ended()));
        }
        let data = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
        let trailers = trailers.map(|trailers| Ok(Frame::trailers(trailers)));
        let frames = stream::iter(data.into_iter().chain(trailers));
        Ok(Response::from_parts(head, StreamBody::new(frames).boxed_unsync()))
    }
}

/// A `grpc-timeout` (gRPC over HTTP/2, "Requests").
fn time(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => panic!("{text} is no timeout"),
    }
}

/// A response of this message alone.
fn whole(response: http::response::Builder, message: &[u8]) -> Response<Body> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let data = Frame::data(Bytes::from([&[0], &length[..], message].concat()));
    let frames = [Ok(data), Ok(Frame::trailers(trailers(Status::ok(""))))];
    response.body(StreamBody::new(stream::iter(frames)).boxed_unsync()).unwrap()
}

/// A response of this status alone.
fn refusal(status: Status) -> Response<Body> {
    status.into_http::<()>().map(|()| ended())
}

/// A body that has ended before it begins.
fn ended() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A status as it ends a stream.
fn trailers(status: Status) -> HeaderMap {
    let mut trailers = status.into_http::<()>().into_parts().0.headers;
    trailers.remove(http::header::CONTENT_TYPE);
    trailers
}

/// So many messages of a stream, and then this status.
fn cut(body: Incoming, messages: usize, status: Status) -> Body {
    let state = (body, Vec::<u8>::new(), messages, Some(status));
    let frames = stream::unfold(state, |(mut body, mut bytes, left, status)| async move {
        let status = status?;
        loop {
            if left == 0 {
                break;
            }
            if let Some(end) = message_end(&bytes) {
                let message = Bytes::from(bytes.drain(..end).collect::<Vec<u8>>());
                return Some((Ok(Frame::data(message)), (body, bytes, left - 1, Some(status))));
            }
            match body.frame().await {
                Some(Ok(frame)) => bytes.extend(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Some((Err(error), (body, bytes, 0, None))),
                None => break,
            }
        }
        Some((Ok(Frame::trailers(trailers(status))), (body, bytes, 0, None)))
    });
    StreamBody::new(frames).boxed_unsync()
}

/// Where the first message ends, if it is whole.
fn message_end(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(bytes.get(1..PREFIX)?.try_into().unwrap());
    let end = PREFIX + usize::try_from(length).unwrap();
    (bytes.len() >= end).then_some(end)
}

//! A client of Auth0's HTTP that shares no code with the server.

use std::{any::Any, net::SocketAddr};

use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Collected, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    client::conn::http2::{Builder, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::{net::TcpStream, task::JoinHandle};

use super::{TestServer, cluster::cluster, tokens::Token};

/// The configuration that serves Auth0's HTTP for the tenant `default`, to pages of one origin.
pub const AUTH0: &str = "[auth0]\ntenants = [\"default\"]\nallowed_origins = [\"https://app.example.com\"]\n\
    [tenants.default]\nmax_sign_in_age = \"10h\"\n";

/// A response.
#[derive(Debug)]
pub struct Said {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The JSON body; null if it is empty.
    pub body: Value,
}

impl Said {
    /// The body of a successful response.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// A refusal in a line: status, code and message. Panics unless they agree with the rest of its
    /// envelope.
    pub fn refused(&self) -> String {
        assert!(!self.status.is_success(), "{self:?}");
        assert_eq!(self.body["statusCode"], self.status.as_u16());
        assert_eq!(self.body["error"], self.status.canonical_reason().unwrap());
        let code = self.body.get("errorCode").map_or("-", |code| code.as_str().unwrap());
        format!("{} {code} {}", self.status.as_u16(), self.body["message"].as_str().unwrap())
    }
}

/// An HTTP client with or without a token.
#[derive(Clone)]
pub struct Asker {
    address: SocketAddr,
    token: Option<String>,
}

/// A response whose body has begun.
pub struct Download {
    response: Response<Incoming>,
    _sender: Box<dyn Any + Send>,
    connection: JoinHandle<Result<(), hyper::Error>>,
}

impl Download {
    /// The whole body; an error if the server breaks it off.
    pub async fn rest(self) -> Result<Bytes, hyper::Error> {
        let body = self.response.into_body().collect().await.map(Collected::to_bytes);
        self.connection.abort();
        body
    }
}

impl TestServer {
    /// A server that also serves Auth0's HTTP, on a database of its own.
    pub async fn start_auth0() -> Self {
        Self::start_with(cluster().db_migrated().await, |toml| toml + AUTH0).await
    }

    /// An HTTP client with this token.
    pub fn asker(&self, token: &Token) -> Asker {
        Asker { address: self.address, token: Some(token.sign()) }
    }

    /// An HTTP client with the token of a service, with every scope.
    pub fn backend(&self) -> Asker {
        self.asker(&Token::of("services", "backend"))
    }

    /// An HTTP client without a token.
    pub fn stranger(&self) -> Asker {
        Asker { address: self.address, token: None }
    }
}

impl Asker {
    /// An HTTP client of any server at this address.
    pub fn at(address: SocketAddr, token: Option<String>) -> Self {
        Self { address, token }
    }

    pub async fn get(&self, path: &str) -> Said {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Said {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Said {
        self.ask(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Said {
        self.ask(Method::DELETE, path, None).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Said {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some(_) => request.header(header::CONTENT_TYPE, "application/json"),
            None => request,
        };
        let body = body.map(ToString::to_string).unwrap_or_default();
        self.send(request.body(Bytes::from(body)).unwrap()).await
    }

    /// Sends a request unchanged, except that the token is added.
    pub async fn send(&self, request: Request<Bytes>) -> Said {
        self.send_body(request.map(Full::new)).await
    }

    /// Sends a form of parts, each a name, a file name that may be empty, and a value.
    pub async fn post_form(&self, path: &str, parts: &[(&str, &str, &[u8])]) -> Said {
        const BOUNDARY: &str = "a-line-that-no-part-has";
        let mut body = Vec::new();
        for (name, file, value) in parts {
            let file =
                if file.is_empty() { String::new() } else { format!("; filename=\"{file}\"") };
            let head = format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
            );
            body.extend([head.as_bytes(), value, b"\r\n"].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        let request = Request::builder().method(Method::POST).uri(path);
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = request.header(header::CONTENT_TYPE, media_type);
        self.send(request.body(Bytes::from(body)).unwrap()).await
    }

    /// Sends a request with a body of any type.
    pub async fn send_body<B>(&self, request: Request<B>) -> Said
    where
        B: Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: std::error::Error + Send + Sync,
    {
        let (head, body) = self.send_for_bytes(request).await.into_parts();
        let body = body.expect("the body is whole");
        let body =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Said { status: head.status, headers: head.headers, body }
    }

    /// Gets what is no JSON; the body is an error if the server breaks it off.
    pub async fn get_bytes(&self, path: &str) -> Response<Result<Bytes, hyper::Error>> {
        let request = Request::builder().uri(path).body(Full::<Bytes>::default()).unwrap();
        self.send_for_bytes(request).await
    }

    /// Begins to get what is no JSON, and takes no more of it than arrives at first, until the caller
    /// reads on.
    pub async fn begin(&self, path: &str) -> Download {
        let request = Request::builder().uri(format!("http://localhost{path}"));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(65_535)
            .handshake(TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Download { response, _sender: Box::new(sender), connection }
    }

    async fn send_for_bytes<B>(
        &self,
        mut request: Request<B>,
    ) -> Response<Result<Bytes, hyper::Error>>
    where
        B: Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: std::error::Error + Send + Sync,
    {
        if let Some(token) = &self.token {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        let path =
            request.uri().path_and_query().map_or_else(|| "*".to_owned(), ToString::to_string);
        *request.uri_mut() = format!("http://localhost{path}").parse().unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.map(Collected::to_bytes);
        drop(sender);
        connection.abort();
        Response::from_parts(head, body)
    }
}

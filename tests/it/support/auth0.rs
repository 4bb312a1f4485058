//! Auth0's HTTP of one test's server, by a client that knows nothing of it.

use std::net::SocketAddr;

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body, Bytes},
    client::conn::http2::handshake,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

use super::{TestServer, cluster::cluster, tokens::Token};

/// What serves Auth0's HTTP for the tenant `default`, to pages of one origin.
pub const AUTH0: &str = "[auth0]\ntenants = [\"default\"]\nallowed_origins = [\"https://app.example.com\"]\n\
    [tenants.default]\nmax_sign_in_age = \"10h\"\n";

/// An answer.
#[derive(Debug)]
pub struct Said {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// What it is as JSON; null if it is empty.
    pub body: Value,
}

impl Said {
    /// The body of a good answer.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.body
    }

    /// A refusal in a line: status, code and message, which agree with its envelope.
    pub fn refused(&self) -> String {
        assert!(!self.status.is_success(), "{self:?}");
        assert_eq!(self.body["statusCode"], self.status.as_u16());
        assert_eq!(self.body["error"], self.status.canonical_reason().unwrap());
        let code = self.body.get("errorCode").map_or("-", |code| code.as_str().unwrap());
        format!("{} {code} {}", self.status.as_u16(), self.body["message"].as_str().unwrap())
    }
}

/// Somebody who speaks HTTP.
#[derive(Clone)]
pub struct Asker {
    address: SocketAddr,
    token: Option<String>,
}

impl TestServer {
    /// A server that also serves Auth0's HTTP, on a database of its own.
    pub async fn start_auth0() -> Self {
        Self::start_with(cluster().db_migrated().await, |toml| toml + AUTH0).await
    }

    /// Somebody with this token who speaks HTTP.
    pub fn asker(&self, token: &Token) -> Asker {
        Asker { address: self.address, token: Some(token.sign()) }
    }

    /// A back end, with every scope, that speaks HTTP.
    pub fn backend(&self) -> Asker {
        self.asker(&Token::of("services", "backend"))
    }

    /// Somebody without a token who speaks HTTP.
    pub fn stranger(&self) -> Asker {
        Asker { address: self.address, token: None }
    }
}

impl Asker {
    /// Somebody who speaks HTTP with whatever listens there.
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

    /// Sends a request as it is, but for the token.
    pub async fn send(&self, request: Request<Bytes>) -> Said {
        self.send_body(request.map(Full::new)).await
    }

    /// Sends a request whose body comes in whatever way.
    pub async fn send_body<B>(&self, mut request: Request<B>) -> Said
    where
        B: Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: std::error::Error + Send + Sync,
    {
        if let Some(token) = &self.token {
            request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        let path = request.uri().path_and_query().map_or_else(|| "*".to_owned(), ToString::to_string);
        *request.uri_mut() = format!("http://localhost{path}").parse().unwrap();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        drop(sender);
        connection.abort();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Said { status: head.status, headers: head.headers, body }
    }
}

//! Invalid requests: the server refuses each in the documented envelope, and changes nothing.

mod any;
mod bodies;
mod fields;
mod i_json;
mod places;

use std::convert::Infallible;

use futures_util::stream;
use http::{Method, Request, header};
use http_body_util::StreamBody;
use hyper::body::{Bytes, Frame};
use serde_json::{Value, json};

use crate::support::{TestServer, auth0::Asker};

const USERS: &str = "/api/v2/users";
const ANN: &str = "/api/v2/users/github%7Cann";
const ANNS: &str = "/api/v2/users/github%7Cann/identities";
/// The routes that read a body.
const WITH_BODY: [(Method, &str); 3] =
    [(Method::POST, USERS), (Method::PATCH, ANN), (Method::POST, ANNS)];

/// A server with Ann, who has two identities, and Bob; a back end that calls it; and the refusals.
struct Refusing {
    server: TestServer,
    backend: Asker,
    before: Vec<String>,
    told: Vec<String>,
}

impl Refusing {
    async fn start() -> Self {
        let server = TestServer::start_auth0().await;
        let backend = server.backend();
        for (connection, account) in [("github", "ann"), ("sms", "ann"), ("github", "bob")] {
            let user = json!({"connection": connection, "user_id": account, "user_metadata": {"color": "red"}});
            backend.post(USERS, &user).await.ok();
        }
        backend.post(ANNS, &json!({"provider": "sms", "user_id": "ann"})).await.ok();
        let before = server.database.db_everything().await;
        Self { server, backend, before, told: Vec::new() }
    }

    /// Records the refusal of a request.
    async fn ask(&mut self, what: &str, request: Request<Bytes>) {
        let refused = self.backend.send(request).await.refused();
        self.told.push(format!("{what} -> {refused}"));
    }

    /// Records the refusals of JSON bodies.
    async fn ask_all(
        &mut self,
        method: Method,
        path: &str,
        bodies: impl IntoIterator<Item = Value>,
    ) {
        for body in bodies {
            let text = body.to_string();
            let what = text.chars().take(90).collect::<String>();
            self.ask(&what, request(method.clone(), path, &["application/json"], text)).await;
        }
    }

    /// Checks that nothing has changed. Returns the refusals.
    async fn told(self) -> String {
        assert_eq!(self.server.database.db_everything().await, self.before);
        self.told.join("\n")
    }
}

fn request(
    method: Method,
    path: &str,
    media_types: &[&str],
    body: impl Into<Bytes>,
) -> Request<Bytes> {
    let request = Request::builder().method(method).uri(path);
    let request = media_types
        .iter()
        .fold(request, |request, given| request.header(header::CONTENT_TYPE, *given));
    request.body(body.into()).unwrap()
}

/// A body without an announced length.
fn chunks(
    count: usize,
) -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, Infallible>>> {
    let chunk = Bytes::from(vec![b' '; 1024 * 1024]);
    StreamBody::new(stream::iter(
        std::iter::repeat_n(chunk, count).map(|chunk| Ok(Frame::data(chunk))),
    ))
}

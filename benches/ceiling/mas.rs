//! What is nearest to `Link` and `Unlink` in matrix-authentication-service (MAS): its admin API adds
//! an upstream link to a user, which is one row, and deletes it.

use std::{net::SocketAddr, sync::Arc};

use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{
    client::Answer,
    http1::{Connection, Connections, Sent},
    load::Call,
    population::own_pair,
};

const LINKS: &str = "/api/admin/v1/upstream-oauth-links";

/// An identity to link to a user.
pub(super) struct Link {
    user: String,
    provider: String,
    subject: String,
}

impl Link {
    /// The link of a user, by what MAS said when it began to serve.
    pub(super) fn of(said: &Value, number: u64) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let user = &said["users"][usize::try_from(number).unwrap()];
        Self { user: text(user), provider: text(&said["provider"]), subject: number.to_string() }
    }

    fn add(&self) -> Sent {
        let body = json!({
            "user_id": self.user,
            "provider_id": self.provider,
            "subject": self.subject,
        });
        (Method::POST, LINKS.to_owned(), body.to_string())
    }

    /// How many links its user has.
    async fn count(&self, connection: &mut Connection) -> usize {
        let target = format!("{LINKS}?filter[user]={}", self.user);
        let answer = connection.send_well((Method::GET, target, String::new())).await;
        let links: Value = serde_json::from_slice(answer.body()).unwrap();
        links["data"].as_array().unwrap().len()
    }
}

/// Deletes a link, by the response that it was added with.
fn delete(added: &Response<Bytes>) -> Sent {
    let added: Value = serde_json::from_slice(added.body()).unwrap();
    let target = format!("{LINKS}/{}", added["data"]["id"].as_str().unwrap());
    (Method::DELETE, target, String::new())
}

/// Adds and deletes links, of which no two tasks have the same.
pub(super) async fn call(
    address: SocketAddr,
    headers: HeaderMap,
    tasks: usize,
    said: Value,
) -> Call {
    let connections = Connections::open(address, headers, tasks).await;
    Arc::new(move |task, random| {
        let connections = connections.clone();
        let link = Link::of(&said, own_pair(task, tasks, random));
        Box::pin(async move {
            let mut connection = connections.of(task).await;
            let added = connection.send_well(link.add()).await;
            connection.send_well(delete(&added)).await;
            Answer::Ok
        })
    })
}

/// Panics unless the requests add a link to its user, and delete it again.
pub(super) async fn check(address: SocketAddr, headers: HeaderMap, link: &Link) {
    let mut connection = Connection::open(address, headers).await;
    assert_eq!(link.count(&mut connection).await, 0);
    let added = connection.send(link.add()).await;
    assert_eq!(added.status(), StatusCode::CREATED, "{added:?}");
    assert_eq!(link.count(&mut connection).await, 1);
    let deleted = connection.send(delete(&added)).await;
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT, "{deleted:?}");
    assert_eq!(link.count(&mut connection).await, 0);
}

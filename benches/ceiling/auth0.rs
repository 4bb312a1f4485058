//! `Link` and `Unlink` by Auth0's HTTP, of the service and of a peer with the same paths.

use std::net::SocketAddr;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{
    client::bearer,
    http1::{self, Connection, Sent},
    load::Call,
    population::{PROVIDER, id, own_pair, pair},
};

/// Two users to link.
pub(super) struct Pair {
    /// The ids, as they are in a path.
    users: [String; 2],
    /// The second user's id at the provider.
    subject: String,
}

impl Pair {
    /// A pair of the service. No arm of gRPC links it: the metadata of the second user is lost with
    /// the first unlink, as with Auth0.
    pub(super) fn of_service(users: u64, number: u64) -> Self {
        let (primary, secondary) = pair(users, number);
        let [primary, secondary] = [primary, secondary].map(|number| id(number + 1));
        Self { users: [primary, secondary.clone()], subject: secondary }
    }

    /// A pair of AuthHero, whose subjects are the numbers from 1 on.
    pub(super) fn of_authhero(number: u64) -> Self {
        let [primary, secondary] = [2 * number + 1, 2 * number + 2];
        Self {
            users: [primary, secondary].map(|subject| format!("{PROVIDER}%7C{subject}")),
            subject: secondary.to_string(),
        }
    }

    /// `Link`, then `Unlink`.
    fn link_and_unlink(&self) -> [Sent; 2] {
        let path = format!("/api/v2/users/{}/identities", self.users[0]);
        let user_id = format!("{PROVIDER}|{}", self.subject);
        let body = json!({"provider": PROVIDER, "user_id": user_id}).to_string();
        let identity = format!("{path}/{PROVIDER}/{}", self.subject);
        [(Method::POST, path, body), (Method::DELETE, identity, String::new())]
    }

    /// How many identities each of the two has. A user that is not found has none.
    async fn identities(&self, connection: &mut Connection) -> [usize; 2] {
        let mut counts = [0, 0];
        for (count, user) in counts.iter_mut().zip(&self.users) {
            let request = (Method::GET, format!("/api/v2/users/{user}"), String::new());
            let answer = connection.send(request).await;
            if answer.status() != 404 {
                assert!(answer.status().is_success(), "{answer:?}");
                let user: Value = serde_json::from_slice(answer.body()).unwrap();
                *count = user["identities"].as_array().unwrap().len();
            }
        }
        counts
    }
}

/// The headers of a call of the service.
pub(super) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("authorization", format!("Bearer {}", bearer()).parse().unwrap());
    headers
}

/// Links and unlinks pairs, of which no two tasks have the same.
pub(super) async fn call(
    address: SocketAddr,
    headers: HeaderMap,
    tasks: usize,
    pair: impl Fn(u64) -> Pair + Send + Sync + 'static,
) -> Call {
    let requests = move |task, random| pair(own_pair(task, tasks, random)).link_and_unlink().into();
    http1::call(address, headers, tasks, requests).await
}

/// Panics unless the requests link the pair, and make two users of it again.
pub(super) async fn check(address: SocketAddr, headers: HeaderMap, pair: &Pair) {
    let mut connection = Connection::open(address, headers).await;
    assert_eq!(pair.identities(&mut connection).await, [1, 1]);
    for (request, identities) in pair.link_and_unlink().into_iter().zip([[2, 0], [1, 1]]) {
        connection.send_well(request).await;
        assert_eq!(pair.identities(&mut connection).await, identities);
    }
}

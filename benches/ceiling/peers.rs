//! Other systems that hold accounts. `benches/peers/serve.sh` installs and serves them.

use std::{collections::BTreeMap, fs, path::Path};

use http::{HeaderMap, HeaderName, Method};
use serde_json::Value;

use super::{
    arms::Peer,
    auth0::{self, Pair},
    cluster::Cluster,
    http1,
    load::Call,
    mas::{self, Link},
    server::{self, Server},
};

/// A peer that serves, and what its calls carry.
pub(super) struct Served {
    peer: Peer,
    pub(super) server: Server,
    headers: HeaderMap,
    /// What it said when it began to serve.
    said: Value,
}

impl Served {
    /// Starts a peer on an empty database. Panics if it does not do what is measured.
    pub(super) async fn start(peer: Peer, cluster: &Cluster) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/serve.sh");
        let (name, argument) = match peer {
            Peer::BetterAuth => ("better-auth", cluster.empty_database("better_auth").await),
            Peer::AuthHero => {
                ("authhero", cluster.folder.join("authhero.sqlite").display().to_string())
            }
            Peer::Mas => ("matrix-authentication-service", cluster.empty_database("mas").await),
        };
        let log = cluster.folder.join(format!("{name}.log"));
        let server = Server::peer(&script, &[name, &argument], &log);
        let said = server::serving(&fs::read_to_string(log).unwrap()).unwrap();
        let headers: BTreeMap<String, String> =
            serde_json::from_value(said["headers"].clone()).unwrap();
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let headers: HeaderMap = headers.collect();
        let (address, copy) = (server.address, headers.clone());
        match peer {
            Peer::BetterAuth => {}
            Peer::AuthHero => auth0::check(address, copy, &Pair::of_authhero(0)).await,
            Peer::Mas => mas::check(address, copy, &Link::of(&said, 0)).await,
        }
        Self { peer, server, headers, said }
    }

    /// A call by so many tasks.
    pub(super) async fn call(&self, tasks: usize) -> Call {
        let (address, headers) = (self.server.address, self.headers.clone());
        match self.peer {
            Peer::BetterAuth => {
                let request = (Method::GET, "/api/auth/list-accounts".to_owned(), String::new());
                http1::call(address, headers, tasks, move |_, _| vec![request.clone()]).await
            }
            Peer::AuthHero => auth0::call(address, headers, tasks, Pair::of_authhero).await,
            Peer::Mas => mas::call(address, headers, tasks, self.said.clone()).await,
        }
    }
}

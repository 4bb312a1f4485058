//! Other systems that hold accounts. `benches/peers/serve.sh` installs and serves them.

use std::{collections::BTreeMap, fs, path::Path};

use http::{HeaderMap, HeaderName, Method};

use super::{
    arms::Peer,
    cluster::Cluster,
    http1::{self, Requests},
    load::Call,
    server::{self, Server},
};

/// A peer that serves, and what its calls carry.
pub(super) struct Served {
    peer: Peer,
    pub(super) server: Server,
    headers: HeaderMap,
}

impl Served {
    /// Starts a peer on an empty database.
    pub(super) async fn start(peer: Peer, cluster: &Cluster) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/serve.sh");
        let (name, argument) = match peer {
            Peer::BetterAuth => ("better-auth", cluster.empty_database("better_auth").await),
        };
        let log = cluster.folder.join(format!("{name}.log"));
        let server = Server::peer(&script, &[name, &argument], &log);
        let line = server::serving(&fs::read_to_string(log).unwrap()).unwrap();
        let headers: BTreeMap<String, String> =
            serde_json::from_value(line["headers"].clone()).unwrap();
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        Self { peer, server, headers: headers.collect() }
    }

    /// A call by so many tasks.
    pub(super) async fn call(&self, tasks: usize) -> Call {
        let requests = requests(self.peer);
        http1::call(self.server.address, self.headers.clone(), tasks, move |_, _| requests.clone())
            .await
    }
}

/// What one call sends.
fn requests(peer: Peer) -> Requests {
    match peer {
        Peer::BetterAuth => {
            vec![(Method::GET, "/api/auth/list-accounts".to_owned(), String::new())]
        }
    }
}

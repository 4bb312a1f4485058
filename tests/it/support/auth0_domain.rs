//! A server that clients of Auth0 take for their domain: over TLS, by an authority that they are told to trust.

use std::{fs, path::PathBuf};

use super::{
    TestServer,
    auth0::AUTH0,
    child::temp_dir,
    cluster::cluster,
    tls::{Authority, tls_toml},
};

/// The server, and how it is found.
pub struct Auth0Domain {
    /// What a client is given instead of `tenant.auth0.com`.
    pub name: String,
    /// The file with the authority's certificate.
    pub authority: PathBuf,
    _server: TestServer,
}

impl Auth0Domain {
    /// On a database of its own.
    pub async fn start() -> Self {
        let database = cluster().db_migrated().await;
        let dir = temp_dir(&format!("{}_tls", database.name));
        let authority = Authority::new("clients of Auth0");
        authority.issue().write(&dir);
        let trusted = dir.join("authority.pem");
        fs::write(&trusted, authority.pem()).unwrap();
        let server = TestServer::start_with(database, |toml| toml + AUTH0 + &tls_toml(&dir)).await;
        let name = format!("localhost:{}", server.address.port());
        Self { name, authority: trusted, _server: server }
    }
}

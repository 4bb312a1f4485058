//! A server that clients of Auth0 take for their domain: over TLS, with a certificate of an
//! authority that they are configured to trust.

use std::{fs, path::PathBuf};

use super::{
    Caller, TestServer,
    auth0::AUTH0,
    child::temp_dir,
    cluster::cluster,
    tls::{Authority, TlsClient, tls_toml},
    tokens::Token,
};

/// The server, and what its clients need to connect.
pub struct Auth0Domain {
    /// The host and port that a client is given instead of `tenant.auth0.com`.
    pub name: String,
    /// The file with the authority's certificate.
    pub authority: PathBuf,
    server: TestServer,
    client: TlsClient,
}

impl Auth0Domain {
    /// Starts the server on a database of its own.
    pub async fn start() -> Self {
        Self::start_with(|toml| toml).await
    }

    /// The same, with a changed configuration.
    pub async fn start_with(change: impl FnOnce(String) -> String) -> Self {
        let database = cluster().db_migrated().await;
        let dir = temp_dir(&format!("{}_tls", database.name));
        let authority = Authority::new("clients of Auth0");
        authority.issue().write(&dir);
        let trusted = dir.join("authority.pem");
        fs::write(&trusted, authority.pem()).unwrap();
        let server =
            TestServer::start_with(database, |toml| change(toml + AUTH0) + &tls_toml(&dir)).await;
        let name = format!("localhost:{}", server.address.port());
        Self { name, authority: trusted, server, client: TlsClient::new(&authority, None) }
    }

    /// A gRPC client with the token of a service, with every scope.
    pub fn service(&self) -> Caller {
        let token = Token::of("services", "backend").sign();
        Caller::new(self.client.channel(self.server.address), Some(token))
    }
}

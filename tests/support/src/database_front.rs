//! What stands in front of a test's database, and passes on what its clients say.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::cluster::Database;

impl Database {
    /// Accepts connections, and passes each one on with a new connection to this database. Returns
    /// the address.
    pub(super) async fn db_front<F>(
        &self,
        pass_on: impl Fn(TcpStream, UnixStream) -> F + Send + 'static,
    ) -> SocketAddr
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let socket = self.socket();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Without a database, as if it had refused the client.
                if let Ok(server) = UnixStream::connect(&socket).await {
                    tokio::spawn(pass_on(client, server));
                }
            }
        });
        address
    }

    /// The URL of this database through a front at this address.
    pub(super) fn url_through(&self, front: SocketAddr) -> String {
        format!("postgres://postgres@{front}/{}", self.name)
    }
}

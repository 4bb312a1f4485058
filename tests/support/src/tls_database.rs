//! TLS in front of a test's database, which itself listens on a Unix socket alone.

use std::{fs, io, sync::Arc};

use rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsAcceptor;

use super::{child::temp_dir, cluster::Database};

/// What a client sends first if it wants TLS: the length, and a number that is no version of the
/// protocol.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

impl Database {
    /// The URL of this database behind TLS. A client that asks for no TLS is cut off.
    pub async fn db_behind_tls(&self) -> String {
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let roots = temp_dir(&self.name).join("roots.pem");
        fs::write(&roots, certified.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(certified.signing_key.serialize_der().into());
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));

        let front =
            self.db_front(move |client, server| pass_on(client, server, acceptor.clone())).await;
        let roots = roots.display();
        format!("{}?sslmode=verify-full&sslrootcert={roots}", self.url_through(front))
    }
}

async fn pass_on(
    mut client: TcpStream,
    mut server: UnixStream,
    acceptor: TlsAcceptor,
) -> io::Result<()> {
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    if request != SSL_REQUEST {
        return Ok(());
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

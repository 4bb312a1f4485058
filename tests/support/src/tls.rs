//! Certificates of one test, and clients that verify them.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc};

use http::Uri;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

/// An authority that signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, as PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(
            CertifiedIssuer::self_signed(
                params,
                KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
            )
            .unwrap(),
        )
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes the authority's certificate to this file.
    pub fn write(&self, file: &Path) {
        fs::write(file, self.pem()).unwrap();
    }

    /// The authority's own certificate, as that of a server.
    pub fn as_server(&self) -> Pair {
        Pair { certificate: self.pem(), key: self.0.key().serialize_pem() }
    }

    /// A certificate for `localhost`.
    pub fn issue(&self) -> Pair {
        self.issue_for("localhost")
    }

    /// A certificate for this name.
    pub fn issue_for(&self, name: &str) -> Pair {
        self.issue_changed(name, |_| {})
    }

    /// A certificate for this name whose time is over.
    pub fn issue_expired(&self, name: &str) -> Pair {
        self.issue_changed(name, |params| {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 12, 31);
        })
    }

    fn issue_changed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        Pair {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Pair {
    fn chain(&self) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(self.certificate.as_bytes()).map(Result::unwrap).collect()
    }

    /// The TLS configuration of a server with this certificate.
    pub fn server_config(&self) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        builder.with_no_client_auth().with_single_cert(self.chain(), key).unwrap()
    }

    /// Writes the chain and the key to this folder.
    pub fn write(&self, dir: &Path) {
        fs::write(dir.join("chain.pem"), &self.certificate).unwrap();
        fs::write(dir.join("key.pem"), &self.key).unwrap();
    }
}

/// The `[tls]` table for the files in a folder.
pub fn tls_toml(dir: &Path) -> String {
    let dir = dir.display();
    format!("[tls]\ncertificate = \"{dir}/chain.pem\"\nkey = \"{dir}/key.pem\"\n")
}

/// A TLS client.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// A client that trusts this authority, and shows its own certificate if it has one.
    pub fn new(trusted: &Authority, own: Option<&Pair>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(own.chain(), key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self(Arc::new(config))
    }

    /// The same, which offers these protocols instead of HTTP/2.
    pub fn offering(&self, protocols: &[&[u8]]) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Self(Arc::new(config))
    }

    /// Connects, and returns the connection after its handshake.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::clone(&self.0))
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
    }

    /// The server's refusal of this client's certificate. In TLS 1.3 the server sends it after the
    /// client's handshake is done.
    pub async fn refusal(&self, address: SocketAddr) -> String {
        let refused = match self.connect(address).await {
            Ok(mut stream) => stream.read_u8().await.map(drop),
            Err(error) => Err(error),
        };
        refused.unwrap_err().to_string()
    }

    /// Whether the server shows this certificate now.
    pub async fn is_shown(&self, address: SocketAddr, pair: &Pair) -> bool {
        let stream = self.connect(address).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap() == pair.chain()
    }

    /// A channel for calls.
    pub fn channel(&self, address: SocketAddr) -> Channel {
        let client = self.clone();
        let connector = move |_: Uri| {
            let client = client.clone();
            async move { client.connect(address).await.map(TokioIo::new) }
        };
        Endpoint::from_static("http://localhost")
            .connect_with_connector_lazy(tower::service_fn(connector))
    }
}

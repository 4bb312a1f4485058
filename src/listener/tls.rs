//! The listener's certificate and the authorities of its clients: PEM files, read and checked as a
//! whole.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
};

/// The paths of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the listener's own certificate first.
    pub certificate: PathBuf,
    /// The private key of the listener's certificate.
    pub key: PathBuf,
    /// The authorities of clients' certificates; `None` if clients need no certificate.
    pub client_ca: Option<PathBuf>,
}

/// The content of the files at one time, or why one could not be read. It has no `Debug`, because
/// it contains a private key.
#[derive(PartialEq, Eq)]
pub(super) struct TlsContent {
    certificate: Result<Vec<u8>, String>,
    key: Result<Vec<u8>, String>,
    client_ca: Option<Result<Vec<u8>, String>>,
}

/// A problem of one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsProblem {
    /// The configuration key that names the file.
    pub key: &'static str,
    /// The problem, with the path unless that may be a secret.
    pub text: String,
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)
    }
}

impl TlsFiles {
    /// Reads the files, and checks that a listener can use them.
    ///
    /// # Errors
    /// All problems of the files.
    pub fn check(&self) -> Result<(), Vec<TlsProblem>> {
        self.server_config(&self.read()).map(drop)
    }

    /// Reads the files.
    pub(super) fn read(&self) -> TlsContent {
        let read = |path| fs::read(path).map_err(|error| format!("cannot be read: {error}"));
        TlsContent {
            certificate: read(&self.certificate),
            key: read(&self.key),
            client_ca: self.client_ca.as_ref().map(read),
        }
    }

    /// Makes a server's configuration from the content of the files. It offers no protocol yet.
    ///
    /// # Errors
    /// All problems of the files.
    pub(super) fn server_config(
        &self,
        content: &TlsContent,
    ) -> Result<ServerConfig, Vec<TlsProblem>> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = self.chain(content);
        let key = self.private_key(content);
        let clients = self.clients(content, &provider);
        let (chain, key, clients) = match (chain, key, clients) {
            (Ok(chain), Ok(key), Ok(clients)) => (chain, key, clients),
            (chain, key, clients) => {
                return Err([chain.err(), key.err(), clients.err()]
                    .into_iter()
                    .flatten()
                    .collect());
            }
        };
        let unfit =
            |error| vec![key_problem(format_args!("does not go with the certificate: {error}"))];
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_client_cert_verifier(clients).with_single_cert(chain, key)
            })
            .map_err(unfit)
    }

    fn chain(&self, content: &TlsContent) -> Result<Vec<CertificateDer<'static>>, TlsProblem> {
        let wrong = |text: String| problem("certificate", &self.certificate, text);
        let chain = certificates(&content.certificate).map_err(wrong)?;
        // The certificates after the own one are for clients to judge.
        if let Some(own) = chain.first() {
            ParsedCertificate::try_from(own).map_err(no_certificate).map_err(wrong)?;
        }
        Ok(chain)
    }

    fn private_key(&self, content: &TlsContent) -> Result<PrivateKeyDer<'static>, TlsProblem> {
        let none = |_| "holds no private key (PEM, not encrypted)".to_owned();
        let key =
            content.key.clone().and_then(|pem| PrivateKeyDer::from_pem_slice(&pem).map_err(none));
        key.map_err(key_problem)
    }

    /// The verifier of clients' certificates.
    fn clients(
        &self,
        content: &TlsContent,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsProblem> {
        let (Some(path), Some(authorities)) = (&self.client_ca, &content.client_ca) else {
            return Ok(WebPkiClientVerifier::no_client_auth());
        };
        let wrong = |text: String| problem("client_ca", path, text);
        let mut roots = RootCertStore::empty();
        for authority in certificates(authorities).map_err(wrong)? {
            roots.add(authority).map_err(no_certificate).map_err(wrong)?;
        }
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| wrong(error.to_string()))
    }
}

/// The certificates of a PEM file, at least one.
fn certificates(pem: &Result<Vec<u8>, String>) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.as_ref().map_err(Clone::clone)?).collect();
    match found {
        Ok(found) if found.is_empty() => Err("holds no certificate (PEM)".to_owned()),
        Ok(found) => Ok(found),
        // The parser's error is not quoted: it may contain lines of the file, which may be the
        // wrong file.
        Err(_) => Err("is not PEM".to_owned()),
    }
}

fn no_certificate(error: rustls::Error) -> String {
    let cause = match error {
        rustls::Error::InvalidCertificate(cause) => cause.to_string(),
        other => other.to_string(),
    };
    format!("holds something that is no certificate: {cause}")
}

/// A problem with the private key. The path is not quoted: it may be a key that was written there
/// by mistake.
fn key_problem(text: impl fmt::Display) -> TlsProblem {
    TlsProblem { key: "key", text: format!("names a file that {text}") }
}

fn problem(key: &'static str, path: &Path, text: impl fmt::Display) -> TlsProblem {
    TlsProblem { key, text: format!("{} {text}", path.display()) }
}

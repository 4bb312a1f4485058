//! The certificate authorities that the certificates of other servers are verified against.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, pem::PemObject as _},
};

/// The authorities of the system: read once, so that all parts of a server trust the same ones.
static SYSTEM: OnceLock<System> = OnceLock::new();

struct System {
    roots: RootCertStore,
    /// What could not be read.
    errors: Vec<String>,
}

/// Certificate authorities.
#[derive(Clone)]
pub struct Authorities {
    roots: Arc<RootCertStore>,
    tls: Arc<ClientConfig>,
}

/// Why authorities cannot be used. The text follows the name of their file.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file has a broken section.
    #[error("is not PEM")]
    NotPem,
    /// The file has no certificate.
    #[error("holds no certificate (PEM)")]
    Empty,
    /// A section does not parse as a certificate.
    #[error("holds something that is no certificate")]
    NoCertificate,
    /// TLS cannot be set up with them.
    #[error("cannot be used for TLS: {0}")]
    Tls(rustls::Error),
}

impl System {
    /// Reads the files that OpenSSL would read: those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name,
    /// or those in the places where Linux distributions keep them.
    fn read() -> Self {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // Some systems have certificates of a form that rustls does not use.
        roots.add_parsable_certificates(found.certs);
        Self { roots, errors: found.errors.iter().map(ToString::to_string).collect() }
    }

    fn get() -> &'static Self {
        SYSTEM.get_or_init(Self::read)
    }
}

impl Authorities {
    /// The authorities that are installed on this system, which may be none.
    ///
    /// # Errors
    /// [`AuthoritiesError::Tls`].
    pub fn system() -> Result<Self, AuthoritiesError> {
        Self::of(System::get().roots.clone())
    }

    /// Those that are installed on this system, and those of a PEM file.
    ///
    /// # Errors
    /// [`AuthoritiesError`], if the file cannot be used.
    pub fn system_and(file: &Path) -> Result<Self, AuthoritiesError> {
        let mut roots = System::get().roots.clone();
        roots.roots.extend(read(file)?.roots);
        Self::of(roots)
    }

    /// Those of a PEM file only.
    ///
    /// # Errors
    /// [`AuthoritiesError`], if the file cannot be used.
    pub fn only(file: &Path) -> Result<Self, AuthoritiesError> {
        Self::of(read(file)?)
    }

    fn of(roots: RootCertStore) -> Result<Self, AuthoritiesError> {
        let roots = Arc::new(roots);
        let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(AuthoritiesError::Tls)?
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        Ok(Self { roots, tls: Arc::new(tls) })
    }

    /// Whether there are none, so that no certificate can be verified.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// What of the system's authorities could not be read.
    pub fn system_errors() -> &'static [String] {
        &System::get().errors
    }

    /// The settings of TLS that trust these authorities only.
    pub fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.roots.len())
    }
}

impl PartialEq for Authorities {
    fn eq(&self, other: &Self) -> bool {
        self.roots.roots == other.roots.roots
    }
}

impl Eq for Authorities {}

/// Reads a PEM file. It holds at least one certificate; sections of other kinds are left aside.
fn read(file: &Path) -> Result<RootCertStore, AuthoritiesError> {
    let pem = std::fs::read(file)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| AuthoritiesError::NotPem)?;
        roots.add(certificate).map_err(|_| AuthoritiesError::NoCertificate)?;
    }
    if roots.is_empty() { Err(AuthoritiesError::Empty) } else { Ok(roots) }
}

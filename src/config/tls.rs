//! The `[tls]` table: the files of the listener's certificate.

use std::path::Path;

use super::{declare::keys, keys::Text, reader::Reader};
use crate::listener::TlsFiles;

keys! {
    /// The listener's certificate. Without this table, clients connect in clear text, for a mesh or
    /// a balancer that ends TLS. The server checks the files every second and at SIGHUP, and takes
    /// changed ones.
    static KEYS: TlsKeys = "tls" {
        /// The file of the certificate and its chain, in PEM.
        certificate: Text = Text::Required(""),
        /// The file of the certificate's private key, in PEM.
        key: Text = Text::Required(""),
        /// The file of the authorities, in PEM, one of which must have issued the certificate that
        /// each client then has to present. If it is missing, clients need no certificate.
        client_ca: Text = Text::Optional,
    }
}

/// Reads the table, and checks the files. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, base: &Path) -> Option<TlsFiles> {
    let certificate = r.text(&KEYS.certificate);
    let key = r.text(&KEYS.key);
    let client_ca = r.text(&KEYS.client_ca).map(|path| base.join(path));
    let files = certificate.zip(key).map(|(certificate, key)| TlsFiles {
        certificate: base.join(certificate),
        key: base.join(key),
        client_ca,
    });
    if let Some(files) = &files
        && let Err(problems) = files.check()
    {
        for problem in problems {
            r.problem(problem.key, problem.text);
        }
    }
    r.finish(&TlsKeys::described());
    files
}

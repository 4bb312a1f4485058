//! The `[tls]` table: the files of the listener's certificate.

use std::path::Path;

use super::reader::Reader;
use crate::tls::TlsFiles;

/// Reads the table, and checks the files. Relative paths start at `base`.
pub(super) fn read(mut r: Reader, base: &Path) -> Option<TlsFiles> {
    let certificate = r.required_text("certificate");
    let key = r.required_text("key");
    let client_ca = r.text("client_ca").map(|path| base.join(path));
    let files = certificate.zip(key).map(|(certificate, key)| TlsFiles {
        certificate: base.join(certificate),
        key: base.join(key),
        client_ca,
    });
    if let Some(files) = &files
        && let Err(problems) = files.server_config(&files.read())
    {
        for problem in problems {
            r.problem(problem.key, problem.text);
        }
    }
    r.finish();
    files
}

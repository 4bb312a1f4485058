//! The signing keys of the local issuers and of the demo's providers: an Ed25519 key and its public
//! key set for each name, as files in the data folder.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

/// Why a key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The data folder has no such key.
    #[error("there are no local issuers in {0}: run `identity-link dev` with this folder first")]
    Missing(PathBuf),
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The cryptography library refuses.
    #[error("a key cannot be made or used: {0}")]
    Crypto(String),
}

/// The folder of the key files, relative to the data folder.
pub(crate) const KEYS_DIR: &str = "issuers";

/// The file name of a public key set.
pub(crate) fn jwks_name(name: &str) -> String {
    format!("{name}.jwks.json")
}

fn private_key_file(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join(KEYS_DIR).join(format!("{name}.pk8"))
}

fn jwks_file(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join(KEYS_DIR).join(jwks_name(name))
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    |error| KeyError::File(path, error)
}

/// Makes the key of this name if it is missing, and writes its public key set.
///
/// # Errors
/// If the key cannot be made, or a file cannot be read or written.
pub(crate) fn ensure(data_dir: &Path, name: &str) -> Result<(), KeyError> {
    let dir = data_dir.join(KEYS_DIR);
    DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(file_error(&dir))?;
    let private = private_key_file(data_dir, name);
    if !private.exists() {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|error| KeyError::Crypto(error.to_string()))?;
        write_whole(&private, pkcs8.as_ref())?;
    }
    let pkcs8 = fs::read(&private).map_err(file_error(&private))?;
    let pair =
        Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|error| KeyError::Crypto(error.to_string()))?;
    let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
    let jwk =
        json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": name, "x": x});
    let public = jwks_file(data_dir, name);
    fs::write(&public, json!({"keys": [jwk]}).to_string()).map_err(file_error(&public))
}

/// Writes a file that only its owner can read. It is written under another name and renamed, so it
/// is complete or missing.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), KeyError> {
    let unfinished = path.with_extension("pk8.new");
    // An earlier start may have been stopped between the two steps.
    let _ = fs::remove_file(&unfinished);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(file_error(&unfinished))?;
    fs::rename(&unfinished, path).map_err(file_error(path))
}

/// The public key set of this name, as JSON.
///
/// # Errors
/// If its file cannot be read.
pub(crate) fn jwks(data_dir: &Path, name: &str) -> Result<Vec<u8>, KeyError> {
    let path = jwks_file(data_dir, name);
    fs::read(&path).map_err(file_error(&path))
}

/// Signs a JWT of this `typ` with the key of this name.
///
/// # Errors
/// If there is no such key, or it cannot be used.
pub(crate) fn sign(
    data_dir: &Path,
    name: &str,
    typ: &str,
    claims: &Map<String, Value>,
) -> Result<String, KeyError> {
    let path = private_key_file(data_dir, name);
    let pkcs8 = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyError::Missing(data_dir.to_owned()),
        _ => KeyError::File(path, error),
    })?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    header.kid = Some(name.to_owned());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&pkcs8))
        .map_err(|error| KeyError::Crypto(error.to_string()))
}

/// The time now, in the seconds of a token's claims (RFC 7519 §2, "NumericDate").
pub(crate) fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

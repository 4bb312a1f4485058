//! Secrets that others keep: made at random here, and known again by their hash.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use data_encoding::BASE64URL_NOPAD;

/// The system has no random bytes to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomBytes;

/// 256 random bits.
pub fn random_bytes() -> Result<[u8; 32], NoRandomBytes> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomBytes)?;
    Ok(bytes)
}

/// 256 random bits, as 43 characters that any URL and cookie can hold.
pub fn random_text() -> Result<String, NoRandomBytes> {
    random_bytes().map(|bytes| as_text(&bytes))
}

/// The same characters for bytes that are a secret already.
pub fn as_text(bytes: &[u8; 32]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

//! Secrets that other parties keep: they are random, and recognised by their hash.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use data_encoding::BASE64URL_NOPAD;

/// The operating system has no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomBytes;

/// 256 random bits.
///
/// # Errors
/// If the operating system has no random bytes.
pub fn random_bytes() -> Result<[u8; 32], NoRandomBytes> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomBytes)?;
    Ok(bytes)
}

/// 256 random bits, as 43 characters that fit into any URL and cookie.
///
/// # Errors
/// If the operating system has no random bytes.
pub fn random_text() -> Result<String, NoRandomBytes> {
    random_bytes().map(|bytes| as_text(&bytes))
}

/// The same encoding for bytes that are a secret already.
pub fn as_text(bytes: &[u8; 32]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The SHA-256 hash of the bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

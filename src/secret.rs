//! Secrets: those that other parties keep, which are random and recognised by their hash, and those
//! that an operator keeps in files.

use std::{fmt, io, path::Path};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
    rand,
};
use data_encoding::BASE64URL_NOPAD;

/// The operating system has no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomBytes;

/// A secret that another party shares with this service. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret of this text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a file has no secret. The text follows the name of the file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file cannot be read, or is not UTF-8.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file has no text but white space.
    #[error("is empty")]
    Empty,
}

/// The secret in a file, without the white space at its end, which editors add.
///
/// # Errors
/// [`SecretFileError`].
pub fn read_secret(file: &Path) -> Result<String, SecretFileError> {
    let text = std::fs::read_to_string(file)?;
    match text.trim_end() {
        "" => Err(SecretFileError::Empty),
        secret => Ok(secret.to_owned()),
    }
}

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
/// Whether two texts are the same, in a time that does not depend on where they differ.
pub fn is_same(ours: &str, theirs: &str) -> bool {
    verify_slices_are_equal(ours.as_bytes(), theirs.as_bytes()).is_ok()
}

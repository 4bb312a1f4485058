//! A hash of the records of a file, by which a command that is run again knows that it has the same
//! file.

use aws_lc_rs::digest::{Context, SHA256};

use super::input::Record;

/// A hash of what has been added, in its order.
pub struct Fingerprint(Context);

impl Fingerprint {
    /// Of nothing yet.
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// Adds the next record.
    pub(super) fn add(&mut self, record: &Record) {
        record.each_text(|text| self.add_text(text));
    }

    /// Adds a text. Its length keeps two texts apart from one.
    pub(super) fn add_text(&mut self, text: &str) {
        self.0.update(&text.len().to_le_bytes());
        self.0.update(text.as_bytes());
    }

    /// SHA-256 of all.
    pub(super) fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }
}

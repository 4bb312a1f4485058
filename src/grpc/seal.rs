//! Texts that go to clients and come back: sealed so that nobody can make one up. They are not secret.

use data_encoding::BASE64URL_NOPAD;

use crate::store::TenantKey;

const MAC_BYTES: usize = 16;

/// What a sealed text is good for.
pub(super) struct Seal<'a> {
    key: &'a TenantKey,
    purpose: &'static str,
    context: String,
}

impl<'a> Seal<'a> {
    /// Seals for a purpose, in a context without two NULs in a row.
    pub(super) fn new(key: &'a TenantKey, purpose: &'static str, context: String) -> Self {
        Self { key, purpose, context }
    }

    /// The sealed text, in letters, digits, `-` and `_`.
    pub(super) fn seal(&self, text: &str) -> String {
        let mut sealed = self.mac(text).to_vec();
        sealed.extend_from_slice(text.as_bytes());
        BASE64URL_NOPAD.encode(&sealed)
    }

    /// The text, if it was sealed here for this.
    pub(super) fn open(&self, sealed: &str) -> Option<String> {
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
        let (mac, text) = bytes.split_at_checked(MAC_BYTES)?;
        let text = std::str::from_utf8(text).ok()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &self.mac(text)).ok()?;
        Some(text.to_owned())
    }

    fn mac(&self, text: &str) -> [u8; MAC_BYTES] {
        let full = self.key.mac(self.purpose, format!("{}\0\0{text}", self.context).as_bytes());
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&full[..MAC_BYTES]);
        mac
    }
}

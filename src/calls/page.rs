//! Page tokens: where the next page begins, sealed so that nobody can make one up.

use crate::store::TenantKey;
use data_encoding::BASE64URL_NOPAD;

const MAC_BYTES: usize = 16;
/// What is wrong with a token that opens nothing.
pub const WRONG_TOKEN: &str = "is not one that this question was answered with";

/// What a page token is good for: one question of one tenant.
pub struct Pages<'a> {
    key: &'a TenantKey,
    question: String,
}

impl<'a> Pages<'a> {
    /// Page tokens for a question: the rpc and every field that decides what is on the pages.
    pub fn of(key: &'a TenantKey, rpc: &str, fields: &[&str]) -> Self {
        // No field can hold a NUL, so no two questions look alike.
        Self { key, question: format!("{rpc}\0{}", fields.join("\0")) }
    }

    /// The token of the page after `last`.
    pub fn token_after(&self, last: &str) -> String {
        let mut token = self.mac(last).to_vec();
        token.extend_from_slice(last.as_bytes());
        BASE64URL_NOPAD.encode(&token)
    }

    /// After what the page begins; nothing for the first one. `None` if the token is not ours, or
    /// is for another question.
    pub fn open(&self, token: &str) -> Option<String> {
        if token.is_empty() {
            return Some(String::new());
        }
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (mac, last) = bytes.split_at_checked(MAC_BYTES)?;
        let last = std::str::from_utf8(last).ok()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &self.mac(last)).ok()?;
        Some(last.to_owned())
    }

    fn mac(&self, last: &str) -> [u8; MAC_BYTES] {
        let full = self.key.mac("page token", format!("{}\0\0{last}", self.question).as_bytes());
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&full[..MAC_BYTES]);
        mac
    }
}

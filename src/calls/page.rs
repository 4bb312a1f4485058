//! Page tokens: where the next page begins, authenticated so that no client can forge one.

use data_encoding::BASE64URL_NOPAD;

use crate::store::TenantKey;

const MAC_BYTES: usize = 16;
/// The error text for a token that is not valid for the query.
pub const INVALID_TOKEN: &str = "is not a page token of this query";

/// The scope of a page token: one query of one tenant.
pub struct PageTokens<'a> {
    key: &'a TenantKey,
    query: String,
}

impl<'a> PageTokens<'a> {
    /// The page tokens of a query: the rpc and each field that decides what the pages contain.
    pub fn for_query(key: &'a TenantKey, rpc: &str, fields: &[&str]) -> Self {
        // No field can contain a NUL, so two different queries never have the same text.
        Self { key, query: format!("{rpc}\0{}", fields.join("\0")) }
    }

    /// The token of the page after the entry `last`.
    pub fn token_after(&self, last: &str) -> String {
        let mut token = self.mac(last).to_vec();
        token.extend_from_slice(last.as_bytes());
        BASE64URL_NOPAD.encode(&token)
    }

    /// The entry after which the page begins; empty for the first page. `None` if the token was not
    /// made here, or is for another query.
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
        let full = self.key.mac("page token", format!("{}\0\0{last}", self.query).as_bytes());
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&full[..MAC_BYTES]);
        mac
    }
}

//! A cache of verified bearer tokens: verifying one again costs a hash and a lookup.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use quick_cache::{Weighter, sync::Cache};

use super::VerifiedToken;

/// The size of an entry apart from its token, in bytes.
const ENTRY: u64 = 1024;
/// The capacity of the cache, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// The size of a typical token, in bytes.
const USUAL: usize = 1024;

/// SHA-256 of a whole token. A shorter name would not do: not the key id, not the `jti`, and not
/// the signed text, because the signature is a part of what was verified.
pub(super) type TokenDigest = [u8; 32];

/// Verified tokens, by name.
pub(super) struct VerifiedTokens(Cache<TokenDigest, CachedToken, Size>);

/// A verified token.
#[derive(Clone)]
pub(super) struct CachedToken {
    /// The verified content.
    pub token: Arc<VerifiedToken>,
    /// Its length in bytes.
    pub length: usize,
}

#[derive(Clone)]
struct Size;

impl Weighter<TokenDigest, CachedToken> for Size {
    fn weight(&self, _: &TokenDigest, verified: &CachedToken) -> u64 {
        ENTRY + verified.length as u64
    }
}

impl VerifiedTokens {
    /// An empty cache.
    pub(super) fn new() -> Self {
        let usual_number = usize::try_from(CAPACITY).unwrap_or(usize::MAX) / USUAL;
        Self(Cache::with_weighter(usual_number, CAPACITY, Size))
    }

    /// The number of tokens.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Stores a verified token.
    pub(super) fn insert(&self, name: TokenDigest, verified: CachedToken) {
        self.0.insert(name, verified);
    }

    /// The verified token; `None` if its issuer's keys have changed, or a token with its times would
    /// be refused now: it has expired, or the clock was set back to before it was issued.
    pub(super) fn get(&self, name: &TokenDigest, now: DateTime<Utc>) -> Option<Arc<VerifiedToken>> {
        let verified = self.0.get(name)?;
        if !verified.token.verified_by.is_current().ok()? || !verified.token.is_timely(now) {
            self.0.remove(name);
            return None;
        }
        Some(verified.token)
    }
}

impl std::fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifiedTokens({})", self.0.len())
    }
}

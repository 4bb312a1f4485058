//! Bearer tokens that were verified a moment ago: verifying one again costs a hash and a look-up.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use quick_cache::{Weighter, sync::Cache};

use super::{VerifiedToken, key_set::KeySet, keys::Keys};

/// What an entry takes beside what grows with its token, in bytes.
const ENTRY: u64 = 1024;
/// How much is remembered, in bytes.
const CAPACITY: u64 = 16 * 1024 * 1024;
/// The size of a usual token, in bytes.
const USUAL: usize = 1024;

/// SHA-256 of a token as it came. Nothing shorter names a verdict: not the key id, not `jti`, not
/// what was signed, for the signature is part of what was judged.
pub(super) type TokenName = [u8; 32];

/// Tokens that were verified, by name.
pub(super) struct VerifiedTokens(Cache<TokenName, Verified, Size>);

/// A token, and what its verdict rests on.
#[derive(Clone)]
pub(super) struct Verified {
    /// What it says.
    pub token: Arc<VerifiedToken>,
    /// Its length in bytes.
    pub length: usize,
    /// Its issuer's keys.
    pub issuer_keys: Arc<Keys>,
    /// Those of them that it was verified with.
    pub verified_with: Arc<KeySet>,
}

#[derive(Clone)]
struct Size;

impl Weighter<TokenName, Verified> for Size {
    fn weight(&self, _: &TokenName, verified: &Verified) -> u64 {
        ENTRY + verified.length as u64
    }
}

impl VerifiedTokens {
    /// None yet.
    pub(super) fn new() -> Self {
        let usual_number = usize::try_from(CAPACITY).unwrap_or(usize::MAX) / USUAL;
        Self(Cache::with_weighter(usual_number, CAPACITY, Size))
    }

    /// Remembers a verdict.
    pub(super) fn insert(&self, name: TokenName, verified: Verified) {
        self.0.insert(name, verified);
    }

    /// The verdict on a token, unless it has expired since, or its issuer's keys are others now.
    pub(super) fn get(&self, name: &TokenName, now: DateTime<Utc>) -> Option<Arc<VerifiedToken>> {
        let verified = self.0.get(name)?;
        let keys = verified.issuer_keys.current().ok()?;
        if verified.token.has_expired(now) || !Arc::ptr_eq(&keys, &verified.verified_with) {
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

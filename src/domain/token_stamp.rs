//! What the rules know of a token: when it was issued, and its name.

use chrono::{DateTime, SubsecRound as _, Utc};

/// Names a token: SHA-256 of its issuer and `jti`, or of the signed text.
pub type TokenHash = [u8; 32];

/// The facts about a token that the rules need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenStamp {
    /// When it was issued, in whole seconds.
    pub issued_at: DateTime<Utc>,
    /// The hash that names the token.
    pub hash: TokenHash,
}

/// Compares in whole seconds, since token times are whole seconds (RFC 7519 §2).
pub(super) fn is_before(issued_at: DateTime<Utc>, time: DateTime<Utc>) -> bool {
    issued_at < time.trunc_subsecs(0)
}

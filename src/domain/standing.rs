//! What is known of the user behind a token or a named id, before its row is locked.

use chrono::{DateTime, Utc};

use super::{
    UserId,
    user::{Absorbed, Moved, is_before},
};

/// What is known of the user behind a token or a named id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The user that was named, or that owned the identity.
    pub named: UserId,
    /// The live user that holds it now; `named` itself unless that was absorbed.
    pub holder: UserId,
    /// Whether the holder is blocked.
    pub blocked: bool,
    /// The latest of what the named user, its holder and the home of the named identity demand of the token that was
    /// asked about, and of the end of the second in which whoever had this name before was deleted.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// The same of what the named user and its holder demand of tokens that write.
    pub writes_valid_from: Option<DateTime<Utc>>,
    /// How the named identity came to its owner.
    pub moved: Option<Moved>,
    /// When the named user was created.
    pub create_time: DateTime<Utc>,
    /// The absorption of the named user, if there was one.
    pub absorbed: Option<Absorbed>,
    /// For one that was named by its id: whether an identity at which people sign in, by today's configuration, is
    /// with its holder that is its own, or came with it if it was absorbed. Else the id resolves, and is nobody's
    /// way in. True where an identity was named: that has its own provider.
    pub has_identity: bool,
}

impl Standing {
    /// Whether tokens issued at `issued_at` have been withdrawn.
    pub fn has_withdrawn_tokens_of(&self, issued_at: DateTime<Utc>) -> bool {
        self.tokens_valid_from.is_some_and(|from| is_before(issued_at, from))
    }

    /// Whether a token issued at `issued_at` only reads: what it names came to the holder after that, or another
    /// identity has proved an address since. A user id token of the very second of the link counts as older: signing
    /// in again is cheap.
    pub fn only_reads(&self, issued_at: DateTime<Utc>) -> bool {
        self.absorbed.as_ref().is_some_and(|absorbed| issued_at <= absorbed.time)
            || self.moved.is_some_and(|moved| moved.is_after(issued_at))
            || self.writes_valid_from.is_some_and(|from| is_before(issued_at, from))
    }
}

//! The state of the user that a token or a named id refers to, read before its row is locked.

use chrono::{DateTime, Utc};

use super::{Absorbed, Moved, UserId, token_stamp::is_before};

/// The state of the user that a token or a named id refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserState {
    /// The user that was named, or that owned the identity.
    pub named: UserId,
    /// The live user that holds it now; equal to `named` unless that user was absorbed.
    pub holder: UserId,
    /// Whether the holder is blocked.
    pub blocked: bool,
    /// Tokens issued before this second are withdrawn. It is the latest of the bounds of the named
    /// user, its holder and the named identity's origin user for the token in question, of the named
    /// identity itself, and of the end of the second in which a former user of this name was deleted.
    pub tokens_valid_from: Option<DateTime<Utc>>,
    /// Tokens issued before this second only read: the bound of the named user and its holder,
    /// except for the identity whose proof set it.
    pub writes_valid_from: Option<DateTime<Utc>>,
    /// How the named identity moved to its owner; `None` if it did not.
    pub moved: Option<Moved>,
    /// When the named user was created.
    pub create_time: DateTime<Utc>,
    /// The absorption of the named user; `None` if it is live.
    pub absorbed: Option<Absorbed>,
    /// For a user named by its id: whether its holder has an identity that was this user's own, or
    /// came with it, and whose provider can sign in by today's configuration. Without one, the id
    /// still resolves, but signs no caller in. True where an identity was named, which has its own
    /// provider.
    pub has_identity: bool,
}

impl UserState {
    /// Whether tokens issued at `issued_at` have been withdrawn.
    pub fn has_withdrawn_tokens_of(&self, issued_at: DateTime<Utc>) -> bool {
        self.tokens_valid_from.is_some_and(|from| is_before(issued_at, from))
    }

    /// Whether a token issued at `issued_at` only reads: the user or identity that it names moved
    /// to the holder later, or another identity has proved an address since. A user id token issued
    /// in the second of the link counts as older: signing in again is cheap. One that names an alias
    /// counts as older whenever it was issued: an import brought the name, and no issuer of the
    /// tenant should still use it.
    pub fn only_reads(&self, issued_at: DateTime<Utc>) -> bool {
        self.absorbed
            .as_ref()
            .is_some_and(|absorbed| absorbed.alias_of().is_some() || issued_at <= absorbed.time)
            || self.moved.is_some_and(|moved| moved.is_after(issued_at))
            || self.writes_valid_from.is_some_and(|from| is_before(issued_at, from))
    }
}

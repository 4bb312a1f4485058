//! Why a caller is turned away.

use crate::domain::Refusal;

/// Why a caller may not do what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The call carries no bearer token.
    TokenMissing,
    /// The token was not accepted. The cause is for the log, never for the caller, whom it would
    /// teach what to forge next.
    TokenInvalid(&'static str),
    /// A good token without what this call needs: the scope, or what only services may do.
    ScopeInsufficient(String),
    /// A user token named a user other than its own. The same whether or not that user exists.
    NotYourUser,
    /// The sign-in behind the token is too old for this call.
    ReauthenticationRequired,
    /// The caller's own user is blocked.
    CallerBlocked,
    /// The issuer's keys cannot be had: the token was not judged.
    KeysUnavailable,
    /// The caller is fine; what it names is not.
    Refused(Refusal),
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

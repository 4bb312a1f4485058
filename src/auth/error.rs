//! Why a caller is refused.

use crate::domain::DomainError;

/// Why a caller may not make a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthError {
    /// The call has no bearer token.
    TokenMissing,
    /// The token was not accepted. The cause is for the log and is never sent to the caller: it
    /// would help to forge the next token.
    TokenInvalid(&'static str),
    /// A valid token without what this call needs: the scope, or the role of a service.
    ScopeInsufficient(String),
    /// A user token named a user other than its own. The response is the same whether or not that
    /// user exists.
    NotYourUser,
    /// The sign-in behind the token is too old for this call.
    ReauthenticationRequired,
    /// The caller's own user is blocked.
    CallerBlocked,
    /// The issuer's keys are unavailable, so the token was not judged.
    KeysUnavailable,
    /// The caller may call, and the rules refuse the user or identity that the call names.
    Domain(DomainError),
}

impl From<DomainError> for AuthError {
    fn from(refusal: DomainError) -> Self {
        Self::Domain(refusal)
    }
}

//! Why the rules refuse a call.

use super::Violation;

/// Why the rules refused a call. Each refusal has one status code and one stable reason, which the
/// transport assigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainError {
    /// Fields are invalid, independently of what is stored. The list is complete.
    Invalid(Vec<Violation>),
    /// Another request has the same request id.
    RequestIdReused,
    /// Both sides of a link are the same identity or user.
    SameUser,
    /// The second token is not a valid proof: invalid, too old, or used before.
    LinkTokenInvalid(LinkTokenProblem),
    /// The ticket is not a valid proof: its account has another owner now, it is for another user,
    /// too old, or used before.
    LinkTicketInvalid,
    /// The attempt or ticket that continues a sign-in is unusable: unknown, another caller's, too
    /// old, or used before.
    SignInInvalid,
    /// No user signs in at this provider.
    ProviderDisabled,
    /// The tenant's configuration does not declare the provider, or declares no client there for a
    /// flow.
    ProviderUnknown,
    /// The provider refused the code, or its response is not valid.
    ProviderRejected,
    /// The provider cannot be reached.
    ProviderUnavailable,
    /// No token of the provider is kept for the identity, or it can be refreshed no longer.
    ProviderTokenGone,
    /// The provider's token lacks these scopes.
    ProviderScopesMissing(Vec<String>),
    /// The provider's logout tokens and security events are not accepted.
    ProviderEventsOff,
    /// The logout token or security event token is refused.
    EventTokenInvalid(EventTokenProblem),
    /// The provider sent no email, and a first sign-in must have one.
    EmailMissing,
    /// No trusted provider has verified the email, and a first sign-in must have a verified one.
    EmailUnverified,
    /// The account would become a new user, and the tenant creates none by sign-in.
    RegistrationClosed,
    /// The two users share no email that is verified on both sides.
    EmailNotShared,
    /// The tenant has no such user.
    UserNotFound,
    /// The tenant, or this user, has no such identity.
    IdentityNotFound,
    /// The tenant has no such link.
    LinkNotFound,
    /// A write names a user that was absorbed.
    UserAbsorbed,
    /// The user of the call is blocked.
    UserBlocked,
    /// The identity belongs to a user already.
    IdentityTaken,
    /// The requested user id is in use.
    UserExists,
    /// The identity is the last one that can sign in.
    LastIdentity,
    /// The identity is the primary one. Another identity must become primary first.
    PrimaryIdentity,
    /// The link cannot be undone now, for this reason.
    LinkNotUndoable(&'static str),
    /// The user would own more than [`super::linking::MAX_IDENTITIES`].
    TooManyIdentities,
    /// The strategy forbids conflicts, and the merge has these: each as `namespace` + JSON Pointer.
    MetadataConflict(Vec<String>),
    /// The merged metadata would have this many bytes in this namespace.
    MetadataTooLarge {
        /// `user_metadata` or `app_metadata`.
        namespace: &'static str,
        /// The size that the result would have, in bytes.
        bytes: usize,
    },
    /// The user to delete has absorbed other users.
    AbsorbedUsersExist,
    /// A user does not have the version that the caller expected.
    VersionMismatch,
    /// The position does not belong to this feed.
    PositionInvalid,
    /// Events after the position have been purged.
    PositionExpired {
        /// The oldest position after which all events are kept, in the form in which clients hold
        /// it.
        oldest: String,
    },
    /// The tenant has no such operation.
    OperationNotFound,
    /// The operation has not ended.
    OperationUnfinished,
    /// The search did not succeed, so its plan is not whole.
    PlanIncomplete,
    /// The tenant has as many operations that have not ended as it may have.
    TooManyOperations,
    /// Other writers repeatedly changed the same users.
    ConflictRetry,
    /// A call with the same request id is still running.
    CallUnderWay,
}

/// Why a token is no proof for a link. All values but [`LinkTokenProblem::Invalid`] are returned
/// for valid tokens only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTokenProblem {
    /// It is not a valid proof, for any reason.
    Invalid,
    /// It is not signed with RS256, and its issuer's tokens must be.
    Algorithm,
    /// Its issuer is not the caller's, and must be.
    Issuer,
    /// It is not issued for the calling client, and must be.
    Audience,
}

/// Why a logout token or a security event token is refused. All values but
/// [`EventTokenProblem::Invalid`] are returned for tokens with the provider's signature only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTokenProblem {
    /// It is not valid, for any reason.
    Invalid,
    /// The logout token names a session and no account.
    SessionOnly,
    /// An event names its account in another way than by issuer and subject.
    SubjectFormat,
    /// An event is about an account of another issuer.
    SubjectIssuer,
    /// Another token with its `jti` was carried out.
    JtiReused,
}

impl EventTokenProblem {
    /// What is wrong, in a sentence that says what to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Invalid => {
                "the token was not accepted: send a new one of this provider, for this client"
            }
            Self::SessionOnly => {
                "the logout token names only a session: have the provider send sub in it"
            }
            Self::SubjectFormat => {
                "an event names its account in another format than iss_sub: have the provider send iss and sub"
            }
            Self::SubjectIssuer => {
                "an event is about an account of another issuer: send only events of this provider's accounts"
            }
            Self::JtiReused => {
                "another token with this jti was accepted before: give each token a jti of its own"
            }
        }
    }
}

impl DomainError {
    /// A refusal for one wrong field.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }
}

/// Refuses a write if the caller expected another version.
///
/// # Errors
/// [`DomainError::VersionMismatch`].
pub fn expect_version(expected: Option<i64>, actual: i64) -> Result<(), DomainError> {
    match expected {
        Some(expected) if expected != actual => Err(DomainError::VersionMismatch),
        _ => Ok(()),
    }
}

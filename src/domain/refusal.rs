//! Why the rules refuse a call.

use super::Violation;

/// Why a call was refused, in the words of the rules. Each has one status code and one
/// stable reason; the transport says which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Fields are wrong whatever the state: all of them.
    Invalid(Vec<Violation>),
    /// The id of the request is another request's.
    RequestIdReused,
    /// Both sides of a link are the same identity or user.
    SameUser,
    /// The second token does not hold as a proof: wrong, too old, or used before.
    LinkTokenInvalid(LinkTokenProblem),
    /// The ticket does not hold as a proof: of somebody else, for somebody else, too old, or used before.
    LinkTicketInvalid,
    /// What a sign-in goes on with is not there: wrong, of somebody else, too old, or used before.
    SignInInvalid,
    /// Nobody signs in at this provider.
    ProviderDisabled,
    /// The tenant's configuration does not name such a provider, or no client there where a flow is to begin.
    ProviderUnknown,
    /// The provider does not accept what came back from it, or its answer does not hold.
    ProviderRejected,
    /// The provider cannot be asked.
    ProviderUnavailable,
    /// The provider tells no email, and a newcomer has to have one.
    EmailMissing,
    /// The email is not verified by a provider that is trusted with it, and a newcomer's has to be.
    EmailUnverified,
    /// The account would be a new user, and the tenant takes none by signing in.
    RegistrationClosed,
    /// The two users share no email that is verified on both sides.
    EmailNotShared,
    /// No such user here.
    UserNotFound,
    /// No such identity here, or not on this user.
    IdentityNotFound,
    /// No such link here.
    LinkNotFound,
    /// A write names a user that was absorbed.
    UserAbsorbed,
    /// The user that the call is about is blocked.
    UserBlocked,
    /// The identity belongs to a user already.
    IdentityTaken,
    /// The wanted user id is in use.
    UserExists,
    /// The last identity that can sign in stays.
    LastIdentity,
    /// The primary identity stays until another is primary.
    PrimaryIdentity,
    /// The link cannot be undone as it is, and why.
    LinkNotUndoable(&'static str),
    /// The user would own more than [`super::linking::MAX_IDENTITIES`].
    TooManyIdentities,
    /// A merge that must not decide conflicts met some: `namespace` + JSON Pointer of each.
    MetadataConflict(Vec<String>),
    /// The merged metadata would have this many bytes in this namespace.
    MetadataTooLarge {
        /// `user_metadata` or `app_metadata`.
        namespace: &'static str,
        /// The size that the result would have.
        bytes: usize,
    },
    /// The user to delete has absorbed others.
    AbsorbedUsersExist,
    /// A user has not the version that the caller expected.
    VersionMismatch,
    /// The position is none of this feed.
    PositionInvalid,
    /// Events behind the position are kept no longer.
    PositionExpired {
        /// The oldest position behind which all are kept, as clients keep it.
        oldest: String,
    },
    /// Other writers kept changing the same users.
    ConflictRetry,
    /// This very request is still being carried out.
    CallUnderWay,
}

/// Why a token proves nothing for a link. What is not [`LinkTokenProblem::Invalid`] is told of good tokens only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTokenProblem {
    /// It is no good as a proof, for whatever reason.
    Invalid,
    /// It is not signed with RS256, where its issuer's tokens must be.
    Algorithm,
    /// Its issuer is not the caller's, where it must be.
    Issuer,
    /// It is not for the client that calls, where it must be.
    Audience,
}

impl Refusal {
    /// A refusal for one wrong field.
    pub fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(field, description)])
    }
}

/// Refuses a write that expected another version.
pub fn expect_version(expected: Option<i64>, actual: i64) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != actual => Err(Refusal::VersionMismatch),
        _ => Ok(()),
    }
}

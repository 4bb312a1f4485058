// Written by clients/generate from the protos. Do not edit.

//! The reasons of refusals.

use std::fmt;

/// Why the server refused a call. It is stable and meant for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// UNAUTHENTICATED: the call has no bearer token.
    TokenMissing,
    /// UNAUTHENTICATED: the bearer token is not accepted, an unlink withdrew it, or its
    /// user cannot sign in. A user cannot sign in if the token names an account at a
    /// provider that is disabled, link-only or not declared, or the id of a user who has
    /// no other accounts. One text for all causes.
    TokenInvalid,
    /// PERMISSION_DENIED: the token is valid but lacks the scope that this call needs.
    ScopeInsufficient,
    /// PERMISSION_DENIED: a user token names a user other than its own, or a request id
    /// whose response concerns a user that is no longer its own.
    NotYourUser,
    /// PERMISSION_DENIED: the sign-in behind the token is too old for this call; or the
    /// token's account moved to its present user after the token was issued, or was added
    /// with an old sign-in. Sign in again, with an account that the user had before, and
    /// repeat the call.
    ReauthenticationRequired,
    /// INVALID_ARGUMENT: fields are wrong in any state of the data.
    /// `google.rpc.BadRequest` lists all of them, up to 4 KiB. A last entry without a
    /// field says that there are more.
    RequestInvalid,
    /// INVALID_ARGUMENT: both sides have one name: the same identity, or the same user id. In
    /// MergeMetadata, both are one user. `Link` by another name of the same user is no error:
    /// it returns OUTCOME_ALREADY_LINKED.
    SameUser,
    /// FAILED_PRECONDITION: `link_with` is not accepted as a proof. The client can get a new
    /// token by a new sign-in if this one is older than ten minutes, was used before, comes
    /// from an older sign-in, or is older than an unlink, a deletion or a move of the
    /// account. An operator has to act if the issuer has no `link_with` table, its audiences
    /// or types differ, or the provider is disabled or not declared. One text for all causes;
    /// the server logs the cause at debug.
    LinkTokenInvalid,
    /// FAILED_PRECONDITION: the request sets `require_shared_verified_email`, and the two
    /// users share no email that is verified on both sides.
    EmailNotShared,
    /// NOT_FOUND: no such user in the caller's tenant.
    UserNotFound,
    /// NOT_FOUND: no such identity in the caller's tenant, or not on this user.
    IdentityNotFound,
    /// NOT_FOUND: no such link in the caller's tenant.
    LinkNotFound,
    /// FAILED_PRECONDITION: the named user is absorbed. Resolve the id and write to the
    /// live user.
    UserAbsorbed,
    /// FAILED_PRECONDITION: the user is blocked. PERMISSION_DENIED if that user is the
    /// caller itself.
    UserBlocked,
    /// ALREADY_EXISTS: the identity already belongs to a user.
    IdentityTaken,
    /// ALREADY_EXISTS: the requested user id is in use.
    UserExists,
    /// FAILED_PRECONDITION: the last identity that can sign in cannot be unlinked.
    LastIdentity,
    /// FAILED_PRECONDITION: the primary identity cannot be unlinked. Make another identity
    /// primary first.
    PrimaryIdentity,
    /// FAILED_PRECONDITION: the user would hold more than 100 identities, the maximum.
    TooManyIdentities,
    /// FAILED_PRECONDITION: the request sets CONFLICT_FAIL and the merge found conflicts.
    /// `google.rpc.PreconditionFailure` lists their paths, up to 4 KiB. A last entry
    /// without a subject says that there are more.
    MetadataConflict,
    /// FAILED_PRECONDITION: the merged metadata would be larger than 16 KiB.
    MetadataTooLarge,
    /// ABORTED: an expected version differs. Read again and decide again.
    VersionMismatch,
    /// ABORTED: other writers kept changing the same users, or the same call is still in
    /// progress. Repeat the call.
    ConflictRetry,
    /// RESOURCE_EXHAUSTED: the server is at capacity. Repeat the call after the delay in
    /// `google.rpc.RetryInfo`.
    Overloaded,
    /// UNAVAILABLE: the server cannot reach the database, or the database takes no writes.
    /// Nothing was changed.
    StoreUnavailable,
    /// UNAVAILABLE: the server cannot get the issuer's keys. The token was not judged.
    KeysUnavailable,
    /// UNAVAILABLE: the database connection was lost during the commit. The change may or
    /// may not have been made: repeat it under its `request_id`, or read first.
    CommitUnknown,
    /// FAILED_PRECONDITION: the user has absorbed others, and the request does not set
    /// `include_absorbed`.
    AbsorbedUsersExist,
    /// INTERNAL: a fault of the server, which it logged.
    Internal,
    /// DEADLINE_EXCEEDED: there was no response before the deadline of the call, or within
    /// the server's maximum for any call. A change may have been made, or may still be
    /// made: read before you repeat it. A stream ends with it too whose client neither sends
    /// nor takes a message for too long.
    Deadline,
    /// INVALID_ARGUMENT: another request was made under this `request_id`. Create a new id
    /// for each request.
    RequestIdReused,
    /// FAILED_PRECONDITION: the link cannot be undone. The text says what prevents it.
    LinkNotUndoable,
    /// INVALID_ARGUMENT: the position does not belong to this feed. It is invented, from
    /// another tenant or database, or from a time before the database was restored to an
    /// earlier state. List the users again, and continue from there.
    PositionInvalid,
    /// OUT_OF_RANGE: events after the position are no longer kept. The metadata of
    /// ErrorInfo has the `oldest_position` from which they are. List the users again. For
    /// ExportUsers also: users were imported after the position, and there is no
    /// `oldest_position`. Export all users.
    PositionExpired,
    /// UNAVAILABLE: the server is stopping. Call again to reach another one.
    ServerStopping,
    /// UNAVAILABLE: a watch ends after ten minutes, so that the caller's permission is
    /// checked again, and at once if the issuer's keys change, or the configuration in a
    /// way that may concern permissions. Call again, with the last position. A call of
    /// TransferService ends with it at such a change alone: send the same again.
    WatchExpired,
    /// FAILED_PRECONDITION: `link_ticket` is not accepted as a proof. It is not for this
    /// user, not for a link, older than ten minutes, used before, or outdated by a change
    /// of what the users hold. One text for all causes.
    LinkTicketInvalid,
    /// FAILED_PRECONDITION: the sign-in cannot continue. It is unknown, another caller's,
    /// older than ten minutes, used before, or outdated by a change of the account's
    /// holder. One text for all causes.
    SignInInvalid,
    /// FAILED_PRECONDITION: the provider sent no email, and the operator requires one of
    /// new users.
    EmailMissing,
    /// FAILED_PRECONDITION: no provider that is trusted with the email has verified it,
    /// and the operator requires that of new users.
    EmailUnverified,
    /// FAILED_PRECONDITION: the provider is disabled, or is link-only and the call is a
    /// sign-in.
    ProviderDisabled,
    /// FAILED_PRECONDITION: the provider rejected the code, its response is not valid, or
    /// the person declined there. Start the sign-in again.
    ProviderRejected,
    /// UNAVAILABLE: the provider cannot be reached. Repeat the call under its
    /// `request_id`, or start the sign-in again later.
    ProviderUnavailable,
    /// NOT_FOUND: the configuration of the caller's tenant does not name this provider.
    /// For StartSignIn and CompleteSignIn also: no sign-in can start there.
    ProviderUnknown,
    /// FAILED_PRECONDITION: the account that signs in belongs to no user, no email
    /// identifies a user for it, and the operator lets no sign-in create a user.
    RegistrationClosed,
    /// RESOURCE_EXHAUSTED: the caller has made as many calls of this class as the operator
    /// allows it. Nothing was changed. Repeat the call after the delay in
    /// `google.rpc.RetryInfo`. The metadata of ErrorInfo has the `class` (`reads`,
    /// `writes` or `sign_ins`) and the `limit`, such as `100/s`.
    RateLimited,
    /// UNIMPLEMENTED: the server has no rpc at this path.
    RpcUnknown,
    /// UNIMPLEMENTED: the message is compressed. The server accepts only messages that are
    /// not.
    EncodingUnsupported,
    /// OUT_OF_RANGE: the message is larger than the server reads. That is 2 MiB, for rpcs
    /// of SignInService 128 KiB, and 4 KiB for rpcs of EventService, for those of
    /// `google.longrunning.Operations` and for calls that need no token. Also: all rows of
    /// an import are longer than the operator allows.
    MessageTooLarge,
    /// NOT_FOUND: the tenant has no such operation, or it was forgotten: 30 days after
    /// its end, or when a caller deleted it.
    OperationNotFound,
    /// FAILED_PRECONDITION: the operation has not ended. Wait for it, or cancel it.
    OperationUnfinished,
    /// CANCELLED: the `error` of an operation that a caller cancelled. What it did before
    /// stays, and `metadata` counts it.
    OperationCancelled,
    /// FAILED_PRECONDITION: the search of this operation did not succeed, so its plan is not
    /// whole. Search again.
    PlanIncomplete,
    /// FAILED_PRECONDITION: the tenant has as many operations that have not ended as it may
    /// have, 100. Wait for some, or cancel them.
    TooManyOperations,
    /// FAILED_PRECONDITION: no token of the provider is kept for the identity: no flow has
    /// brought one, it has expired without a refresh token, or its grant has ended. Start a
    /// flow at the provider again, with `prompt` `consent` where it needs that for a refresh
    /// token.
    ProviderTokenGone,
    /// FAILED_PRECONDITION: the provider's token lacks scopes of the request.
    /// `google.rpc.PreconditionFailure` lists them. Start a link at the provider with these
    /// `scopes`.
    ProviderScopesMissing,
    /// FAILED_PRECONDITION: the operator has not set that logout tokens and security event
    /// tokens of this provider are accepted (`events`).
    ProviderEventsOff,
    /// INVALID_ARGUMENT: the logout token or the security event token is not valid, is too
    /// old, or is about no account of this provider. If the provider's signature is good,
    /// the message says what is wrong. Sending it again does not help.
    EventTokenInvalid,
}

impl Reason {
    /// All that this version knows. A newer server may send others.
    pub const ALL: [Self; 58] = [
        Self::TokenMissing,
        Self::TokenInvalid,
        Self::ScopeInsufficient,
        Self::NotYourUser,
        Self::ReauthenticationRequired,
        Self::RequestInvalid,
        Self::SameUser,
        Self::LinkTokenInvalid,
        Self::EmailNotShared,
        Self::UserNotFound,
        Self::IdentityNotFound,
        Self::LinkNotFound,
        Self::UserAbsorbed,
        Self::UserBlocked,
        Self::IdentityTaken,
        Self::UserExists,
        Self::LastIdentity,
        Self::PrimaryIdentity,
        Self::TooManyIdentities,
        Self::MetadataConflict,
        Self::MetadataTooLarge,
        Self::VersionMismatch,
        Self::ConflictRetry,
        Self::Overloaded,
        Self::StoreUnavailable,
        Self::KeysUnavailable,
        Self::CommitUnknown,
        Self::AbsorbedUsersExist,
        Self::Internal,
        Self::Deadline,
        Self::RequestIdReused,
        Self::LinkNotUndoable,
        Self::PositionInvalid,
        Self::PositionExpired,
        Self::ServerStopping,
        Self::WatchExpired,
        Self::LinkTicketInvalid,
        Self::SignInInvalid,
        Self::EmailMissing,
        Self::EmailUnverified,
        Self::ProviderDisabled,
        Self::ProviderRejected,
        Self::ProviderUnavailable,
        Self::ProviderUnknown,
        Self::RegistrationClosed,
        Self::RateLimited,
        Self::RpcUnknown,
        Self::EncodingUnsupported,
        Self::MessageTooLarge,
        Self::OperationNotFound,
        Self::OperationUnfinished,
        Self::OperationCancelled,
        Self::PlanIncomplete,
        Self::TooManyOperations,
        Self::ProviderTokenGone,
        Self::ProviderScopesMissing,
        Self::ProviderEventsOff,
        Self::EventTokenInvalid,
    ];

    /// The reason as the server names it, such as `IDENTITY_TAKEN`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenMissing => "TOKEN_MISSING",
            Self::TokenInvalid => "TOKEN_INVALID",
            Self::ScopeInsufficient => "SCOPE_INSUFFICIENT",
            Self::NotYourUser => "NOT_YOUR_USER",
            Self::ReauthenticationRequired => "REAUTHENTICATION_REQUIRED",
            Self::RequestInvalid => "REQUEST_INVALID",
            Self::SameUser => "SAME_USER",
            Self::LinkTokenInvalid => "LINK_TOKEN_INVALID",
            Self::EmailNotShared => "EMAIL_NOT_SHARED",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::IdentityNotFound => "IDENTITY_NOT_FOUND",
            Self::LinkNotFound => "LINK_NOT_FOUND",
            Self::UserAbsorbed => "USER_ABSORBED",
            Self::UserBlocked => "USER_BLOCKED",
            Self::IdentityTaken => "IDENTITY_TAKEN",
            Self::UserExists => "USER_EXISTS",
            Self::LastIdentity => "LAST_IDENTITY",
            Self::PrimaryIdentity => "PRIMARY_IDENTITY",
            Self::TooManyIdentities => "TOO_MANY_IDENTITIES",
            Self::MetadataConflict => "METADATA_CONFLICT",
            Self::MetadataTooLarge => "METADATA_TOO_LARGE",
            Self::VersionMismatch => "VERSION_MISMATCH",
            Self::ConflictRetry => "CONFLICT_RETRY",
            Self::Overloaded => "OVERLOADED",
            Self::StoreUnavailable => "STORE_UNAVAILABLE",
            Self::KeysUnavailable => "KEYS_UNAVAILABLE",
            Self::CommitUnknown => "COMMIT_UNKNOWN",
            Self::AbsorbedUsersExist => "ABSORBED_USERS_EXIST",
            Self::Internal => "INTERNAL",
            Self::Deadline => "DEADLINE",
            Self::RequestIdReused => "REQUEST_ID_REUSED",
            Self::LinkNotUndoable => "LINK_NOT_UNDOABLE",
            Self::PositionInvalid => "POSITION_INVALID",
            Self::PositionExpired => "POSITION_EXPIRED",
            Self::ServerStopping => "SERVER_STOPPING",
            Self::WatchExpired => "WATCH_EXPIRED",
            Self::LinkTicketInvalid => "LINK_TICKET_INVALID",
            Self::SignInInvalid => "SIGN_IN_INVALID",
            Self::EmailMissing => "EMAIL_MISSING",
            Self::EmailUnverified => "EMAIL_UNVERIFIED",
            Self::ProviderDisabled => "PROVIDER_DISABLED",
            Self::ProviderRejected => "PROVIDER_REJECTED",
            Self::ProviderUnavailable => "PROVIDER_UNAVAILABLE",
            Self::ProviderUnknown => "PROVIDER_UNKNOWN",
            Self::RegistrationClosed => "REGISTRATION_CLOSED",
            Self::RateLimited => "RATE_LIMITED",
            Self::RpcUnknown => "RPC_UNKNOWN",
            Self::EncodingUnsupported => "ENCODING_UNSUPPORTED",
            Self::MessageTooLarge => "MESSAGE_TOO_LARGE",
            Self::OperationNotFound => "OPERATION_NOT_FOUND",
            Self::OperationUnfinished => "OPERATION_UNFINISHED",
            Self::OperationCancelled => "OPERATION_CANCELLED",
            Self::PlanIncomplete => "PLAN_INCOMPLETE",
            Self::TooManyOperations => "TOO_MANY_OPERATIONS",
            Self::ProviderTokenGone => "PROVIDER_TOKEN_GONE",
            Self::ProviderScopesMissing => "PROVIDER_SCOPES_MISSING",
            Self::ProviderEventsOff => "PROVIDER_EVENTS_OFF",
            Self::EventTokenInvalid => "EVENT_TOKEN_INVALID",
        }
    }

    /// The reason of this name; `None` if this version does not know it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

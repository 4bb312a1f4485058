# Written by clients/generate from the protos. Do not edit.

"""An exception for each stable reason of a refusal."""

from __future__ import annotations

from typing import Final

from .errors import IdentityLinkError


class TokenMissing(IdentityLinkError):
    """UNAUTHENTICATED: the call has no bearer token."""

    REASON = "TOKEN_MISSING"


class TokenInvalid(IdentityLinkError):
    """UNAUTHENTICATED: the bearer token is not accepted, an unlink withdrew it, or its
    user cannot sign in. A user cannot sign in if the token names an account at a
    provider that is disabled, link-only or not declared, or the id of a user who has
    no other accounts. One text for all causes.
    """

    REASON = "TOKEN_INVALID"


class ScopeInsufficient(IdentityLinkError):
    """PERMISSION_DENIED: the token is valid but lacks the scope that this call needs."""

    REASON = "SCOPE_INSUFFICIENT"


class NotYourUser(IdentityLinkError):
    """PERMISSION_DENIED: a user token names a user other than its own, or a request id
    whose response concerns a user that is no longer its own.
    """

    REASON = "NOT_YOUR_USER"


class ReauthenticationRequired(IdentityLinkError):
    """PERMISSION_DENIED: the sign-in behind the token is too old for this call; or the
    token's account moved to its present user after the token was issued, or was added
    with an old sign-in. Sign in again, with an account that the user had before, and
    repeat the call.
    """

    REASON = "REAUTHENTICATION_REQUIRED"


class RequestInvalid(IdentityLinkError):
    """INVALID_ARGUMENT: fields are wrong in any state of the data.
    `google.rpc.BadRequest` lists all of them, up to 4 KiB. A last entry without a
    field says that there are more.
    """

    REASON = "REQUEST_INVALID"


class SameUser(IdentityLinkError):
    """INVALID_ARGUMENT: both sides have one name: the same identity, or the same user id. In
    MergeMetadata, both are one user. `Link` by another name of the same user is no error:
    it returns OUTCOME_ALREADY_LINKED.
    """

    REASON = "SAME_USER"


class LinkTokenInvalid(IdentityLinkError):
    """FAILED_PRECONDITION: `link_with` is not accepted as a proof. The client can get a new
    token by a new sign-in if this one is older than ten minutes, was used before, comes
    from an older sign-in, or is older than an unlink, a deletion or a move of the
    account. An operator has to act if the issuer has no `link_with` table, its audiences
    or types differ, or the provider is disabled or not declared. One text for all causes;
    the server logs the cause at debug.
    """

    REASON = "LINK_TOKEN_INVALID"


class EmailNotShared(IdentityLinkError):
    """FAILED_PRECONDITION: the request sets `require_shared_verified_email`, and the two
    users share no email that is verified on both sides.
    """

    REASON = "EMAIL_NOT_SHARED"


class UserNotFound(IdentityLinkError):
    """NOT_FOUND: no such user in the caller's tenant."""

    REASON = "USER_NOT_FOUND"


class IdentityNotFound(IdentityLinkError):
    """NOT_FOUND: no such identity in the caller's tenant, or not on this user."""

    REASON = "IDENTITY_NOT_FOUND"


class LinkNotFound(IdentityLinkError):
    """NOT_FOUND: no such link in the caller's tenant."""

    REASON = "LINK_NOT_FOUND"


class UserAbsorbed(IdentityLinkError):
    """FAILED_PRECONDITION: the named user is absorbed. Resolve the id and write to the
    live user.
    """

    REASON = "USER_ABSORBED"


class UserBlocked(IdentityLinkError):
    """FAILED_PRECONDITION: the user is blocked. PERMISSION_DENIED if that user is the
    caller itself.
    """

    REASON = "USER_BLOCKED"


class IdentityTaken(IdentityLinkError):
    """ALREADY_EXISTS: the identity already belongs to a user."""

    REASON = "IDENTITY_TAKEN"


class UserExists(IdentityLinkError):
    """ALREADY_EXISTS: the requested user id is in use."""

    REASON = "USER_EXISTS"


class LastIdentity(IdentityLinkError):
    """FAILED_PRECONDITION: the last identity that can sign in cannot be unlinked."""

    REASON = "LAST_IDENTITY"


class PrimaryIdentity(IdentityLinkError):
    """FAILED_PRECONDITION: the primary identity cannot be unlinked. Make another identity
    primary first.
    """

    REASON = "PRIMARY_IDENTITY"


class TooManyIdentities(IdentityLinkError):
    """FAILED_PRECONDITION: the user would hold more than 100 identities, the maximum."""

    REASON = "TOO_MANY_IDENTITIES"


class MetadataConflict(IdentityLinkError):
    """FAILED_PRECONDITION: the request sets CONFLICT_FAIL and the merge found conflicts.
    `google.rpc.PreconditionFailure` lists their paths, up to 4 KiB. A last entry
    without a subject says that there are more.
    """

    REASON = "METADATA_CONFLICT"


class MetadataTooLarge(IdentityLinkError):
    """FAILED_PRECONDITION: the merged metadata would be larger than 16 KiB."""

    REASON = "METADATA_TOO_LARGE"


class VersionMismatch(IdentityLinkError):
    """ABORTED: an expected version differs. Read again and decide again."""

    REASON = "VERSION_MISMATCH"


class ConflictRetry(IdentityLinkError):
    """ABORTED: other writers kept changing the same users, or the same call is still in
    progress. Repeat the call.
    """

    REASON = "CONFLICT_RETRY"


class Overloaded(IdentityLinkError):
    """RESOURCE_EXHAUSTED: the server is at capacity. Repeat the call after the delay in
    `google.rpc.RetryInfo`.
    """

    REASON = "OVERLOADED"


class StoreUnavailable(IdentityLinkError):
    """UNAVAILABLE: the server cannot reach the database, or the database takes no writes.
    Nothing was changed.
    """

    REASON = "STORE_UNAVAILABLE"


class KeysUnavailable(IdentityLinkError):
    """UNAVAILABLE: the server cannot get the issuer's keys. The token was not judged."""

    REASON = "KEYS_UNAVAILABLE"


class CommitUnknown(IdentityLinkError):
    """UNAVAILABLE: the database connection was lost during the commit. The change may or
    may not have been made: repeat it under its `request_id`, or read first.
    """

    REASON = "COMMIT_UNKNOWN"


class AbsorbedUsersExist(IdentityLinkError):
    """FAILED_PRECONDITION: the user has absorbed others, and the request does not set
    `include_absorbed`.
    """

    REASON = "ABSORBED_USERS_EXIST"


class Internal(IdentityLinkError):
    """INTERNAL: a fault of the server, which it logged."""

    REASON = "INTERNAL"


class Deadline(IdentityLinkError):
    """DEADLINE_EXCEEDED: there was no response before the deadline of the call, or within
    the server's maximum for any call. A change may have been made, or may still be
    made: read before you repeat it. A stream ends with it too whose client neither sends
    nor takes a message for too long.
    """

    REASON = "DEADLINE"


class RequestIdReused(IdentityLinkError):
    """INVALID_ARGUMENT: another request was made under this `request_id`. Create a new id
    for each request.
    """

    REASON = "REQUEST_ID_REUSED"


class LinkNotUndoable(IdentityLinkError):
    """FAILED_PRECONDITION: the link cannot be undone. The text says what prevents it."""

    REASON = "LINK_NOT_UNDOABLE"


class PositionInvalid(IdentityLinkError):
    """INVALID_ARGUMENT: the position does not belong to this feed. It is invented, from
    another tenant or database, or from a time before the database was restored to an
    earlier state. List the users again, and continue from there.
    """

    REASON = "POSITION_INVALID"


class PositionExpired(IdentityLinkError):
    """OUT_OF_RANGE: events after the position are no longer kept. The metadata of
    ErrorInfo has the `oldest_position` from which they are. List the users again. For
    ExportUsers also: users were imported after the position, and there is no
    `oldest_position`. Export all users.
    """

    REASON = "POSITION_EXPIRED"


class ServerStopping(IdentityLinkError):
    """UNAVAILABLE: the server is stopping. Call again to reach another one."""

    REASON = "SERVER_STOPPING"


class WatchExpired(IdentityLinkError):
    """UNAVAILABLE: a watch ends after ten minutes, so that the caller's permission is
    checked again, and at once if the issuer's keys change, or the configuration in a
    way that may concern permissions. Call again, with the last position. A call of
    TransferService ends with it at such a change alone: send the same again.
    """

    REASON = "WATCH_EXPIRED"


class LinkTicketInvalid(IdentityLinkError):
    """FAILED_PRECONDITION: `link_ticket` is not accepted as a proof. It is not for this
    user, not for a link, older than ten minutes, used before, or outdated by a change
    of what the users hold. One text for all causes.
    """

    REASON = "LINK_TICKET_INVALID"


class SignInInvalid(IdentityLinkError):
    """FAILED_PRECONDITION: the sign-in cannot continue. It is unknown, another caller's,
    older than ten minutes, used before, or outdated by a change of the account's
    holder. One text for all causes.
    """

    REASON = "SIGN_IN_INVALID"


class EmailMissing(IdentityLinkError):
    """FAILED_PRECONDITION: the provider sent no email, and the operator requires one of
    new users.
    """

    REASON = "EMAIL_MISSING"


class EmailUnverified(IdentityLinkError):
    """FAILED_PRECONDITION: no provider that is trusted with the email has verified it,
    and the operator requires that of new users.
    """

    REASON = "EMAIL_UNVERIFIED"


class ProviderDisabled(IdentityLinkError):
    """FAILED_PRECONDITION: the provider is disabled, or is link-only and the call is a
    sign-in.
    """

    REASON = "PROVIDER_DISABLED"


class ProviderRejected(IdentityLinkError):
    """FAILED_PRECONDITION: the provider rejected the code, its response is not valid, or
    the person declined there. Start the sign-in again.
    """

    REASON = "PROVIDER_REJECTED"


class ProviderUnavailable(IdentityLinkError):
    """UNAVAILABLE: the provider cannot be reached. Repeat the call under its
    `request_id`, or start the sign-in again later.
    """

    REASON = "PROVIDER_UNAVAILABLE"


class ProviderUnknown(IdentityLinkError):
    """NOT_FOUND: the configuration of the caller's tenant does not name this provider.
    For StartSignIn and CompleteSignIn also: no sign-in can start there.
    """

    REASON = "PROVIDER_UNKNOWN"


class RegistrationClosed(IdentityLinkError):
    """FAILED_PRECONDITION: the account that signs in belongs to no user, no email
    identifies a user for it, and the operator lets no sign-in create a user.
    """

    REASON = "REGISTRATION_CLOSED"


class RateLimited(IdentityLinkError):
    """RESOURCE_EXHAUSTED: the caller has made as many calls of this class as the operator
    allows it. Nothing was changed. Repeat the call after the delay in
    `google.rpc.RetryInfo`. The metadata of ErrorInfo has the `class` (`reads`,
    `writes` or `sign_ins`) and the `limit`, such as `100/s`.
    """

    REASON = "RATE_LIMITED"


class RpcUnknown(IdentityLinkError):
    """UNIMPLEMENTED: the server has no rpc at this path."""

    REASON = "RPC_UNKNOWN"


class EncodingUnsupported(IdentityLinkError):
    """UNIMPLEMENTED: the message is compressed. The server accepts only messages that are
    not.
    """

    REASON = "ENCODING_UNSUPPORTED"


class MessageTooLarge(IdentityLinkError):
    """OUT_OF_RANGE: the message is larger than the server reads. That is 2 MiB, for rpcs
    of SignInService 128 KiB, and 4 KiB for rpcs of EventService, for those of
    `google.longrunning.Operations` and for calls that need no token. Also: all rows of
    an import are longer than the operator allows.
    """

    REASON = "MESSAGE_TOO_LARGE"


class OperationNotFound(IdentityLinkError):
    """NOT_FOUND: the tenant has no such operation, or it was forgotten: 30 days after
    its end, or when a caller deleted it.
    """

    REASON = "OPERATION_NOT_FOUND"


class OperationUnfinished(IdentityLinkError):
    """FAILED_PRECONDITION: the operation has not ended. Wait for it, or cancel it."""

    REASON = "OPERATION_UNFINISHED"


class OperationCancelled(IdentityLinkError):
    """CANCELLED: the `error` of an operation that a caller cancelled. What it did before
    stays, and `metadata` counts it.
    """

    REASON = "OPERATION_CANCELLED"


class PlanIncomplete(IdentityLinkError):
    """FAILED_PRECONDITION: the search of this operation did not succeed, so its plan is not
    whole. Search again.
    """

    REASON = "PLAN_INCOMPLETE"


class TooManyOperations(IdentityLinkError):
    """FAILED_PRECONDITION: the tenant has as many operations that have not ended as it may
    have, 100. Wait for some, or cancel them.
    """

    REASON = "TOO_MANY_OPERATIONS"


class ProviderTokenGone(IdentityLinkError):
    """FAILED_PRECONDITION: no token of the provider is kept for the identity: no flow has
    brought one, it has expired without a refresh token, or its grant has ended. Start a
    flow at the provider again, with `prompt` `consent` where it needs that for a refresh
    token.
    """

    REASON = "PROVIDER_TOKEN_GONE"


class ProviderScopesMissing(IdentityLinkError):
    """FAILED_PRECONDITION: the provider's token lacks scopes of the request.
    `google.rpc.PreconditionFailure` lists them. Start a link at the provider with these
    `scopes`.
    """

    REASON = "PROVIDER_SCOPES_MISSING"


class ProviderEventsOff(IdentityLinkError):
    """FAILED_PRECONDITION: the operator has not set that logout tokens and security event
    tokens of this provider are accepted (`events`).
    """

    REASON = "PROVIDER_EVENTS_OFF"


class EventTokenInvalid(IdentityLinkError):
    """INVALID_ARGUMENT: the logout token or the security event token is not valid, is too
    old, or is about no account of this provider. If the provider's signature is good,
    the message says what is wrong. Sending it again does not help.
    """

    REASON = "EVENT_TOKEN_INVALID"


#: The exceptions by their reasons.
BY_REASON: Final[dict[str, type[IdentityLinkError]]] = {
    each.REASON: each
    for each in (
        TokenMissing,
        TokenInvalid,
        ScopeInsufficient,
        NotYourUser,
        ReauthenticationRequired,
        RequestInvalid,
        SameUser,
        LinkTokenInvalid,
        EmailNotShared,
        UserNotFound,
        IdentityNotFound,
        LinkNotFound,
        UserAbsorbed,
        UserBlocked,
        IdentityTaken,
        UserExists,
        LastIdentity,
        PrimaryIdentity,
        TooManyIdentities,
        MetadataConflict,
        MetadataTooLarge,
        VersionMismatch,
        ConflictRetry,
        Overloaded,
        StoreUnavailable,
        KeysUnavailable,
        CommitUnknown,
        AbsorbedUsersExist,
        Internal,
        Deadline,
        RequestIdReused,
        LinkNotUndoable,
        PositionInvalid,
        PositionExpired,
        ServerStopping,
        WatchExpired,
        LinkTicketInvalid,
        SignInInvalid,
        EmailMissing,
        EmailUnverified,
        ProviderDisabled,
        ProviderRejected,
        ProviderUnavailable,
        ProviderUnknown,
        RegistrationClosed,
        RateLimited,
        RpcUnknown,
        EncodingUnsupported,
        MessageTooLarge,
        OperationNotFound,
        OperationUnfinished,
        OperationCancelled,
        PlanIncomplete,
        TooManyOperations,
        ProviderTokenGone,
        ProviderScopesMissing,
        ProviderEventsOff,
        EventTokenInvalid,
    )
}

// Written by clients/generate from the protos. Do not edit.

/** An error for each stable reason of a refusal. */

import { type Failure, IdentityLinkError } from "./errors.js";

/** UNAUTHENTICATED: the call has no bearer token. */
export class TokenMissing extends IdentityLinkError {
  static readonly REASON = "TOKEN_MISSING";

  override get name(): string {
    return "TokenMissing";
  }
}

/**
 * UNAUTHENTICATED: the bearer token is not accepted, an unlink withdrew it, or its
 * user cannot sign in. A user cannot sign in if the token names an account at a
 * provider that is disabled, link-only or not declared, or the id of a user who has
 * no other accounts. One text for all causes.
 */
export class TokenInvalid extends IdentityLinkError {
  static readonly REASON = "TOKEN_INVALID";

  override get name(): string {
    return "TokenInvalid";
  }
}

/** PERMISSION_DENIED: the token is valid but lacks the scope that this call needs. */
export class ScopeInsufficient extends IdentityLinkError {
  static readonly REASON = "SCOPE_INSUFFICIENT";

  override get name(): string {
    return "ScopeInsufficient";
  }
}

/**
 * PERMISSION_DENIED: a user token names a user other than its own, or a request id
 * whose response concerns a user that is no longer its own.
 */
export class NotYourUser extends IdentityLinkError {
  static readonly REASON = "NOT_YOUR_USER";

  override get name(): string {
    return "NotYourUser";
  }
}

/**
 * PERMISSION_DENIED: the sign-in behind the token is too old for this call; or the
 * token's account moved to its present user after the token was issued, or was added
 * with an old sign-in. Sign in again, with an account that the user had before, and
 * repeat the call.
 */
export class ReauthenticationRequired extends IdentityLinkError {
  static readonly REASON = "REAUTHENTICATION_REQUIRED";

  override get name(): string {
    return "ReauthenticationRequired";
  }
}

/**
 * INVALID_ARGUMENT: fields are wrong in any state of the data.
 * `google.rpc.BadRequest` lists all of them, up to 4 KiB. A last entry without a
 * field says that there are more.
 */
export class RequestInvalid extends IdentityLinkError {
  static readonly REASON = "REQUEST_INVALID";

  override get name(): string {
    return "RequestInvalid";
  }
}

/**
 * INVALID_ARGUMENT: both sides have one name: the same identity, or the same user id. In
 * MergeMetadata, both are one user. `Link` by another name of the same user is no error:
 * it returns OUTCOME_ALREADY_LINKED.
 */
export class SameUser extends IdentityLinkError {
  static readonly REASON = "SAME_USER";

  override get name(): string {
    return "SameUser";
  }
}

/**
 * FAILED_PRECONDITION: `link_with` is not accepted as a proof. The client can get a new
 * token by a new sign-in if this one is older than ten minutes, was used before, comes
 * from an older sign-in, or is older than an unlink, a deletion or a move of the
 * account. An operator has to act if the issuer has no `link_with` table, its audiences
 * or types differ, or the provider is disabled or not declared. One text for all causes;
 * the server logs the cause at debug.
 */
export class LinkTokenInvalid extends IdentityLinkError {
  static readonly REASON = "LINK_TOKEN_INVALID";

  override get name(): string {
    return "LinkTokenInvalid";
  }
}

/**
 * FAILED_PRECONDITION: the request sets `require_shared_verified_email`, and the two
 * users share no email that is verified on both sides.
 */
export class EmailNotShared extends IdentityLinkError {
  static readonly REASON = "EMAIL_NOT_SHARED";

  override get name(): string {
    return "EmailNotShared";
  }
}

/** NOT_FOUND: no such user in the caller's tenant. */
export class UserNotFound extends IdentityLinkError {
  static readonly REASON = "USER_NOT_FOUND";

  override get name(): string {
    return "UserNotFound";
  }
}

/** NOT_FOUND: no such identity in the caller's tenant, or not on this user. */
export class IdentityNotFound extends IdentityLinkError {
  static readonly REASON = "IDENTITY_NOT_FOUND";

  override get name(): string {
    return "IdentityNotFound";
  }
}

/** NOT_FOUND: no such link in the caller's tenant. */
export class LinkNotFound extends IdentityLinkError {
  static readonly REASON = "LINK_NOT_FOUND";

  override get name(): string {
    return "LinkNotFound";
  }
}

/**
 * FAILED_PRECONDITION: the named user is absorbed. Resolve the id and write to the
 * live user.
 */
export class UserAbsorbed extends IdentityLinkError {
  static readonly REASON = "USER_ABSORBED";

  override get name(): string {
    return "UserAbsorbed";
  }
}

/**
 * FAILED_PRECONDITION: the user is blocked. PERMISSION_DENIED if that user is the
 * caller itself.
 */
export class UserBlocked extends IdentityLinkError {
  static readonly REASON = "USER_BLOCKED";

  override get name(): string {
    return "UserBlocked";
  }
}

/** ALREADY_EXISTS: the identity already belongs to a user. */
export class IdentityTaken extends IdentityLinkError {
  static readonly REASON = "IDENTITY_TAKEN";

  override get name(): string {
    return "IdentityTaken";
  }
}

/** ALREADY_EXISTS: the requested user id is in use. */
export class UserExists extends IdentityLinkError {
  static readonly REASON = "USER_EXISTS";

  override get name(): string {
    return "UserExists";
  }
}

/** FAILED_PRECONDITION: the last identity that can sign in cannot be unlinked. */
export class LastIdentity extends IdentityLinkError {
  static readonly REASON = "LAST_IDENTITY";

  override get name(): string {
    return "LastIdentity";
  }
}

/**
 * FAILED_PRECONDITION: the primary identity cannot be unlinked. Make another identity
 * primary first.
 */
export class PrimaryIdentity extends IdentityLinkError {
  static readonly REASON = "PRIMARY_IDENTITY";

  override get name(): string {
    return "PrimaryIdentity";
  }
}

/** FAILED_PRECONDITION: the user would hold more than 100 identities, the maximum. */
export class TooManyIdentities extends IdentityLinkError {
  static readonly REASON = "TOO_MANY_IDENTITIES";

  override get name(): string {
    return "TooManyIdentities";
  }
}

/**
 * FAILED_PRECONDITION: the request sets CONFLICT_FAIL and the merge found conflicts.
 * `google.rpc.PreconditionFailure` lists their paths, up to 4 KiB. A last entry
 * without a subject says that there are more.
 */
export class MetadataConflict extends IdentityLinkError {
  static readonly REASON = "METADATA_CONFLICT";

  override get name(): string {
    return "MetadataConflict";
  }
}

/** FAILED_PRECONDITION: the merged metadata would be larger than 16 KiB. */
export class MetadataTooLarge extends IdentityLinkError {
  static readonly REASON = "METADATA_TOO_LARGE";

  override get name(): string {
    return "MetadataTooLarge";
  }
}

/** ABORTED: an expected version differs. Read again and decide again. */
export class VersionMismatch extends IdentityLinkError {
  static readonly REASON = "VERSION_MISMATCH";

  override get name(): string {
    return "VersionMismatch";
  }
}

/**
 * ABORTED: other writers kept changing the same users, or the same call is still in
 * progress. Repeat the call.
 */
export class ConflictRetry extends IdentityLinkError {
  static readonly REASON = "CONFLICT_RETRY";

  override get name(): string {
    return "ConflictRetry";
  }
}

/**
 * RESOURCE_EXHAUSTED: the server is at capacity. Repeat the call after the delay in
 * `google.rpc.RetryInfo`.
 */
export class Overloaded extends IdentityLinkError {
  static readonly REASON = "OVERLOADED";

  override get name(): string {
    return "Overloaded";
  }
}

/**
 * UNAVAILABLE: the server cannot reach the database, or the database takes no writes.
 * Nothing was changed.
 */
export class StoreUnavailable extends IdentityLinkError {
  static readonly REASON = "STORE_UNAVAILABLE";

  override get name(): string {
    return "StoreUnavailable";
  }
}

/** UNAVAILABLE: the server cannot get the issuer's keys. The token was not judged. */
export class KeysUnavailable extends IdentityLinkError {
  static readonly REASON = "KEYS_UNAVAILABLE";

  override get name(): string {
    return "KeysUnavailable";
  }
}

/**
 * UNAVAILABLE: the database connection was lost during the commit. The change may or
 * may not have been made: repeat it under its `request_id`, or read first.
 */
export class CommitUnknown extends IdentityLinkError {
  static readonly REASON = "COMMIT_UNKNOWN";

  override get name(): string {
    return "CommitUnknown";
  }
}

/**
 * FAILED_PRECONDITION: the user has absorbed others, and the request does not set
 * `include_absorbed`.
 */
export class AbsorbedUsersExist extends IdentityLinkError {
  static readonly REASON = "ABSORBED_USERS_EXIST";

  override get name(): string {
    return "AbsorbedUsersExist";
  }
}

/** INTERNAL: a fault of the server, which it logged. */
export class Internal extends IdentityLinkError {
  static readonly REASON = "INTERNAL";

  override get name(): string {
    return "Internal";
  }
}

/**
 * DEADLINE_EXCEEDED: there was no response before the deadline of the call, or within
 * the server's maximum for any call. A change may have been made, or may still be
 * made: read before you repeat it. A stream ends with it too whose client neither sends
 * nor takes a message for too long.
 */
export class Deadline extends IdentityLinkError {
  static readonly REASON = "DEADLINE";

  override get name(): string {
    return "Deadline";
  }
}

/**
 * INVALID_ARGUMENT: another request was made under this `request_id`. Create a new id
 * for each request.
 */
export class RequestIdReused extends IdentityLinkError {
  static readonly REASON = "REQUEST_ID_REUSED";

  override get name(): string {
    return "RequestIdReused";
  }
}

/** FAILED_PRECONDITION: the link cannot be undone. The text says what prevents it. */
export class LinkNotUndoable extends IdentityLinkError {
  static readonly REASON = "LINK_NOT_UNDOABLE";

  override get name(): string {
    return "LinkNotUndoable";
  }
}

/**
 * INVALID_ARGUMENT: the position does not belong to this feed. It is invented, from
 * another tenant or database, or from a time before the database was restored to an
 * earlier state. List the users again, and continue from there.
 */
export class PositionInvalid extends IdentityLinkError {
  static readonly REASON = "POSITION_INVALID";

  override get name(): string {
    return "PositionInvalid";
  }
}

/**
 * OUT_OF_RANGE: events after the position are no longer kept. The metadata of
 * ErrorInfo has the `oldest_position` from which they are. List the users again. For
 * ExportUsers also: users were imported after the position, and there is no
 * `oldest_position`. Export all users.
 */
export class PositionExpired extends IdentityLinkError {
  static readonly REASON = "POSITION_EXPIRED";

  override get name(): string {
    return "PositionExpired";
  }
}

/** UNAVAILABLE: the server is stopping. Call again to reach another one. */
export class ServerStopping extends IdentityLinkError {
  static readonly REASON = "SERVER_STOPPING";

  override get name(): string {
    return "ServerStopping";
  }
}

/**
 * UNAVAILABLE: a watch ends after ten minutes, so that the caller's permission is
 * checked again, and at once if the issuer's keys change, or the configuration in a
 * way that may concern permissions. Call again, with the last position. A call of
 * TransferService ends with it at such a change alone: send the same again.
 */
export class WatchExpired extends IdentityLinkError {
  static readonly REASON = "WATCH_EXPIRED";

  override get name(): string {
    return "WatchExpired";
  }
}

/**
 * FAILED_PRECONDITION: `link_ticket` is not accepted as a proof. It is not for this
 * user, not for a link, older than ten minutes, used before, or outdated by a change
 * of what the users hold. One text for all causes.
 */
export class LinkTicketInvalid extends IdentityLinkError {
  static readonly REASON = "LINK_TICKET_INVALID";

  override get name(): string {
    return "LinkTicketInvalid";
  }
}

/**
 * FAILED_PRECONDITION: the sign-in cannot continue. It is unknown, another caller's,
 * older than ten minutes, used before, or outdated by a change of the account's
 * holder. One text for all causes.
 */
export class SignInInvalid extends IdentityLinkError {
  static readonly REASON = "SIGN_IN_INVALID";

  override get name(): string {
    return "SignInInvalid";
  }
}

/**
 * FAILED_PRECONDITION: the provider sent no email, and the operator requires one of
 * new users.
 */
export class EmailMissing extends IdentityLinkError {
  static readonly REASON = "EMAIL_MISSING";

  override get name(): string {
    return "EmailMissing";
  }
}

/**
 * FAILED_PRECONDITION: no provider that is trusted with the email has verified it,
 * and the operator requires that of new users.
 */
export class EmailUnverified extends IdentityLinkError {
  static readonly REASON = "EMAIL_UNVERIFIED";

  override get name(): string {
    return "EmailUnverified";
  }
}

/**
 * FAILED_PRECONDITION: the provider is disabled, or is link-only and the call is a
 * sign-in.
 */
export class ProviderDisabled extends IdentityLinkError {
  static readonly REASON = "PROVIDER_DISABLED";

  override get name(): string {
    return "ProviderDisabled";
  }
}

/**
 * FAILED_PRECONDITION: the provider rejected the code, its response is not valid, or
 * the person declined there. Start the sign-in again.
 */
export class ProviderRejected extends IdentityLinkError {
  static readonly REASON = "PROVIDER_REJECTED";

  override get name(): string {
    return "ProviderRejected";
  }
}

/**
 * UNAVAILABLE: the provider cannot be reached. Repeat the call under its
 * `request_id`, or start the sign-in again later.
 */
export class ProviderUnavailable extends IdentityLinkError {
  static readonly REASON = "PROVIDER_UNAVAILABLE";

  override get name(): string {
    return "ProviderUnavailable";
  }
}

/**
 * NOT_FOUND: the configuration of the caller's tenant does not name this provider.
 * For StartSignIn and CompleteSignIn also: no sign-in can start there.
 */
export class ProviderUnknown extends IdentityLinkError {
  static readonly REASON = "PROVIDER_UNKNOWN";

  override get name(): string {
    return "ProviderUnknown";
  }
}

/**
 * FAILED_PRECONDITION: the account that signs in belongs to no user, no email
 * identifies a user for it, and the operator lets no sign-in create a user.
 */
export class RegistrationClosed extends IdentityLinkError {
  static readonly REASON = "REGISTRATION_CLOSED";

  override get name(): string {
    return "RegistrationClosed";
  }
}

/**
 * RESOURCE_EXHAUSTED: the caller has made as many calls of this class as the operator
 * allows it. Nothing was changed. Repeat the call after the delay in
 * `google.rpc.RetryInfo`. The metadata of ErrorInfo has the `class` (`reads`,
 * `writes` or `sign_ins`) and the `limit`, such as `100/s`.
 */
export class RateLimited extends IdentityLinkError {
  static readonly REASON = "RATE_LIMITED";

  override get name(): string {
    return "RateLimited";
  }
}

/** UNIMPLEMENTED: the server has no rpc at this path. */
export class RpcUnknown extends IdentityLinkError {
  static readonly REASON = "RPC_UNKNOWN";

  override get name(): string {
    return "RpcUnknown";
  }
}

/**
 * UNIMPLEMENTED: the message is compressed. The server accepts only messages that are
 * not.
 */
export class EncodingUnsupported extends IdentityLinkError {
  static readonly REASON = "ENCODING_UNSUPPORTED";

  override get name(): string {
    return "EncodingUnsupported";
  }
}

/**
 * OUT_OF_RANGE: the message is larger than the server reads. That is 2 MiB, for rpcs
 * of SignInService 128 KiB, and 4 KiB for rpcs of EventService, for those of
 * `google.longrunning.Operations` and for calls that need no token. Also: all rows of
 * an import are longer than the operator allows.
 */
export class MessageTooLarge extends IdentityLinkError {
  static readonly REASON = "MESSAGE_TOO_LARGE";

  override get name(): string {
    return "MessageTooLarge";
  }
}

/**
 * NOT_FOUND: the tenant has no such operation, or it was forgotten: 30 days after
 * its end, or when a caller deleted it.
 */
export class OperationNotFound extends IdentityLinkError {
  static readonly REASON = "OPERATION_NOT_FOUND";

  override get name(): string {
    return "OperationNotFound";
  }
}

/** FAILED_PRECONDITION: the operation has not ended. Wait for it, or cancel it. */
export class OperationUnfinished extends IdentityLinkError {
  static readonly REASON = "OPERATION_UNFINISHED";

  override get name(): string {
    return "OperationUnfinished";
  }
}

/**
 * CANCELLED: the `error` of an operation that a caller cancelled. What it did before
 * stays, and `metadata` counts it.
 */
export class OperationCancelled extends IdentityLinkError {
  static readonly REASON = "OPERATION_CANCELLED";

  override get name(): string {
    return "OperationCancelled";
  }
}

/**
 * FAILED_PRECONDITION: the search of this operation did not succeed, so its plan is not
 * whole. Search again.
 */
export class PlanIncomplete extends IdentityLinkError {
  static readonly REASON = "PLAN_INCOMPLETE";

  override get name(): string {
    return "PlanIncomplete";
  }
}

/**
 * FAILED_PRECONDITION: the tenant has as many operations that have not ended as it may
 * have, 100. Wait for some, or cancel them.
 */
export class TooManyOperations extends IdentityLinkError {
  static readonly REASON = "TOO_MANY_OPERATIONS";

  override get name(): string {
    return "TooManyOperations";
  }
}

/**
 * FAILED_PRECONDITION: no token of the provider is kept for the identity: no flow has
 * brought one, it has expired without a refresh token, or its grant has ended. Start a
 * flow at the provider again, with `prompt` `consent` where it needs that for a refresh
 * token.
 */
export class ProviderTokenGone extends IdentityLinkError {
  static readonly REASON = "PROVIDER_TOKEN_GONE";

  override get name(): string {
    return "ProviderTokenGone";
  }
}

/**
 * FAILED_PRECONDITION: the provider's token lacks scopes of the request.
 * `google.rpc.PreconditionFailure` lists them. Start a link at the provider with these
 * `scopes`.
 */
export class ProviderScopesMissing extends IdentityLinkError {
  static readonly REASON = "PROVIDER_SCOPES_MISSING";

  override get name(): string {
    return "ProviderScopesMissing";
  }
}

/**
 * FAILED_PRECONDITION: the operator has not set that logout tokens and security event
 * tokens of this provider are accepted (`events`).
 */
export class ProviderEventsOff extends IdentityLinkError {
  static readonly REASON = "PROVIDER_EVENTS_OFF";

  override get name(): string {
    return "ProviderEventsOff";
  }
}

/**
 * INVALID_ARGUMENT: the logout token or the security event token is not valid, is too
 * old, or is about no account of this provider. If the provider's signature is good,
 * the message says what is wrong. Sending it again does not help.
 */
export class EventTokenInvalid extends IdentityLinkError {
  static readonly REASON = "EVENT_TOKEN_INVALID";

  override get name(): string {
    return "EventTokenInvalid";
  }
}

/** The errors by their reasons. */
export const BY_REASON: ReadonlyMap<string, new (failure: Failure) => IdentityLinkError> = new Map(
  [
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
  ].map((each) => [each.REASON, each] as const),
);

// Written by clients/generate from the protos. Do not edit.
package identitylink;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/** An exception for each stable reason of a refusal. */
public final class Reasons {
    private static final Map<String, Function<Refusal, IdentityLinkException>> BY_REASON = byReason();

    private Reasons() {}

    /** Returns the exception of a refusal; one of no class of its own if the reason has none. */
    static IdentityLinkException exceptionOf(Refusal refusal) {
        return BY_REASON.getOrDefault(refusal.reason, IdentityLinkException::new).apply(refusal);
    }

    /**
     * UNAUTHENTICATED: the call has no bearer token.
     */
    public static final class TokenMissing extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "TOKEN_MISSING";

        private static final long serialVersionUID = 1L;

        TokenMissing(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAUTHENTICATED: the bearer token is not accepted, an unlink withdrew it, or its
     * user cannot sign in. A user cannot sign in if the token names an account at a
     * provider that is disabled, link-only or not declared, or the id of a user who has
     * no other accounts. One text for all causes.
     */
    public static final class TokenInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "TOKEN_INVALID";

        private static final long serialVersionUID = 1L;

        TokenInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * PERMISSION_DENIED: the token is valid but lacks the scope that this call needs.
     */
    public static final class ScopeInsufficient extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "SCOPE_INSUFFICIENT";

        private static final long serialVersionUID = 1L;

        ScopeInsufficient(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * PERMISSION_DENIED: a user token names a user other than its own, or a request id
     * whose response concerns a user that is no longer its own.
     */
    public static final class NotYourUser extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "NOT_YOUR_USER";

        private static final long serialVersionUID = 1L;

        NotYourUser(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * PERMISSION_DENIED: the sign-in behind the token is too old for this call; or the
     * token's account moved to its present user after the token was issued, or was added
     * with an old sign-in. Sign in again, with an account that the user had before, and
     * repeat the call.
     */
    public static final class ReauthenticationRequired extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "REAUTHENTICATION_REQUIRED";

        private static final long serialVersionUID = 1L;

        ReauthenticationRequired(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * INVALID_ARGUMENT: fields are wrong in any state of the data.
     * `google.rpc.BadRequest` lists all of them, up to 4 KiB. A last entry without a
     * field says that there are more.
     */
    public static final class RequestInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "REQUEST_INVALID";

        private static final long serialVersionUID = 1L;

        RequestInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * INVALID_ARGUMENT: both sides have one name: the same identity, or the same user id. In
     * MergeMetadata, both are one user. `Link` by another name of the same user is no error:
     * it returns OUTCOME_ALREADY_LINKED.
     */
    public static final class SameUser extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "SAME_USER";

        private static final long serialVersionUID = 1L;

        SameUser(Refusal refusal) {
            super(refusal);
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
    public static final class LinkTokenInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "LINK_TOKEN_INVALID";

        private static final long serialVersionUID = 1L;

        LinkTokenInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the request sets `require_shared_verified_email`, and the two
     * users share no email that is verified on both sides.
     */
    public static final class EmailNotShared extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "EMAIL_NOT_SHARED";

        private static final long serialVersionUID = 1L;

        EmailNotShared(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * NOT_FOUND: no such user in the caller's tenant.
     */
    public static final class UserNotFound extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "USER_NOT_FOUND";

        private static final long serialVersionUID = 1L;

        UserNotFound(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * NOT_FOUND: no such identity in the caller's tenant, or not on this user.
     */
    public static final class IdentityNotFound extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "IDENTITY_NOT_FOUND";

        private static final long serialVersionUID = 1L;

        IdentityNotFound(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * NOT_FOUND: no such link in the caller's tenant.
     */
    public static final class LinkNotFound extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "LINK_NOT_FOUND";

        private static final long serialVersionUID = 1L;

        LinkNotFound(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the named user is absorbed. Resolve the id and write to the
     * live user.
     */
    public static final class UserAbsorbed extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "USER_ABSORBED";

        private static final long serialVersionUID = 1L;

        UserAbsorbed(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the user is blocked. PERMISSION_DENIED if that user is the
     * caller itself.
     */
    public static final class UserBlocked extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "USER_BLOCKED";

        private static final long serialVersionUID = 1L;

        UserBlocked(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * ALREADY_EXISTS: the identity already belongs to a user.
     */
    public static final class IdentityTaken extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "IDENTITY_TAKEN";

        private static final long serialVersionUID = 1L;

        IdentityTaken(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * ALREADY_EXISTS: the requested user id is in use.
     */
    public static final class UserExists extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "USER_EXISTS";

        private static final long serialVersionUID = 1L;

        UserExists(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the last identity that can sign in cannot be unlinked.
     */
    public static final class LastIdentity extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "LAST_IDENTITY";

        private static final long serialVersionUID = 1L;

        LastIdentity(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the primary identity cannot be unlinked. Make another identity
     * primary first.
     */
    public static final class PrimaryIdentity extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PRIMARY_IDENTITY";

        private static final long serialVersionUID = 1L;

        PrimaryIdentity(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the user would hold more than 100 identities, the maximum.
     */
    public static final class TooManyIdentities extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "TOO_MANY_IDENTITIES";

        private static final long serialVersionUID = 1L;

        TooManyIdentities(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the request sets CONFLICT_FAIL and the merge found conflicts.
     * `google.rpc.PreconditionFailure` lists their paths, up to 4 KiB. A last entry
     * without a subject says that there are more.
     */
    public static final class MetadataConflict extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "METADATA_CONFLICT";

        private static final long serialVersionUID = 1L;

        MetadataConflict(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the merged metadata would be larger than 16 KiB.
     */
    public static final class MetadataTooLarge extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "METADATA_TOO_LARGE";

        private static final long serialVersionUID = 1L;

        MetadataTooLarge(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * ABORTED: an expected version differs. Read again and decide again.
     */
    public static final class VersionMismatch extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "VERSION_MISMATCH";

        private static final long serialVersionUID = 1L;

        VersionMismatch(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * ABORTED: other writers kept changing the same users, or the same call is still in
     * progress. Repeat the call.
     */
    public static final class ConflictRetry extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "CONFLICT_RETRY";

        private static final long serialVersionUID = 1L;

        ConflictRetry(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * RESOURCE_EXHAUSTED: the server is at capacity. Repeat the call after the delay in
     * `google.rpc.RetryInfo`.
     */
    public static final class Overloaded extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "OVERLOADED";

        private static final long serialVersionUID = 1L;

        Overloaded(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAVAILABLE: the server cannot reach the database, or the database takes no writes.
     * Nothing was changed.
     */
    public static final class StoreUnavailable extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "STORE_UNAVAILABLE";

        private static final long serialVersionUID = 1L;

        StoreUnavailable(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAVAILABLE: the server cannot get the issuer's keys. The token was not judged.
     */
    public static final class KeysUnavailable extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "KEYS_UNAVAILABLE";

        private static final long serialVersionUID = 1L;

        KeysUnavailable(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAVAILABLE: the database connection was lost during the commit. The change may or
     * may not have been made: repeat it under its `request_id`, or read first.
     */
    public static final class CommitUnknown extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "COMMIT_UNKNOWN";

        private static final long serialVersionUID = 1L;

        CommitUnknown(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the user has absorbed others, and the request does not set
     * `include_absorbed`.
     */
    public static final class AbsorbedUsersExist extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "ABSORBED_USERS_EXIST";

        private static final long serialVersionUID = 1L;

        AbsorbedUsersExist(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * INTERNAL: a fault of the server, which it logged.
     */
    public static final class Internal extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "INTERNAL";

        private static final long serialVersionUID = 1L;

        Internal(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * DEADLINE_EXCEEDED: there was no response before the deadline of the call, or within
     * the server's maximum for any call. A change may have been made, or may still be
     * made: read before you repeat it. A stream ends with it too whose client neither sends
     * nor takes a message for too long.
     */
    public static final class Deadline extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "DEADLINE";

        private static final long serialVersionUID = 1L;

        Deadline(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * INVALID_ARGUMENT: another request was made under this `request_id`. Create a new id
     * for each request.
     */
    public static final class RequestIdReused extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "REQUEST_ID_REUSED";

        private static final long serialVersionUID = 1L;

        RequestIdReused(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the link cannot be undone. The text says what prevents it.
     */
    public static final class LinkNotUndoable extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "LINK_NOT_UNDOABLE";

        private static final long serialVersionUID = 1L;

        LinkNotUndoable(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * INVALID_ARGUMENT: the position does not belong to this feed. It is invented, from
     * another tenant or database, or from a time before the database was restored to an
     * earlier state. List the users again, and continue from there.
     */
    public static final class PositionInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "POSITION_INVALID";

        private static final long serialVersionUID = 1L;

        PositionInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * OUT_OF_RANGE: events after the position are no longer kept. The metadata of
     * ErrorInfo has the `oldest_position` from which they are. List the users again. For
     * ExportUsers also: users were imported after the position, and there is no
     * `oldest_position`. Export all users.
     */
    public static final class PositionExpired extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "POSITION_EXPIRED";

        private static final long serialVersionUID = 1L;

        PositionExpired(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAVAILABLE: the server is stopping. Call again to reach another one.
     */
    public static final class ServerStopping extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "SERVER_STOPPING";

        private static final long serialVersionUID = 1L;

        ServerStopping(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAVAILABLE: a watch ends after ten minutes, so that the caller's permission is
     * checked again, and at once if the issuer's keys change, or the configuration in a
     * way that may concern permissions. Call again, with the last position. A call of
     * TransferService ends with it at such a change alone: send the same again.
     */
    public static final class WatchExpired extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "WATCH_EXPIRED";

        private static final long serialVersionUID = 1L;

        WatchExpired(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: `link_ticket` is not accepted as a proof. It is not for this
     * user, not for a link, older than ten minutes, used before, or outdated by a change
     * of what the users hold. One text for all causes.
     */
    public static final class LinkTicketInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "LINK_TICKET_INVALID";

        private static final long serialVersionUID = 1L;

        LinkTicketInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the sign-in cannot continue. It is unknown, another caller's,
     * older than ten minutes, used before, or outdated by a change of the account's
     * holder. One text for all causes.
     */
    public static final class SignInInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "SIGN_IN_INVALID";

        private static final long serialVersionUID = 1L;

        SignInInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the provider sent no email, and the operator requires one of
     * new users.
     */
    public static final class EmailMissing extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "EMAIL_MISSING";

        private static final long serialVersionUID = 1L;

        EmailMissing(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: no provider that is trusted with the email has verified it,
     * and the operator requires that of new users.
     */
    public static final class EmailUnverified extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "EMAIL_UNVERIFIED";

        private static final long serialVersionUID = 1L;

        EmailUnverified(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the provider is disabled, or is link-only and the call is a
     * sign-in.
     */
    public static final class ProviderDisabled extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_DISABLED";

        private static final long serialVersionUID = 1L;

        ProviderDisabled(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the provider rejected the code, its response is not valid, or
     * the person declined there. Start the sign-in again.
     */
    public static final class ProviderRejected extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_REJECTED";

        private static final long serialVersionUID = 1L;

        ProviderRejected(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNAVAILABLE: the provider cannot be reached. Repeat the call under its
     * `request_id`, or start the sign-in again later.
     */
    public static final class ProviderUnavailable extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_UNAVAILABLE";

        private static final long serialVersionUID = 1L;

        ProviderUnavailable(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * NOT_FOUND: the configuration of the caller's tenant does not name this provider.
     * For StartSignIn and CompleteSignIn also: no sign-in can start there.
     */
    public static final class ProviderUnknown extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_UNKNOWN";

        private static final long serialVersionUID = 1L;

        ProviderUnknown(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the account that signs in belongs to no user, no email
     * identifies a user for it, and the operator lets no sign-in create a user.
     */
    public static final class RegistrationClosed extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "REGISTRATION_CLOSED";

        private static final long serialVersionUID = 1L;

        RegistrationClosed(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * RESOURCE_EXHAUSTED: the caller has made as many calls of this class as the operator
     * allows it. Nothing was changed. Repeat the call after the delay in
     * `google.rpc.RetryInfo`. The metadata of ErrorInfo has the `class` (`reads`,
     * `writes` or `sign_ins`) and the `limit`, such as `100/s`.
     */
    public static final class RateLimited extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "RATE_LIMITED";

        private static final long serialVersionUID = 1L;

        RateLimited(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNIMPLEMENTED: the server has no rpc at this path.
     */
    public static final class RpcUnknown extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "RPC_UNKNOWN";

        private static final long serialVersionUID = 1L;

        RpcUnknown(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * UNIMPLEMENTED: the message is compressed. The server accepts only messages that are
     * not.
     */
    public static final class EncodingUnsupported extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "ENCODING_UNSUPPORTED";

        private static final long serialVersionUID = 1L;

        EncodingUnsupported(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * OUT_OF_RANGE: the message is larger than the server reads. That is 2 MiB, for rpcs
     * of SignInService 128 KiB, and 4 KiB for rpcs of EventService, for those of
     * `google.longrunning.Operations` and for calls that need no token. Also: all rows of
     * an import are longer than the operator allows.
     */
    public static final class MessageTooLarge extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "MESSAGE_TOO_LARGE";

        private static final long serialVersionUID = 1L;

        MessageTooLarge(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * NOT_FOUND: the tenant has no such operation, or it was forgotten: 30 days after
     * its end, or when a caller deleted it.
     */
    public static final class OperationNotFound extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "OPERATION_NOT_FOUND";

        private static final long serialVersionUID = 1L;

        OperationNotFound(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the operation has not ended. Wait for it, or cancel it.
     */
    public static final class OperationUnfinished extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "OPERATION_UNFINISHED";

        private static final long serialVersionUID = 1L;

        OperationUnfinished(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * CANCELLED: the `error` of an operation that a caller cancelled. What it did before
     * stays, and `metadata` counts it.
     */
    public static final class OperationCancelled extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "OPERATION_CANCELLED";

        private static final long serialVersionUID = 1L;

        OperationCancelled(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the search of this operation did not succeed, so its plan is not
     * whole. Search again.
     */
    public static final class PlanIncomplete extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PLAN_INCOMPLETE";

        private static final long serialVersionUID = 1L;

        PlanIncomplete(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the tenant has as many operations that have not ended as it may
     * have, 100. Wait for some, or cancel them.
     */
    public static final class TooManyOperations extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "TOO_MANY_OPERATIONS";

        private static final long serialVersionUID = 1L;

        TooManyOperations(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: no token of the provider is kept for the identity: no flow has
     * brought one, it has expired without a refresh token, or its grant has ended. Start a
     * flow at the provider again, with `prompt` `consent` where it needs that for a refresh
     * token.
     */
    public static final class ProviderTokenGone extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_TOKEN_GONE";

        private static final long serialVersionUID = 1L;

        ProviderTokenGone(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the provider's token lacks scopes of the request.
     * `google.rpc.PreconditionFailure` lists them. Start a link at the provider with these
     * `scopes`.
     */
    public static final class ProviderScopesMissing extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_SCOPES_MISSING";

        private static final long serialVersionUID = 1L;

        ProviderScopesMissing(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * FAILED_PRECONDITION: the operator has not set that logout tokens and security event
     * tokens of this provider are accepted (`events`).
     */
    public static final class ProviderEventsOff extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "PROVIDER_EVENTS_OFF";

        private static final long serialVersionUID = 1L;

        ProviderEventsOff(Refusal refusal) {
            super(refusal);
        }
    }

    /**
     * INVALID_ARGUMENT: the logout token or the security event token is not valid, is too
     * old, or is about no account of this provider. If the provider's signature is good,
     * the message says what is wrong. Sending it again does not help.
     */
    public static final class EventTokenInvalid extends IdentityLinkException {
        /** The reason as the server names it. */
        public static final String REASON = "EVENT_TOKEN_INVALID";

        private static final long serialVersionUID = 1L;

        EventTokenInvalid(Refusal refusal) {
            super(refusal);
        }
    }

    private static Map<String, Function<Refusal, IdentityLinkException>> byReason() {
        Map<String, Function<Refusal, IdentityLinkException>> found = new HashMap<>();
        found.put(TokenMissing.REASON, TokenMissing::new);
        found.put(TokenInvalid.REASON, TokenInvalid::new);
        found.put(ScopeInsufficient.REASON, ScopeInsufficient::new);
        found.put(NotYourUser.REASON, NotYourUser::new);
        found.put(ReauthenticationRequired.REASON, ReauthenticationRequired::new);
        found.put(RequestInvalid.REASON, RequestInvalid::new);
        found.put(SameUser.REASON, SameUser::new);
        found.put(LinkTokenInvalid.REASON, LinkTokenInvalid::new);
        found.put(EmailNotShared.REASON, EmailNotShared::new);
        found.put(UserNotFound.REASON, UserNotFound::new);
        found.put(IdentityNotFound.REASON, IdentityNotFound::new);
        found.put(LinkNotFound.REASON, LinkNotFound::new);
        found.put(UserAbsorbed.REASON, UserAbsorbed::new);
        found.put(UserBlocked.REASON, UserBlocked::new);
        found.put(IdentityTaken.REASON, IdentityTaken::new);
        found.put(UserExists.REASON, UserExists::new);
        found.put(LastIdentity.REASON, LastIdentity::new);
        found.put(PrimaryIdentity.REASON, PrimaryIdentity::new);
        found.put(TooManyIdentities.REASON, TooManyIdentities::new);
        found.put(MetadataConflict.REASON, MetadataConflict::new);
        found.put(MetadataTooLarge.REASON, MetadataTooLarge::new);
        found.put(VersionMismatch.REASON, VersionMismatch::new);
        found.put(ConflictRetry.REASON, ConflictRetry::new);
        found.put(Overloaded.REASON, Overloaded::new);
        found.put(StoreUnavailable.REASON, StoreUnavailable::new);
        found.put(KeysUnavailable.REASON, KeysUnavailable::new);
        found.put(CommitUnknown.REASON, CommitUnknown::new);
        found.put(AbsorbedUsersExist.REASON, AbsorbedUsersExist::new);
        found.put(Internal.REASON, Internal::new);
        found.put(Deadline.REASON, Deadline::new);
        found.put(RequestIdReused.REASON, RequestIdReused::new);
        found.put(LinkNotUndoable.REASON, LinkNotUndoable::new);
        found.put(PositionInvalid.REASON, PositionInvalid::new);
        found.put(PositionExpired.REASON, PositionExpired::new);
        found.put(ServerStopping.REASON, ServerStopping::new);
        found.put(WatchExpired.REASON, WatchExpired::new);
        found.put(LinkTicketInvalid.REASON, LinkTicketInvalid::new);
        found.put(SignInInvalid.REASON, SignInInvalid::new);
        found.put(EmailMissing.REASON, EmailMissing::new);
        found.put(EmailUnverified.REASON, EmailUnverified::new);
        found.put(ProviderDisabled.REASON, ProviderDisabled::new);
        found.put(ProviderRejected.REASON, ProviderRejected::new);
        found.put(ProviderUnavailable.REASON, ProviderUnavailable::new);
        found.put(ProviderUnknown.REASON, ProviderUnknown::new);
        found.put(RegistrationClosed.REASON, RegistrationClosed::new);
        found.put(RateLimited.REASON, RateLimited::new);
        found.put(RpcUnknown.REASON, RpcUnknown::new);
        found.put(EncodingUnsupported.REASON, EncodingUnsupported::new);
        found.put(MessageTooLarge.REASON, MessageTooLarge::new);
        found.put(OperationNotFound.REASON, OperationNotFound::new);
        found.put(OperationUnfinished.REASON, OperationUnfinished::new);
        found.put(OperationCancelled.REASON, OperationCancelled::new);
        found.put(PlanIncomplete.REASON, PlanIncomplete::new);
        found.put(TooManyOperations.REASON, TooManyOperations::new);
        found.put(ProviderTokenGone.REASON, ProviderTokenGone::new);
        found.put(ProviderScopesMissing.REASON, ProviderScopesMissing::new);
        found.put(ProviderEventsOff.REASON, ProviderEventsOff::new);
        found.put(EventTokenInvalid.REASON, EventTokenInvalid::new);
        return Collections.unmodifiableMap(found);
    }
}

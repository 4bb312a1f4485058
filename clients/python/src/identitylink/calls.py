# Written by clients/generate from the protos. Do not edit.

"""The rpcs of the contract, for both clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator

from google.longrunning.operations_pb2 import (
    CancelOperationRequest,
    DeleteOperationRequest,
    GetOperationRequest,
    ListOperationsRequest,
    ListOperationsResponse,
    Operation,
    WaitOperationRequest,
)
from google.protobuf.empty_pb2 import (
    Empty,
)

from ._rpc import Req, RequestId, Res, Rpc
from .v1 import (
    ApplyPlanRequest,
    CompleteSignInRequest,
    CompleteSignInResponse,
    Connection,
    CreateUserRequest,
    CreateUserResponse,
    DeleteUserRequest,
    DeleteUserResponse,
    EmailMatch,
    ExportUsersRequest,
    ExportUsersResponse,
    FindByEmailRequest,
    FindByEmailResponse,
    FindByIdentityRequest,
    FindByIdentityResponse,
    FindDuplicatesRequest,
    GetProviderTokenRequest,
    GetProviderTokenResponse,
    GetUserRequest,
    GetUserResponse,
    ImportUsersRequest,
    ImportUsersResponse,
    LinkRecord,
    LinkRequest,
    LinkResponse,
    ListConnectionsRequest,
    ListConnectionsResponse,
    ListEventsRequest,
    ListEventsResponse,
    ListLinkCandidatesRequest,
    ListLinkCandidatesResponse,
    ListLinksRequest,
    ListLinksResponse,
    ListProvidersRequest,
    ListProvidersResponse,
    ListUsersRequest,
    ListUsersResponse,
    MergeMetadataRequest,
    MergeMetadataResponse,
    ReadLinesRequest,
    ReadLinesResponse,
    ReceiveLogoutTokenRequest,
    ReceiveLogoutTokenResponse,
    ReceiveSecurityEventsRequest,
    ReceiveSecurityEventsResponse,
    ResolveSignInRequest,
    ResolveSignInResponse,
    ResolveUsersRequest,
    ResolveUsersResponse,
    SetPrimaryIdentityRequest,
    SetPrimaryIdentityResponse,
    SignInProvider,
    StartSignInRequest,
    StartSignInResponse,
    UndoLinkRequest,
    UndoLinkResponse,
    UndoLinksRequest,
    UnlinkRequest,
    UnlinkResponse,
    UpdateUserRequest,
    UpdateUserResponse,
    UploadPlanRequest,
    UploadPlanResponse,
    User,
    WatchEventsRequest,
    WatchEventsResponse,
)
APPLY_PLAN = Rpc(
    "/identitylink.v1.JobService/ApplyPlan", ApplyPlanRequest, Operation, request_id=RequestId.ALWAYS
)
CANCEL_OPERATION = Rpc(
    "/google.longrunning.Operations/CancelOperation", CancelOperationRequest, Empty
)
COMPLETE_SIGN_IN = Rpc(
    "/identitylink.v1.SignInService/CompleteSignIn", CompleteSignInRequest, CompleteSignInResponse, request_id=RequestId.ALWAYS
)
CREATE_USER = Rpc(
    "/identitylink.v1.IdentityService/CreateUser", CreateUserRequest, CreateUserResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
DELETE_OPERATION = Rpc(
    "/google.longrunning.Operations/DeleteOperation", DeleteOperationRequest, Empty
)
DELETE_USER = Rpc(
    "/identitylink.v1.IdentityService/DeleteUser", DeleteUserRequest, DeleteUserResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
EXPORT_USERS = Rpc(
    "/identitylink.v1.TransferService/ExportUsers", ExportUsersRequest, ExportUsersResponse, only_reads=True
)
FIND_BY_EMAIL = Rpc(
    "/identitylink.v1.IdentityService/FindByEmail", FindByEmailRequest, FindByEmailResponse, only_reads=True
)
FIND_BY_IDENTITY = Rpc(
    "/identitylink.v1.IdentityService/FindByIdentity", FindByIdentityRequest, FindByIdentityResponse, only_reads=True
)
FIND_DUPLICATES = Rpc(
    "/identitylink.v1.JobService/FindDuplicates", FindDuplicatesRequest, Operation, request_id=RequestId.ALWAYS
)
GET_OPERATION = Rpc(
    "/google.longrunning.Operations/GetOperation", GetOperationRequest, Operation, only_reads=True
)
GET_PROVIDER_TOKEN = Rpc(
    "/identitylink.v1.IdentityService/GetProviderToken", GetProviderTokenRequest, GetProviderTokenResponse
)
GET_USER = Rpc(
    "/identitylink.v1.IdentityService/GetUser", GetUserRequest, GetUserResponse, only_reads=True
)
IMPORT_USERS = Rpc(
    "/identitylink.v1.TransferService/ImportUsers", ImportUsersRequest, ImportUsersResponse
)
LINK = Rpc(
    "/identitylink.v1.IdentityService/Link", LinkRequest, LinkResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
LIST_CONNECTIONS = Rpc(
    "/identitylink.v1.IdentityService/ListConnections", ListConnectionsRequest, ListConnectionsResponse, only_reads=True
)
LIST_EVENTS = Rpc(
    "/identitylink.v1.EventService/ListEvents", ListEventsRequest, ListEventsResponse, only_reads=True
)
LIST_LINK_CANDIDATES = Rpc(
    "/identitylink.v1.IdentityService/ListLinkCandidates", ListLinkCandidatesRequest, ListLinkCandidatesResponse, only_reads=True
)
LIST_LINKS = Rpc(
    "/identitylink.v1.IdentityService/ListLinks", ListLinksRequest, ListLinksResponse, only_reads=True
)
LIST_OPERATIONS = Rpc(
    "/google.longrunning.Operations/ListOperations", ListOperationsRequest, ListOperationsResponse, only_reads=True
)
LIST_PROVIDERS = Rpc(
    "/identitylink.v1.SignInService/ListProviders", ListProvidersRequest, ListProvidersResponse, only_reads=True
)
LIST_USERS = Rpc(
    "/identitylink.v1.IdentityService/ListUsers", ListUsersRequest, ListUsersResponse, only_reads=True
)
MERGE_METADATA = Rpc(
    "/identitylink.v1.IdentityService/MergeMetadata", MergeMetadataRequest, MergeMetadataResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
READ_LINES = Rpc(
    "/identitylink.v1.JobService/ReadLines", ReadLinesRequest, ReadLinesResponse, only_reads=True
)
RECEIVE_LOGOUT_TOKEN = Rpc(
    "/identitylink.v1.SignInService/ReceiveLogoutToken", ReceiveLogoutTokenRequest, ReceiveLogoutTokenResponse
)
RECEIVE_SECURITY_EVENTS = Rpc(
    "/identitylink.v1.SignInService/ReceiveSecurityEvents", ReceiveSecurityEventsRequest, ReceiveSecurityEventsResponse
)
RESOLVE_SIGN_IN = Rpc(
    "/identitylink.v1.SignInService/ResolveSignIn", ResolveSignInRequest, ResolveSignInResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
RESOLVE_USERS = Rpc(
    "/identitylink.v1.IdentityService/ResolveUsers", ResolveUsersRequest, ResolveUsersResponse, only_reads=True
)
SET_PRIMARY_IDENTITY = Rpc(
    "/identitylink.v1.IdentityService/SetPrimaryIdentity", SetPrimaryIdentityRequest, SetPrimaryIdentityResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
START_SIGN_IN = Rpc(
    "/identitylink.v1.SignInService/StartSignIn", StartSignInRequest, StartSignInResponse
)
UNDO_LINK = Rpc(
    "/identitylink.v1.IdentityService/UndoLink", UndoLinkRequest, UndoLinkResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
UNDO_LINKS = Rpc(
    "/identitylink.v1.JobService/UndoLinks", UndoLinksRequest, Operation, request_id=RequestId.ALWAYS
)
UNLINK = Rpc(
    "/identitylink.v1.IdentityService/Unlink", UnlinkRequest, UnlinkResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
UPDATE_USER = Rpc(
    "/identitylink.v1.IdentityService/UpdateUser", UpdateUserRequest, UpdateUserResponse, request_id=RequestId.EXCEPT_PREVIEWS
)
UPLOAD_PLAN = Rpc(
    "/identitylink.v1.JobService/UploadPlan", UploadPlanRequest, UploadPlanResponse
)
WAIT_OPERATION = Rpc(
    "/google.longrunning.Operations/WaitOperation", WaitOperationRequest, Operation, only_reads=True
)
WATCH_EVENTS = Rpc(
    "/identitylink.v1.EventService/WatchEvents", WatchEventsRequest, WatchEventsResponse, only_reads=True
)


class Calls(ABC):
    """The rpcs with one response. ``timeout`` is in seconds, for a call with all its attempts."""

    @abstractmethod
    def call(self, rpc: Rpc[Req, Res], request: Req, *, timeout: float | None = None) -> Res:
        """Make a call, with the attempts that are safe."""

    def apply_plan(self, request: ApplyPlanRequest, *, timeout: float | None = None) -> Operation:
        """Links by a plan: each secondary user of a line into its primary one, by the
        rules of `Link`. What has changed since the plan is skipped.
        Errors: OPERATION_NOT_FOUND, OPERATION_UNFINISHED, PLAN_INCOMPLETE,
        TOO_MANY_OPERATIONS.
        """
        return self.call(APPLY_PLAN, request, timeout=timeout)

    def cancel_operation(self, request: CancelOperationRequest, *, timeout: float | None = None) -> Empty:
        """Starts asynchronous cancellation on a long-running operation.  The server
        makes a best effort to cancel the operation, but success is not
        guaranteed.  If the server doesn't support this method, it returns
        `google.rpc.Code.UNIMPLEMENTED`.  Clients can use
        [Operations.GetOperation][google.longrunning.Operations.GetOperation] or
        other methods to check whether the cancellation succeeded or whether the
        operation completed despite cancellation. On successful cancellation,
        the operation is not deleted; instead, it becomes an operation with
        an [Operation.error][google.longrunning.Operation.error] value with a
        [google.rpc.Status.code][google.rpc.Status.code] of `1`, corresponding to
        `Code.CANCELLED`.
        """
        return self.call(CANCEL_OPERATION, request, timeout=timeout)

    def complete_sign_in(self, request: CompleteSignInRequest, *, timeout: float | None = None) -> CompleteSignInResponse:
        """Completes the attempt of `StartSignIn`: exchanges the code, verifies which account
        signed in, and decides like `ResolveSignIn`, or links like `Link`. The caller that
        completes an attempt must be the one that started it: the secret proves that, and
        for a link also a token of the same user. The browser must have come back to a
        redirect URI of this provider. The server checks this before it sends anything to
        the provider. The check uses the attempt up with any result; only a wrong
        field, or a `user_token` that cannot link, leaves the attempt. The secret and the
        state name the attempt together: the secret of one with the state of another is
        SIGN_IN_INVALID, and uses up neither.

        With a `request_id` the same call can be repeated until the attempt expires, and
        continues where the first call was interrupted: the account is stored with the
        attempt as soon as the provider has proven it. While a call waits for the provider,
        the same call is refused with CONFLICT_RETRY. After PROVIDER_UNAVAILABLE it asks
        the provider again. A retry is SIGN_IN_INVALID only if a server crashed after the
        provider's response and before it stored the account. Without a `request_id` a
        second call is always SIGN_IN_INVALID.
        Errors: SIGN_IN_INVALID, PROVIDER_UNKNOWN, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE;
        for a sign-in those of `ResolveSignIn`; for a link PROVIDER_DISABLED, those of
        `Link`, and of a call with its `user_token`.
        """
        return self.call(COMPLETE_SIGN_IN, request, timeout=timeout)

    def create_user(self, request: CreateUserRequest, *, timeout: float | None = None) -> CreateUserResponse:
        """Creates a user with its first identity.
        Errors: IDENTITY_TAKEN, USER_EXISTS, PROVIDER_UNKNOWN.
        """
        return self.call(CREATE_USER, request, timeout=timeout)

    def delete_operation(self, request: DeleteOperationRequest, *, timeout: float | None = None) -> Empty:
        """Deletes a long-running operation. This method indicates that the client is
        no longer interested in the operation result. It does not cancel the
        operation. If the server doesn't support this method, it returns
        `google.rpc.Code.UNIMPLEMENTED`.
        """
        return self.call(DELETE_OPERATION, request, timeout=timeout)

    def delete_user(self, request: DeleteUserRequest, *, timeout: float | None = None) -> DeleteUserResponse:
        """Deletes a user, its identities and all its data, permanently. Its id is never
        given to another person. An id `provider|subject` can be given to the same
        account again, if the account was the user's own when it was deleted. Only
        events (EventService) stay until they are old; they hold ids and no values. A
        user token needs a sign-in within the last ten minutes.
        Errors: USER_NOT_FOUND, USER_ABSORBED, ABSORBED_USERS_EXIST,
        REAUTHENTICATION_REQUIRED.
        """
        return self.call(DELETE_USER, request, timeout=timeout)

    def find_by_email(self, request: FindByEmailRequest, *, timeout: float | None = None) -> FindByEmailResponse:
        """Finds the users that have an identity with this email, in the order of their
        ids. By default only emails that count as verified by the tenant's configuration
        of today are found (`Identity.email_verified`). If there is no such user, the
        page is empty.
        """
        return self.call(FIND_BY_EMAIL, request, timeout=timeout)

    def find_by_email_all(self, request: FindByEmailRequest, *, timeout: float | None = None) -> Iterator[EmailMatch]:
        """Yield the items of all pages of ``find_by_email``. ``timeout`` is for each page."""
        page = FindByEmailRequest()
        page.CopyFrom(request)
        while True:
            response = self.call(FIND_BY_EMAIL, page, timeout=timeout)
            for item in response.matches:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    def find_by_identity(self, request: FindByIdentityRequest, *, timeout: float | None = None) -> FindByIdentityResponse:
        """Finds the user that holds an identity. An identity that is there is found also if the
        tenant no longer declares its provider.
        Errors: IDENTITY_NOT_FOUND, PROVIDER_UNKNOWN.
        """
        return self.call(FIND_BY_IDENTITY, request, timeout=timeout)

    def find_duplicates(self, request: FindDuplicatesRequest, *, timeout: float | None = None) -> Operation:
        """Looks for users that are likely one person, and writes a plan of their links.
        It changes no user.
        Errors: TOO_MANY_OPERATIONS.
        """
        return self.call(FIND_DUPLICATES, request, timeout=timeout)

    def get_operation(self, request: GetOperationRequest, *, timeout: float | None = None) -> Operation:
        """Gets the latest state of a long-running operation.  Clients can use this
        method to poll the operation result at intervals as recommended by the API
        service.
        """
        return self.call(GET_OPERATION, request, timeout=timeout)

    def get_provider_token(self, request: GetProviderTokenRequest, *, timeout: float | None = None) -> GetProviderTokenResponse:
        """Gets an access token of the provider of an identity, for calls to the provider's API.
        The operator keeps tokens of that provider, and lists the services that may get them
        (`oauth.tokens`). The tokens are those of the identity's last flow (`StartSignIn`). A
        token that expires within a minute is refreshed first, by one request to the provider
        for all calls that wait.

        Keep the token in memory only, and get it again for the next use: this call sees at
        once that the identity has left the user. The token is a secret of the person.
        Errors: USER_NOT_FOUND, USER_ABSORBED, USER_BLOCKED, IDENTITY_NOT_FOUND, also for one
        of another user; PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_TOKEN_GONE,
        PROVIDER_SCOPES_MISSING, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE; SCOPE_INSUFFICIENT,
        also if the operator does not list the service.
        """
        return self.call(GET_PROVIDER_TOKEN, request, timeout=timeout)

    def get_user(self, request: GetUserRequest, *, timeout: float | None = None) -> GetUserResponse:
        """Gets one user. For the id of an absorbed user it returns the holder.
        Errors: USER_NOT_FOUND.
        """
        return self.call(GET_USER, request, timeout=timeout)

    def link(self, request: LinkRequest, *, timeout: float | None = None) -> LinkResponse:
        """Links two users into one. The primary user absorbs the secondary: the identities
        move, the metadata is merged as requested, and the secondary's id continues to
        resolve. If `link_with` proves an account that belongs to no user, the account
        is attached directly. With `attach_only` nothing else is done. Repeating the
        link while it stands is not an error.
        Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, SAME_USER, USER_ABSORBED,
        USER_BLOCKED, PROVIDER_UNKNOWN, LINK_TOKEN_INVALID, LINK_TICKET_INVALID,
        IDENTITY_TAKEN, EMAIL_NOT_SHARED, TOO_MANY_IDENTITIES, METADATA_CONFLICT,
        METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
        """
        return self.call(LINK, request, timeout=timeout)

    def list_connections(self, request: ListConnectionsRequest, *, timeout: float | None = None) -> ListConnectionsResponse:
        """Returns the connections of the tenant's configuration, in the order of their names:
        those that its enabled providers list, and the names of those that list none. An
        account arrives through one of these.
        """
        return self.call(LIST_CONNECTIONS, request, timeout=timeout)

    def list_connections_all(self, request: ListConnectionsRequest, *, timeout: float | None = None) -> Iterator[Connection]:
        """Yield the items of all pages of ``list_connections``. ``timeout`` is for each page."""
        page = ListConnectionsRequest()
        page.CopyFrom(request)
        while True:
            response = self.call(LIST_CONNECTIONS, page, timeout=timeout)
            for item in response.connections:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    def list_events(self, request: ListEventsRequest, *, timeout: float | None = None) -> ListEventsResponse:
        """Returns the events after a position, the oldest first, as far as they are
        available now.
        Errors: POSITION_INVALID, POSITION_EXPIRED.
        """
        return self.call(LIST_EVENTS, request, timeout=timeout)

    def list_link_candidates(self, request: ListLinkCandidatesRequest, *, timeout: float | None = None) -> ListLinkCandidatesResponse:
        """Suggests users to link with a user: those that share an email with it that is
        verified on both sides. The likeliest come first: users that were never unlinked
        from it, with more shared emails, verified more recently. At most 20.

        A suggestion is no proof, and links nothing. Blocked users are not suggested. As
        at a sign-in, an email does not count if its part before the `@` is not ASCII,
        or if a provider with `linking = "off"` verified it on either of the two users.
        Errors: USER_NOT_FOUND.
        """
        return self.call(LIST_LINK_CANDIDATES, request, timeout=timeout)

    def list_links(self, request: ListLinksRequest, *, timeout: float | None = None) -> ListLinksResponse:
        """Lists every link that names a user, or a user that it holds now, as its primary
        or secondary side. This includes undone links; the newest comes first. For the
        id of an absorbed user it lists the links that name that very user. LinkRecord
        says what a user token sees of other users.
        A service that names no user but a filter lists the links of its whole tenant.
        Errors: USER_NOT_FOUND.
        """
        return self.call(LIST_LINKS, request, timeout=timeout)

    def list_links_all(self, request: ListLinksRequest, *, timeout: float | None = None) -> Iterator[LinkRecord]:
        """Yield the items of all pages of ``list_links``. ``timeout`` is for each page."""
        page = ListLinksRequest()
        page.CopyFrom(request)
        while True:
            response = self.call(LIST_LINKS, page, timeout=timeout)
            for item in response.links:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    def list_operations(self, request: ListOperationsRequest, *, timeout: float | None = None) -> ListOperationsResponse:
        """Lists operations that match the specified filter in the request. If the
        server doesn't support this method, it returns `UNIMPLEMENTED`.
        """
        return self.call(LIST_OPERATIONS, request, timeout=timeout)

    def list_operations_all(self, request: ListOperationsRequest, *, timeout: float | None = None) -> Iterator[Operation]:
        """Yield the items of all pages of ``list_operations``. ``timeout`` is for each page."""
        page = ListOperationsRequest()
        page.CopyFrom(request)
        while True:
            response = self.call(LIST_OPERATIONS, page, timeout=timeout)
            for item in response.operations:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    def list_providers(self, request: ListProvidersRequest, *, timeout: float | None = None) -> ListProvidersResponse:
        """Lists the providers of the tenant that a login page can offer, in alphabetical
        order.
        Errors: only those of every call.
        """
        return self.call(LIST_PROVIDERS, request, timeout=timeout)

    def list_providers_all(self, request: ListProvidersRequest, *, timeout: float | None = None) -> Iterator[SignInProvider]:
        """Yield the items of all pages of ``list_providers``. ``timeout`` is for each page."""
        page = ListProvidersRequest()
        page.CopyFrom(request)
        while True:
            response = self.call(LIST_PROVIDERS, page, timeout=timeout)
            for item in response.providers:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    def list_users(self, request: ListUsersRequest, *, timeout: float | None = None) -> ListUsersResponse:
        """Lists the users of the tenant in the order of their ids. Absorbed users are not
        listed: their identities are with their holders.
        """
        return self.call(LIST_USERS, request, timeout=timeout)

    def list_users_all(self, request: ListUsersRequest, *, timeout: float | None = None) -> Iterator[User]:
        """Yield the items of all pages of ``list_users``. ``timeout`` is for each page."""
        page = ListUsersRequest()
        page.CopyFrom(request)
        while True:
            response = self.call(LIST_USERS, page, timeout=timeout)
            for item in response.users:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    def merge_metadata(self, request: MergeMetadataRequest, *, timeout: float | None = None) -> MergeMetadataResponse:
        """Merges metadata into that of a user: another user's, given metadata, or what a
        link kept. A user token can only give `user_metadata`.

        What the merge in Auth0's documents did depends on its lodash. This is what it
        did with versions 3 and 4, and what this call does by default. More rows are in
        `docs/reference/auth0-differences.md`.

        | secondary  | primary    | lodash 3    | lodash 4 | here        |
        | ---------- | ---------- | ----------- | -------- | ----------- |
        | `[1, 2]`   | `[3]`      | `[3, 1, 2]` | `[3, 2]` | `[3, 1, 2]` |
        | `[1]`      | `null`     | throws      | `null`   | `null`      |
        | `[1]`      | `7`        | throws      | `7`      | `7`         |
        | `[1]`      | `"x"`      | `"x1"`      | `"x"`    | `"x"`       |
        | `[1]`      | `{"a": 1}` | throws      | `[1]`    | `{"a": 1}`  |

        Errors: USER_NOT_FOUND, LINK_NOT_FOUND, SAME_USER, USER_ABSORBED, USER_BLOCKED,
        METADATA_CONFLICT, METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
        """
        return self.call(MERGE_METADATA, request, timeout=timeout)

    def receive_logout_token(self, request: ReceiveLogoutTokenRequest, *, timeout: float | None = None) -> ReceiveLogoutTokenResponse:
        """Carries out a logout token (OpenID Connect Back-Channel Logout 1.0) that a provider
        sent to the service: tokens that name the account and were issued before, up to the
        end of that second, are refused from the response on. The user's other accounts keep
        theirs. The feed has `identity_logged_out`. The response is the same for an account
        that no user has. A token counts once; sending it again is harmless.
        Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
        PROVIDER_UNAVAILABLE.
        """
        return self.call(RECEIVE_LOGOUT_TOKEN, request, timeout=timeout)

    def receive_security_events(self, request: ReceiveSecurityEventsRequest, *, timeout: float | None = None) -> ReceiveSecurityEventsResponse:
        """Carries out a security event token (RFC 8417; OpenID RISC and CAEP) that a provider
        sent to the service. Each event that is known is in the feed, as
        `account_event_reported`. Where the operator says so (`account_events`), it also
        withdraws the tokens of the whole user that were issued before. Other events are
        ignored. The response is the same for an account that no user has. A token counts
        once; sending it again is harmless.
        Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
        PROVIDER_UNAVAILABLE.
        """
        return self.call(RECEIVE_SECURITY_EVENTS, request, timeout=timeout)

    def resolve_sign_in(self, request: ResolveSignInRequest, *, timeout: float | None = None) -> ResolveSignInResponse:
        """Decides which user signs in with an account that the service itself has verified,
        and writes the result: a new user, or the account attached to the user that has its
        email. The service's statement about the account is accepted. Two concurrent first
        sign-ins lead to one user.

        If the account may belong to a user but this is not certain, only a ticket is
        written. With it the person continues: as the candidate (`Link`), after signing in
        as that user, or as a user of its own (here). If the tenant asks before it creates
        a user (`registration`), also only a ticket is written, with which a second call
        creates the user.
        Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, EMAIL_MISSING, EMAIL_UNVERIFIED,
        USER_BLOCKED, REGISTRATION_CLOSED, TOO_MANY_IDENTITIES, SIGN_IN_INVALID.
        """
        return self.call(RESOLVE_SIGN_IN, request, timeout=timeout)

    def resolve_users(self, request: ResolveUsersRequest, *, timeout: float | None = None) -> ResolveUsersResponse:
        """Resolves user ids, live or absorbed, to the users that hold them now. An unknown
        id is a result, not an error.
        """
        return self.call(RESOLVE_USERS, request, timeout=timeout)

    def set_primary_identity(self, request: SetPrimaryIdentityRequest, *, timeout: float | None = None) -> SetPrimaryIdentityResponse:
        """Makes another identity of the user the primary one. The user's id stays. Its
        profile becomes that of the new primary identity. A user token needs a sign-in
        within the last ten minutes.
        Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
        REAUTHENTICATION_REQUIRED.
        """
        return self.call(SET_PRIMARY_IDENTITY, request, timeout=timeout)

    def start_sign_in(self, request: StartSignInRequest, *, timeout: float | None = None) -> StartSignInResponse:
        """Starts a flow at a provider, to sign in or to link another account, and returns
        where to send the browser. The flow ends in `CompleteSignIn`, once and within ten
        minutes.
        Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_UNAVAILABLE; for a link also
        those of a call with its `user_token`.
        """
        return self.call(START_SIGN_IN, request, timeout=timeout)

    def undo_link(self, request: UndoLinkRequest, *, timeout: float | None = None) -> UndoLinkResponse:
        """Undoes a whole link. The absorbed user comes back with every identity that it
        brought and that is still here, and with the users that it had absorbed itself.
        What the merge changed is reversed. If the link attached an identity, that
        becomes a user of its own, as with `Unlink`. Released identities do not come
        back.

        Undoing an undone link succeeds and changes nothing. Tokens are refused as after
        `Unlink`. A user token needs a sign-in within the tenant's `max_sign_in_age`.

        Errors: LINK_NOT_FOUND, also for a link of other users; LINK_NOT_UNDOABLE, with
        the cause, such as that all identities of the link were released;
        METADATA_TOO_LARGE, if the metadata that would come back does not fit beside the
        present metadata; VERSION_MISMATCH, USER_BLOCKED.
        """
        return self.call(UNDO_LINK, request, timeout=timeout)

    def undo_links(self, request: UndoLinksRequest, *, timeout: float | None = None) -> Operation:
        """Takes links back, the newest first, by the rules of `UndoLink`.
        Errors: TOO_MANY_OPERATIONS.
        """
        return self.call(UNDO_LINKS, request, timeout=timeout)

    def unlink(self, request: UnlinkRequest, *, timeout: float | None = None) -> UnlinkResponse:
        """Detaches one identity from its user. If it is the last identity here of an
        absorbed user, that user comes back under its own id, with its profile and
        metadata as they were. Otherwise the identity becomes a user of its own without
        metadata. For a user token `app_metadata` does not come back.

        Tokens issued before the call are refused for both users. If a user token calls,
        that token alone stays valid for its own user, so that it can repeat the call. A
        user token needs a sign-in within the tenant's `max_sign_in_age`. With
        UNLINK_MODE_RELEASE the user gives the account up, and no user comes back: see
        UnlinkMode.
        Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
        LAST_IDENTITY, PRIMARY_IDENTITY, REAUTHENTICATION_REQUIRED.
        """
        return self.call(UNLINK, request, timeout=timeout)

    def update_user(self, request: UpdateUserRequest, *, timeout: float | None = None) -> UpdateUserResponse:
        """Replaces the named fields of a user. A user token can only name `user_metadata`.
        Errors: USER_NOT_FOUND, USER_ABSORBED, SCOPE_INSUFFICIENT,
        REAUTHENTICATION_REQUIRED.
        """
        return self.call(UPDATE_USER, request, timeout=timeout)

    def wait_operation(self, request: WaitOperationRequest, *, timeout: float | None = None) -> Operation:
        """Waits until the specified long-running operation is done or reaches at most
        a specified timeout, returning the latest state.  If the operation is
        already done, the latest state is immediately returned.  If the timeout
        specified is greater than the default HTTP/RPC timeout, the HTTP/RPC
        timeout is used.  If the server does not support this method, it returns
        `google.rpc.Code.UNIMPLEMENTED`.
        Note that this method is on a best-effort basis.  It may return the latest
        state before the specified timeout (including immediately), meaning even an
        immediate response is no guarantee that the operation is done.
        """
        return self.call(WAIT_OPERATION, request, timeout=timeout)



class AsyncCalls(ABC):
    """The rpcs with one response. ``timeout`` is in seconds, for a call with all its attempts."""

    @abstractmethod
    async def call(self, rpc: Rpc[Req, Res], request: Req, *, timeout: float | None = None) -> Res:
        """Make a call, with the attempts that are safe."""

    async def apply_plan(self, request: ApplyPlanRequest, *, timeout: float | None = None) -> Operation:
        """Links by a plan: each secondary user of a line into its primary one, by the
        rules of `Link`. What has changed since the plan is skipped.
        Errors: OPERATION_NOT_FOUND, OPERATION_UNFINISHED, PLAN_INCOMPLETE,
        TOO_MANY_OPERATIONS.
        """
        return await self.call(APPLY_PLAN, request, timeout=timeout)

    async def cancel_operation(self, request: CancelOperationRequest, *, timeout: float | None = None) -> Empty:
        """Starts asynchronous cancellation on a long-running operation.  The server
        makes a best effort to cancel the operation, but success is not
        guaranteed.  If the server doesn't support this method, it returns
        `google.rpc.Code.UNIMPLEMENTED`.  Clients can use
        [Operations.GetOperation][google.longrunning.Operations.GetOperation] or
        other methods to check whether the cancellation succeeded or whether the
        operation completed despite cancellation. On successful cancellation,
        the operation is not deleted; instead, it becomes an operation with
        an [Operation.error][google.longrunning.Operation.error] value with a
        [google.rpc.Status.code][google.rpc.Status.code] of `1`, corresponding to
        `Code.CANCELLED`.
        """
        return await self.call(CANCEL_OPERATION, request, timeout=timeout)

    async def complete_sign_in(self, request: CompleteSignInRequest, *, timeout: float | None = None) -> CompleteSignInResponse:
        """Completes the attempt of `StartSignIn`: exchanges the code, verifies which account
        signed in, and decides like `ResolveSignIn`, or links like `Link`. The caller that
        completes an attempt must be the one that started it: the secret proves that, and
        for a link also a token of the same user. The browser must have come back to a
        redirect URI of this provider. The server checks this before it sends anything to
        the provider. The check uses the attempt up with any result; only a wrong
        field, or a `user_token` that cannot link, leaves the attempt. The secret and the
        state name the attempt together: the secret of one with the state of another is
        SIGN_IN_INVALID, and uses up neither.

        With a `request_id` the same call can be repeated until the attempt expires, and
        continues where the first call was interrupted: the account is stored with the
        attempt as soon as the provider has proven it. While a call waits for the provider,
        the same call is refused with CONFLICT_RETRY. After PROVIDER_UNAVAILABLE it asks
        the provider again. A retry is SIGN_IN_INVALID only if a server crashed after the
        provider's response and before it stored the account. Without a `request_id` a
        second call is always SIGN_IN_INVALID.
        Errors: SIGN_IN_INVALID, PROVIDER_UNKNOWN, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE;
        for a sign-in those of `ResolveSignIn`; for a link PROVIDER_DISABLED, those of
        `Link`, and of a call with its `user_token`.
        """
        return await self.call(COMPLETE_SIGN_IN, request, timeout=timeout)

    async def create_user(self, request: CreateUserRequest, *, timeout: float | None = None) -> CreateUserResponse:
        """Creates a user with its first identity.
        Errors: IDENTITY_TAKEN, USER_EXISTS, PROVIDER_UNKNOWN.
        """
        return await self.call(CREATE_USER, request, timeout=timeout)

    async def delete_operation(self, request: DeleteOperationRequest, *, timeout: float | None = None) -> Empty:
        """Deletes a long-running operation. This method indicates that the client is
        no longer interested in the operation result. It does not cancel the
        operation. If the server doesn't support this method, it returns
        `google.rpc.Code.UNIMPLEMENTED`.
        """
        return await self.call(DELETE_OPERATION, request, timeout=timeout)

    async def delete_user(self, request: DeleteUserRequest, *, timeout: float | None = None) -> DeleteUserResponse:
        """Deletes a user, its identities and all its data, permanently. Its id is never
        given to another person. An id `provider|subject` can be given to the same
        account again, if the account was the user's own when it was deleted. Only
        events (EventService) stay until they are old; they hold ids and no values. A
        user token needs a sign-in within the last ten minutes.
        Errors: USER_NOT_FOUND, USER_ABSORBED, ABSORBED_USERS_EXIST,
        REAUTHENTICATION_REQUIRED.
        """
        return await self.call(DELETE_USER, request, timeout=timeout)

    async def find_by_email(self, request: FindByEmailRequest, *, timeout: float | None = None) -> FindByEmailResponse:
        """Finds the users that have an identity with this email, in the order of their
        ids. By default only emails that count as verified by the tenant's configuration
        of today are found (`Identity.email_verified`). If there is no such user, the
        page is empty.
        """
        return await self.call(FIND_BY_EMAIL, request, timeout=timeout)

    async def find_by_email_all(self, request: FindByEmailRequest, *, timeout: float | None = None) -> AsyncIterator[EmailMatch]:
        """Yield the items of all pages of ``find_by_email``. ``timeout`` is for each page."""
        page = FindByEmailRequest()
        page.CopyFrom(request)
        while True:
            response = await self.call(FIND_BY_EMAIL, page, timeout=timeout)
            for item in response.matches:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    async def find_by_identity(self, request: FindByIdentityRequest, *, timeout: float | None = None) -> FindByIdentityResponse:
        """Finds the user that holds an identity. An identity that is there is found also if the
        tenant no longer declares its provider.
        Errors: IDENTITY_NOT_FOUND, PROVIDER_UNKNOWN.
        """
        return await self.call(FIND_BY_IDENTITY, request, timeout=timeout)

    async def find_duplicates(self, request: FindDuplicatesRequest, *, timeout: float | None = None) -> Operation:
        """Looks for users that are likely one person, and writes a plan of their links.
        It changes no user.
        Errors: TOO_MANY_OPERATIONS.
        """
        return await self.call(FIND_DUPLICATES, request, timeout=timeout)

    async def get_operation(self, request: GetOperationRequest, *, timeout: float | None = None) -> Operation:
        """Gets the latest state of a long-running operation.  Clients can use this
        method to poll the operation result at intervals as recommended by the API
        service.
        """
        return await self.call(GET_OPERATION, request, timeout=timeout)

    async def get_provider_token(self, request: GetProviderTokenRequest, *, timeout: float | None = None) -> GetProviderTokenResponse:
        """Gets an access token of the provider of an identity, for calls to the provider's API.
        The operator keeps tokens of that provider, and lists the services that may get them
        (`oauth.tokens`). The tokens are those of the identity's last flow (`StartSignIn`). A
        token that expires within a minute is refreshed first, by one request to the provider
        for all calls that wait.

        Keep the token in memory only, and get it again for the next use: this call sees at
        once that the identity has left the user. The token is a secret of the person.
        Errors: USER_NOT_FOUND, USER_ABSORBED, USER_BLOCKED, IDENTITY_NOT_FOUND, also for one
        of another user; PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_TOKEN_GONE,
        PROVIDER_SCOPES_MISSING, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE; SCOPE_INSUFFICIENT,
        also if the operator does not list the service.
        """
        return await self.call(GET_PROVIDER_TOKEN, request, timeout=timeout)

    async def get_user(self, request: GetUserRequest, *, timeout: float | None = None) -> GetUserResponse:
        """Gets one user. For the id of an absorbed user it returns the holder.
        Errors: USER_NOT_FOUND.
        """
        return await self.call(GET_USER, request, timeout=timeout)

    async def link(self, request: LinkRequest, *, timeout: float | None = None) -> LinkResponse:
        """Links two users into one. The primary user absorbs the secondary: the identities
        move, the metadata is merged as requested, and the secondary's id continues to
        resolve. If `link_with` proves an account that belongs to no user, the account
        is attached directly. With `attach_only` nothing else is done. Repeating the
        link while it stands is not an error.
        Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, SAME_USER, USER_ABSORBED,
        USER_BLOCKED, PROVIDER_UNKNOWN, LINK_TOKEN_INVALID, LINK_TICKET_INVALID,
        IDENTITY_TAKEN, EMAIL_NOT_SHARED, TOO_MANY_IDENTITIES, METADATA_CONFLICT,
        METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
        """
        return await self.call(LINK, request, timeout=timeout)

    async def list_connections(self, request: ListConnectionsRequest, *, timeout: float | None = None) -> ListConnectionsResponse:
        """Returns the connections of the tenant's configuration, in the order of their names:
        those that its enabled providers list, and the names of those that list none. An
        account arrives through one of these.
        """
        return await self.call(LIST_CONNECTIONS, request, timeout=timeout)

    async def list_connections_all(self, request: ListConnectionsRequest, *, timeout: float | None = None) -> AsyncIterator[Connection]:
        """Yield the items of all pages of ``list_connections``. ``timeout`` is for each page."""
        page = ListConnectionsRequest()
        page.CopyFrom(request)
        while True:
            response = await self.call(LIST_CONNECTIONS, page, timeout=timeout)
            for item in response.connections:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    async def list_events(self, request: ListEventsRequest, *, timeout: float | None = None) -> ListEventsResponse:
        """Returns the events after a position, the oldest first, as far as they are
        available now.
        Errors: POSITION_INVALID, POSITION_EXPIRED.
        """
        return await self.call(LIST_EVENTS, request, timeout=timeout)

    async def list_link_candidates(self, request: ListLinkCandidatesRequest, *, timeout: float | None = None) -> ListLinkCandidatesResponse:
        """Suggests users to link with a user: those that share an email with it that is
        verified on both sides. The likeliest come first: users that were never unlinked
        from it, with more shared emails, verified more recently. At most 20.

        A suggestion is no proof, and links nothing. Blocked users are not suggested. As
        at a sign-in, an email does not count if its part before the `@` is not ASCII,
        or if a provider with `linking = "off"` verified it on either of the two users.
        Errors: USER_NOT_FOUND.
        """
        return await self.call(LIST_LINK_CANDIDATES, request, timeout=timeout)

    async def list_links(self, request: ListLinksRequest, *, timeout: float | None = None) -> ListLinksResponse:
        """Lists every link that names a user, or a user that it holds now, as its primary
        or secondary side. This includes undone links; the newest comes first. For the
        id of an absorbed user it lists the links that name that very user. LinkRecord
        says what a user token sees of other users.
        A service that names no user but a filter lists the links of its whole tenant.
        Errors: USER_NOT_FOUND.
        """
        return await self.call(LIST_LINKS, request, timeout=timeout)

    async def list_links_all(self, request: ListLinksRequest, *, timeout: float | None = None) -> AsyncIterator[LinkRecord]:
        """Yield the items of all pages of ``list_links``. ``timeout`` is for each page."""
        page = ListLinksRequest()
        page.CopyFrom(request)
        while True:
            response = await self.call(LIST_LINKS, page, timeout=timeout)
            for item in response.links:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    async def list_operations(self, request: ListOperationsRequest, *, timeout: float | None = None) -> ListOperationsResponse:
        """Lists operations that match the specified filter in the request. If the
        server doesn't support this method, it returns `UNIMPLEMENTED`.
        """
        return await self.call(LIST_OPERATIONS, request, timeout=timeout)

    async def list_operations_all(self, request: ListOperationsRequest, *, timeout: float | None = None) -> AsyncIterator[Operation]:
        """Yield the items of all pages of ``list_operations``. ``timeout`` is for each page."""
        page = ListOperationsRequest()
        page.CopyFrom(request)
        while True:
            response = await self.call(LIST_OPERATIONS, page, timeout=timeout)
            for item in response.operations:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    async def list_providers(self, request: ListProvidersRequest, *, timeout: float | None = None) -> ListProvidersResponse:
        """Lists the providers of the tenant that a login page can offer, in alphabetical
        order.
        Errors: only those of every call.
        """
        return await self.call(LIST_PROVIDERS, request, timeout=timeout)

    async def list_providers_all(self, request: ListProvidersRequest, *, timeout: float | None = None) -> AsyncIterator[SignInProvider]:
        """Yield the items of all pages of ``list_providers``. ``timeout`` is for each page."""
        page = ListProvidersRequest()
        page.CopyFrom(request)
        while True:
            response = await self.call(LIST_PROVIDERS, page, timeout=timeout)
            for item in response.providers:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    async def list_users(self, request: ListUsersRequest, *, timeout: float | None = None) -> ListUsersResponse:
        """Lists the users of the tenant in the order of their ids. Absorbed users are not
        listed: their identities are with their holders.
        """
        return await self.call(LIST_USERS, request, timeout=timeout)

    async def list_users_all(self, request: ListUsersRequest, *, timeout: float | None = None) -> AsyncIterator[User]:
        """Yield the items of all pages of ``list_users``. ``timeout`` is for each page."""
        page = ListUsersRequest()
        page.CopyFrom(request)
        while True:
            response = await self.call(LIST_USERS, page, timeout=timeout)
            for item in response.users:
                yield item
            if not response.next_page_token:
                return
            page.page_token = response.next_page_token

    async def merge_metadata(self, request: MergeMetadataRequest, *, timeout: float | None = None) -> MergeMetadataResponse:
        """Merges metadata into that of a user: another user's, given metadata, or what a
        link kept. A user token can only give `user_metadata`.

        What the merge in Auth0's documents did depends on its lodash. This is what it
        did with versions 3 and 4, and what this call does by default. More rows are in
        `docs/reference/auth0-differences.md`.

        | secondary  | primary    | lodash 3    | lodash 4 | here        |
        | ---------- | ---------- | ----------- | -------- | ----------- |
        | `[1, 2]`   | `[3]`      | `[3, 1, 2]` | `[3, 2]` | `[3, 1, 2]` |
        | `[1]`      | `null`     | throws      | `null`   | `null`      |
        | `[1]`      | `7`        | throws      | `7`      | `7`         |
        | `[1]`      | `"x"`      | `"x1"`      | `"x"`    | `"x"`       |
        | `[1]`      | `{"a": 1}` | throws      | `[1]`    | `{"a": 1}`  |

        Errors: USER_NOT_FOUND, LINK_NOT_FOUND, SAME_USER, USER_ABSORBED, USER_BLOCKED,
        METADATA_CONFLICT, METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
        """
        return await self.call(MERGE_METADATA, request, timeout=timeout)

    async def receive_logout_token(self, request: ReceiveLogoutTokenRequest, *, timeout: float | None = None) -> ReceiveLogoutTokenResponse:
        """Carries out a logout token (OpenID Connect Back-Channel Logout 1.0) that a provider
        sent to the service: tokens that name the account and were issued before, up to the
        end of that second, are refused from the response on. The user's other accounts keep
        theirs. The feed has `identity_logged_out`. The response is the same for an account
        that no user has. A token counts once; sending it again is harmless.
        Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
        PROVIDER_UNAVAILABLE.
        """
        return await self.call(RECEIVE_LOGOUT_TOKEN, request, timeout=timeout)

    async def receive_security_events(self, request: ReceiveSecurityEventsRequest, *, timeout: float | None = None) -> ReceiveSecurityEventsResponse:
        """Carries out a security event token (RFC 8417; OpenID RISC and CAEP) that a provider
        sent to the service. Each event that is known is in the feed, as
        `account_event_reported`. Where the operator says so (`account_events`), it also
        withdraws the tokens of the whole user that were issued before. Other events are
        ignored. The response is the same for an account that no user has. A token counts
        once; sending it again is harmless.
        Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
        PROVIDER_UNAVAILABLE.
        """
        return await self.call(RECEIVE_SECURITY_EVENTS, request, timeout=timeout)

    async def resolve_sign_in(self, request: ResolveSignInRequest, *, timeout: float | None = None) -> ResolveSignInResponse:
        """Decides which user signs in with an account that the service itself has verified,
        and writes the result: a new user, or the account attached to the user that has its
        email. The service's statement about the account is accepted. Two concurrent first
        sign-ins lead to one user.

        If the account may belong to a user but this is not certain, only a ticket is
        written. With it the person continues: as the candidate (`Link`), after signing in
        as that user, or as a user of its own (here). If the tenant asks before it creates
        a user (`registration`), also only a ticket is written, with which a second call
        creates the user.
        Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, EMAIL_MISSING, EMAIL_UNVERIFIED,
        USER_BLOCKED, REGISTRATION_CLOSED, TOO_MANY_IDENTITIES, SIGN_IN_INVALID.
        """
        return await self.call(RESOLVE_SIGN_IN, request, timeout=timeout)

    async def resolve_users(self, request: ResolveUsersRequest, *, timeout: float | None = None) -> ResolveUsersResponse:
        """Resolves user ids, live or absorbed, to the users that hold them now. An unknown
        id is a result, not an error.
        """
        return await self.call(RESOLVE_USERS, request, timeout=timeout)

    async def set_primary_identity(self, request: SetPrimaryIdentityRequest, *, timeout: float | None = None) -> SetPrimaryIdentityResponse:
        """Makes another identity of the user the primary one. The user's id stays. Its
        profile becomes that of the new primary identity. A user token needs a sign-in
        within the last ten minutes.
        Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
        REAUTHENTICATION_REQUIRED.
        """
        return await self.call(SET_PRIMARY_IDENTITY, request, timeout=timeout)

    async def start_sign_in(self, request: StartSignInRequest, *, timeout: float | None = None) -> StartSignInResponse:
        """Starts a flow at a provider, to sign in or to link another account, and returns
        where to send the browser. The flow ends in `CompleteSignIn`, once and within ten
        minutes.
        Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_UNAVAILABLE; for a link also
        those of a call with its `user_token`.
        """
        return await self.call(START_SIGN_IN, request, timeout=timeout)

    async def undo_link(self, request: UndoLinkRequest, *, timeout: float | None = None) -> UndoLinkResponse:
        """Undoes a whole link. The absorbed user comes back with every identity that it
        brought and that is still here, and with the users that it had absorbed itself.
        What the merge changed is reversed. If the link attached an identity, that
        becomes a user of its own, as with `Unlink`. Released identities do not come
        back.

        Undoing an undone link succeeds and changes nothing. Tokens are refused as after
        `Unlink`. A user token needs a sign-in within the tenant's `max_sign_in_age`.

        Errors: LINK_NOT_FOUND, also for a link of other users; LINK_NOT_UNDOABLE, with
        the cause, such as that all identities of the link were released;
        METADATA_TOO_LARGE, if the metadata that would come back does not fit beside the
        present metadata; VERSION_MISMATCH, USER_BLOCKED.
        """
        return await self.call(UNDO_LINK, request, timeout=timeout)

    async def undo_links(self, request: UndoLinksRequest, *, timeout: float | None = None) -> Operation:
        """Takes links back, the newest first, by the rules of `UndoLink`.
        Errors: TOO_MANY_OPERATIONS.
        """
        return await self.call(UNDO_LINKS, request, timeout=timeout)

    async def unlink(self, request: UnlinkRequest, *, timeout: float | None = None) -> UnlinkResponse:
        """Detaches one identity from its user. If it is the last identity here of an
        absorbed user, that user comes back under its own id, with its profile and
        metadata as they were. Otherwise the identity becomes a user of its own without
        metadata. For a user token `app_metadata` does not come back.

        Tokens issued before the call are refused for both users. If a user token calls,
        that token alone stays valid for its own user, so that it can repeat the call. A
        user token needs a sign-in within the tenant's `max_sign_in_age`. With
        UNLINK_MODE_RELEASE the user gives the account up, and no user comes back: see
        UnlinkMode.
        Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
        LAST_IDENTITY, PRIMARY_IDENTITY, REAUTHENTICATION_REQUIRED.
        """
        return await self.call(UNLINK, request, timeout=timeout)

    async def update_user(self, request: UpdateUserRequest, *, timeout: float | None = None) -> UpdateUserResponse:
        """Replaces the named fields of a user. A user token can only name `user_metadata`.
        Errors: USER_NOT_FOUND, USER_ABSORBED, SCOPE_INSUFFICIENT,
        REAUTHENTICATION_REQUIRED.
        """
        return await self.call(UPDATE_USER, request, timeout=timeout)

    async def wait_operation(self, request: WaitOperationRequest, *, timeout: float | None = None) -> Operation:
        """Waits until the specified long-running operation is done or reaches at most
        a specified timeout, returning the latest state.  If the operation is
        already done, the latest state is immediately returned.  If the timeout
        specified is greater than the default HTTP/RPC timeout, the HTTP/RPC
        timeout is used.  If the server does not support this method, it returns
        `google.rpc.Code.UNIMPLEMENTED`.
        Note that this method is on a best-effort basis.  It may return the latest
        state before the specified timeout (including immediately), meaning even an
        immediate response is no guarantee that the operation is done.
        """
        return await self.call(WAIT_OPERATION, request, timeout=timeout)

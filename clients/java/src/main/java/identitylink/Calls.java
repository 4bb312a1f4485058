// Written by clients/generate from the protos. Do not edit.
package identitylink;

import com.google.longrunning.CancelOperationRequest;
import com.google.longrunning.DeleteOperationRequest;
import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.ListOperationsRequest;
import com.google.longrunning.ListOperationsResponse;
import com.google.longrunning.Operation;
import com.google.longrunning.WaitOperationRequest;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import identitylink.v1.ApplyPlanRequest;
import identitylink.v1.CompleteSignInRequest;
import identitylink.v1.CompleteSignInResponse;
import identitylink.v1.Connection;
import identitylink.v1.CreateUserRequest;
import identitylink.v1.CreateUserResponse;
import identitylink.v1.DeleteUserRequest;
import identitylink.v1.DeleteUserResponse;
import identitylink.v1.EmailMatch;
import identitylink.v1.ExportUsersRequest;
import identitylink.v1.ExportUsersResponse;
import identitylink.v1.FindByEmailRequest;
import identitylink.v1.FindByEmailResponse;
import identitylink.v1.FindByIdentityRequest;
import identitylink.v1.FindByIdentityResponse;
import identitylink.v1.FindDuplicatesRequest;
import identitylink.v1.GetProviderTokenRequest;
import identitylink.v1.GetProviderTokenResponse;
import identitylink.v1.GetUserRequest;
import identitylink.v1.GetUserResponse;
import identitylink.v1.ImportUsersRequest;
import identitylink.v1.ImportUsersResponse;
import identitylink.v1.LinkRecord;
import identitylink.v1.LinkRequest;
import identitylink.v1.LinkResponse;
import identitylink.v1.ListConnectionsRequest;
import identitylink.v1.ListConnectionsResponse;
import identitylink.v1.ListEventsRequest;
import identitylink.v1.ListEventsResponse;
import identitylink.v1.ListLinkCandidatesRequest;
import identitylink.v1.ListLinkCandidatesResponse;
import identitylink.v1.ListLinksRequest;
import identitylink.v1.ListLinksResponse;
import identitylink.v1.ListProvidersRequest;
import identitylink.v1.ListProvidersResponse;
import identitylink.v1.ListUsersRequest;
import identitylink.v1.ListUsersResponse;
import identitylink.v1.MergeMetadataRequest;
import identitylink.v1.MergeMetadataResponse;
import identitylink.v1.ReadLinesRequest;
import identitylink.v1.ReadLinesResponse;
import identitylink.v1.ReceiveLogoutTokenRequest;
import identitylink.v1.ReceiveLogoutTokenResponse;
import identitylink.v1.ReceiveSecurityEventsRequest;
import identitylink.v1.ReceiveSecurityEventsResponse;
import identitylink.v1.ResolveSignInRequest;
import identitylink.v1.ResolveSignInResponse;
import identitylink.v1.ResolveUsersRequest;
import identitylink.v1.ResolveUsersResponse;
import identitylink.v1.SetPrimaryIdentityRequest;
import identitylink.v1.SetPrimaryIdentityResponse;
import identitylink.v1.SignInProvider;
import identitylink.v1.StartSignInRequest;
import identitylink.v1.StartSignInResponse;
import identitylink.v1.UndoLinkRequest;
import identitylink.v1.UndoLinkResponse;
import identitylink.v1.UndoLinksRequest;
import identitylink.v1.UnlinkRequest;
import identitylink.v1.UnlinkResponse;
import identitylink.v1.UpdateUserRequest;
import identitylink.v1.UpdateUserResponse;
import identitylink.v1.UploadPlanRequest;
import identitylink.v1.UploadPlanResponse;
import identitylink.v1.User;
import identitylink.v1.WatchEventsRequest;
import identitylink.v1.WatchEventsResponse;
import java.util.concurrent.CompletableFuture;

/** The rpcs with one response. {@link Client} makes them, with the attempts that are safe. */
public abstract class Calls {
    static final Rpc<ApplyPlanRequest, Operation> APPLY_PLAN = Rpc.unary(
            "identitylink.v1.JobService/ApplyPlan",
            ApplyPlanRequest.getDefaultInstance(),
            Operation.getDefaultInstance(),
            false,
            Rpc.RequestId.ALWAYS);

    static final Rpc<CancelOperationRequest, Empty> CANCEL_OPERATION = Rpc.unary(
            "google.longrunning.Operations/CancelOperation",
            CancelOperationRequest.getDefaultInstance(),
            Empty.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<CompleteSignInRequest, CompleteSignInResponse> COMPLETE_SIGN_IN = Rpc.unary(
            "identitylink.v1.SignInService/CompleteSignIn",
            CompleteSignInRequest.getDefaultInstance(),
            CompleteSignInResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.ALWAYS);

    static final Rpc<CreateUserRequest, CreateUserResponse> CREATE_USER = Rpc.unary(
            "identitylink.v1.IdentityService/CreateUser",
            CreateUserRequest.getDefaultInstance(),
            CreateUserResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<DeleteOperationRequest, Empty> DELETE_OPERATION = Rpc.unary(
            "google.longrunning.Operations/DeleteOperation",
            DeleteOperationRequest.getDefaultInstance(),
            Empty.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<DeleteUserRequest, DeleteUserResponse> DELETE_USER = Rpc.unary(
            "identitylink.v1.IdentityService/DeleteUser",
            DeleteUserRequest.getDefaultInstance(),
            DeleteUserResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<ExportUsersRequest, ExportUsersResponse> EXPORT_USERS = Rpc.stream(
            "identitylink.v1.TransferService/ExportUsers",
            ExportUsersRequest.getDefaultInstance(),
            ExportUsersResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<FindByEmailRequest, FindByEmailResponse> FIND_BY_EMAIL = Rpc.unary(
            "identitylink.v1.IdentityService/FindByEmail",
            FindByEmailRequest.getDefaultInstance(),
            FindByEmailResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<FindByIdentityRequest, FindByIdentityResponse> FIND_BY_IDENTITY = Rpc.unary(
            "identitylink.v1.IdentityService/FindByIdentity",
            FindByIdentityRequest.getDefaultInstance(),
            FindByIdentityResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<FindDuplicatesRequest, Operation> FIND_DUPLICATES = Rpc.unary(
            "identitylink.v1.JobService/FindDuplicates",
            FindDuplicatesRequest.getDefaultInstance(),
            Operation.getDefaultInstance(),
            false,
            Rpc.RequestId.ALWAYS);

    static final Rpc<GetOperationRequest, Operation> GET_OPERATION = Rpc.unary(
            "google.longrunning.Operations/GetOperation",
            GetOperationRequest.getDefaultInstance(),
            Operation.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<GetProviderTokenRequest, GetProviderTokenResponse> GET_PROVIDER_TOKEN = Rpc.unary(
            "identitylink.v1.IdentityService/GetProviderToken",
            GetProviderTokenRequest.getDefaultInstance(),
            GetProviderTokenResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<GetUserRequest, GetUserResponse> GET_USER = Rpc.unary(
            "identitylink.v1.IdentityService/GetUser",
            GetUserRequest.getDefaultInstance(),
            GetUserResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ImportUsersRequest, ImportUsersResponse> IMPORT_USERS = Rpc.streams(
            "identitylink.v1.TransferService/ImportUsers",
            ImportUsersRequest.getDefaultInstance(),
            ImportUsersResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<LinkRequest, LinkResponse> LINK = Rpc.unary(
            "identitylink.v1.IdentityService/Link",
            LinkRequest.getDefaultInstance(),
            LinkResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<ListConnectionsRequest, ListConnectionsResponse> LIST_CONNECTIONS = Rpc.unary(
            "identitylink.v1.IdentityService/ListConnections",
            ListConnectionsRequest.getDefaultInstance(),
            ListConnectionsResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ListEventsRequest, ListEventsResponse> LIST_EVENTS = Rpc.unary(
            "identitylink.v1.EventService/ListEvents",
            ListEventsRequest.getDefaultInstance(),
            ListEventsResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ListLinkCandidatesRequest, ListLinkCandidatesResponse> LIST_LINK_CANDIDATES = Rpc.unary(
            "identitylink.v1.IdentityService/ListLinkCandidates",
            ListLinkCandidatesRequest.getDefaultInstance(),
            ListLinkCandidatesResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ListLinksRequest, ListLinksResponse> LIST_LINKS = Rpc.unary(
            "identitylink.v1.IdentityService/ListLinks",
            ListLinksRequest.getDefaultInstance(),
            ListLinksResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ListOperationsRequest, ListOperationsResponse> LIST_OPERATIONS = Rpc.unary(
            "google.longrunning.Operations/ListOperations",
            ListOperationsRequest.getDefaultInstance(),
            ListOperationsResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ListProvidersRequest, ListProvidersResponse> LIST_PROVIDERS = Rpc.unary(
            "identitylink.v1.SignInService/ListProviders",
            ListProvidersRequest.getDefaultInstance(),
            ListProvidersResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ListUsersRequest, ListUsersResponse> LIST_USERS = Rpc.unary(
            "identitylink.v1.IdentityService/ListUsers",
            ListUsersRequest.getDefaultInstance(),
            ListUsersResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<MergeMetadataRequest, MergeMetadataResponse> MERGE_METADATA = Rpc.unary(
            "identitylink.v1.IdentityService/MergeMetadata",
            MergeMetadataRequest.getDefaultInstance(),
            MergeMetadataResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<ReadLinesRequest, ReadLinesResponse> READ_LINES = Rpc.stream(
            "identitylink.v1.JobService/ReadLines",
            ReadLinesRequest.getDefaultInstance(),
            ReadLinesResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<ReceiveLogoutTokenRequest, ReceiveLogoutTokenResponse> RECEIVE_LOGOUT_TOKEN = Rpc.unary(
            "identitylink.v1.SignInService/ReceiveLogoutToken",
            ReceiveLogoutTokenRequest.getDefaultInstance(),
            ReceiveLogoutTokenResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<ReceiveSecurityEventsRequest, ReceiveSecurityEventsResponse> RECEIVE_SECURITY_EVENTS = Rpc.unary(
            "identitylink.v1.SignInService/ReceiveSecurityEvents",
            ReceiveSecurityEventsRequest.getDefaultInstance(),
            ReceiveSecurityEventsResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<ResolveSignInRequest, ResolveSignInResponse> RESOLVE_SIGN_IN = Rpc.unary(
            "identitylink.v1.SignInService/ResolveSignIn",
            ResolveSignInRequest.getDefaultInstance(),
            ResolveSignInResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<ResolveUsersRequest, ResolveUsersResponse> RESOLVE_USERS = Rpc.unary(
            "identitylink.v1.IdentityService/ResolveUsers",
            ResolveUsersRequest.getDefaultInstance(),
            ResolveUsersResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<SetPrimaryIdentityRequest, SetPrimaryIdentityResponse> SET_PRIMARY_IDENTITY = Rpc.unary(
            "identitylink.v1.IdentityService/SetPrimaryIdentity",
            SetPrimaryIdentityRequest.getDefaultInstance(),
            SetPrimaryIdentityResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<StartSignInRequest, StartSignInResponse> START_SIGN_IN = Rpc.unary(
            "identitylink.v1.SignInService/StartSignIn",
            StartSignInRequest.getDefaultInstance(),
            StartSignInResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<UndoLinkRequest, UndoLinkResponse> UNDO_LINK = Rpc.unary(
            "identitylink.v1.IdentityService/UndoLink",
            UndoLinkRequest.getDefaultInstance(),
            UndoLinkResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<UndoLinksRequest, Operation> UNDO_LINKS = Rpc.unary(
            "identitylink.v1.JobService/UndoLinks",
            UndoLinksRequest.getDefaultInstance(),
            Operation.getDefaultInstance(),
            false,
            Rpc.RequestId.ALWAYS);

    static final Rpc<UnlinkRequest, UnlinkResponse> UNLINK = Rpc.unary(
            "identitylink.v1.IdentityService/Unlink",
            UnlinkRequest.getDefaultInstance(),
            UnlinkResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<UpdateUserRequest, UpdateUserResponse> UPDATE_USER = Rpc.unary(
            "identitylink.v1.IdentityService/UpdateUser",
            UpdateUserRequest.getDefaultInstance(),
            UpdateUserResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.EXCEPT_PREVIEWS);

    static final Rpc<UploadPlanRequest, UploadPlanResponse> UPLOAD_PLAN = Rpc.streams(
            "identitylink.v1.JobService/UploadPlan",
            UploadPlanRequest.getDefaultInstance(),
            UploadPlanResponse.getDefaultInstance(),
            false,
            Rpc.RequestId.NEVER);

    static final Rpc<WaitOperationRequest, Operation> WAIT_OPERATION = Rpc.unary(
            "google.longrunning.Operations/WaitOperation",
            WaitOperationRequest.getDefaultInstance(),
            Operation.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);

    static final Rpc<WatchEventsRequest, WatchEventsResponse> WATCH_EVENTS = Rpc.stream(
            "identitylink.v1.EventService/WatchEvents",
            WatchEventsRequest.getDefaultInstance(),
            WatchEventsResponse.getDefaultInstance(),
            true,
            Rpc.RequestId.NEVER);


    Calls() {}

    /** Makes a call, and waits for its response. */
    abstract <Q extends Message, R extends Message> R call(Rpc<Q, R> rpc, Q request);

    /** Makes a call for which no thread waits. */
    abstract <Q extends Message, R extends Message> CompletableFuture<R> callAsync(Rpc<Q, R> rpc, Q request);

    /**
     * Links by a plan: each secondary user of a line into its primary one, by the
     * rules of `Link`. What has changed since the plan is skipped.
     * Errors: OPERATION_NOT_FOUND, OPERATION_UNFINISHED, PLAN_INCOMPLETE,
     * TOO_MANY_OPERATIONS.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Operation applyPlan(ApplyPlanRequest request) {
        return call(APPLY_PLAN, request);
    }

    /**
     * Makes the call of applyPlan, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Operation> applyPlanAsync(ApplyPlanRequest request) {
        return callAsync(APPLY_PLAN, request);
    }

    /**
     * Starts asynchronous cancellation on a long-running operation.  The server
     * makes a best effort to cancel the operation, but success is not
     * guaranteed.  If the server doesn't support this method, it returns
     * `google.rpc.Code.UNIMPLEMENTED`.  Clients can use
     * [Operations.GetOperation][google.longrunning.Operations.GetOperation] or
     * other methods to check whether the cancellation succeeded or whether the
     * operation completed despite cancellation. On successful cancellation,
     * the operation is not deleted; instead, it becomes an operation with
     * an [Operation.error][google.longrunning.Operation.error] value with a
     * [google.rpc.Status.code][google.rpc.Status.code] of `1`, corresponding to
     * `Code.CANCELLED`.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Empty cancelOperation(CancelOperationRequest request) {
        return call(CANCEL_OPERATION, request);
    }

    /**
     * Makes the call of cancelOperation, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Empty> cancelOperationAsync(CancelOperationRequest request) {
        return callAsync(CANCEL_OPERATION, request);
    }

    /**
     * Completes the attempt of `StartSignIn`: exchanges the code, verifies which account
     * signed in, and decides like `ResolveSignIn`, or links like `Link`. The caller that
     * completes an attempt must be the one that started it: the secret proves that, and
     * for a link also a token of the same user. The browser must have come back to a
     * redirect URI of this provider. The server checks this before it sends anything to
     * the provider. The check uses the attempt up with any result; only a wrong
     * field, or a `user_token` that cannot link, leaves the attempt. The secret and the
     * state name the attempt together: the secret of one with the state of another is
     * SIGN_IN_INVALID, and uses up neither.
     *
     * With a `request_id` the same call can be repeated until the attempt expires, and
     * continues where the first call was interrupted: the account is stored with the
     * attempt as soon as the provider has proven it. While a call waits for the provider,
     * the same call is refused with CONFLICT_RETRY. After PROVIDER_UNAVAILABLE it asks
     * the provider again. A retry is SIGN_IN_INVALID only if a server crashed after the
     * provider's response and before it stored the account. Without a `request_id` a
     * second call is always SIGN_IN_INVALID.
     * Errors: SIGN_IN_INVALID, PROVIDER_UNKNOWN, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE;
     * for a sign-in those of `ResolveSignIn`; for a link PROVIDER_DISABLED, those of
     * `Link`, and of a call with its `user_token`.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public CompleteSignInResponse completeSignIn(CompleteSignInRequest request) {
        return call(COMPLETE_SIGN_IN, request);
    }

    /**
     * Makes the call of completeSignIn, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<CompleteSignInResponse> completeSignInAsync(CompleteSignInRequest request) {
        return callAsync(COMPLETE_SIGN_IN, request);
    }

    /**
     * Creates a user with its first identity.
     * Errors: IDENTITY_TAKEN, USER_EXISTS, PROVIDER_UNKNOWN.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public CreateUserResponse createUser(CreateUserRequest request) {
        return call(CREATE_USER, request);
    }

    /**
     * Makes the call of createUser, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<CreateUserResponse> createUserAsync(CreateUserRequest request) {
        return callAsync(CREATE_USER, request);
    }

    /**
     * Deletes a long-running operation. This method indicates that the client is
     * no longer interested in the operation result. It does not cancel the
     * operation. If the server doesn't support this method, it returns
     * `google.rpc.Code.UNIMPLEMENTED`.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Empty deleteOperation(DeleteOperationRequest request) {
        return call(DELETE_OPERATION, request);
    }

    /**
     * Makes the call of deleteOperation, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Empty> deleteOperationAsync(DeleteOperationRequest request) {
        return callAsync(DELETE_OPERATION, request);
    }

    /**
     * Deletes a user, its identities and all its data, permanently. Its id is never
     * given to another person. An id `provider|subject` can be given to the same
     * account again, if the account was the user's own when it was deleted. Only
     * events (EventService) stay until they are old; they hold ids and no values. A
     * user token needs a sign-in within the last ten minutes.
     * Errors: USER_NOT_FOUND, USER_ABSORBED, ABSORBED_USERS_EXIST,
     * REAUTHENTICATION_REQUIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public DeleteUserResponse deleteUser(DeleteUserRequest request) {
        return call(DELETE_USER, request);
    }

    /**
     * Makes the call of deleteUser, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<DeleteUserResponse> deleteUserAsync(DeleteUserRequest request) {
        return callAsync(DELETE_USER, request);
    }

    /**
     * Finds the users that have an identity with this email, in the order of their
     * ids. By default only emails that count as verified by the tenant's configuration
     * of today are found (`Identity.email_verified`). If there is no such user, the
     * page is empty.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public FindByEmailResponse findByEmail(FindByEmailRequest request) {
        return call(FIND_BY_EMAIL, request);
    }

    /**
     * Makes the call of findByEmail, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<FindByEmailResponse> findByEmailAsync(FindByEmailRequest request) {
        return callAsync(FIND_BY_EMAIL, request);
    }

    /**
     * Returns the items of all pages of findByEmail. A page is asked for when the items before it are read.
     *
     * @param request the request of the first page
     * @return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails
     */
    public Iterable<EmailMatch> findByEmailAll(FindByEmailRequest request) {
        return () -> {
            FindByEmailRequest.Builder page = request.toBuilder();
            boolean[] isOver = {false};
            return new Pages<>(() -> {
                if (isOver[0]) {
                    return null;
                }
                FindByEmailResponse response = findByEmail(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.getMatchesList();
            });
        };
    }

    /**
     * Finds the user that holds an identity. An identity that is there is found also if the
     * tenant no longer declares its provider.
     * Errors: IDENTITY_NOT_FOUND, PROVIDER_UNKNOWN.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public FindByIdentityResponse findByIdentity(FindByIdentityRequest request) {
        return call(FIND_BY_IDENTITY, request);
    }

    /**
     * Makes the call of findByIdentity, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<FindByIdentityResponse> findByIdentityAsync(FindByIdentityRequest request) {
        return callAsync(FIND_BY_IDENTITY, request);
    }

    /**
     * Looks for users that are likely one person, and writes a plan of their links.
     * It changes no user.
     * Errors: TOO_MANY_OPERATIONS.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Operation findDuplicates(FindDuplicatesRequest request) {
        return call(FIND_DUPLICATES, request);
    }

    /**
     * Makes the call of findDuplicates, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Operation> findDuplicatesAsync(FindDuplicatesRequest request) {
        return callAsync(FIND_DUPLICATES, request);
    }

    /**
     * Gets the latest state of a long-running operation.  Clients can use this
     * method to poll the operation result at intervals as recommended by the API
     * service.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Operation getOperation(GetOperationRequest request) {
        return call(GET_OPERATION, request);
    }

    /**
     * Makes the call of getOperation, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Operation> getOperationAsync(GetOperationRequest request) {
        return callAsync(GET_OPERATION, request);
    }

    /**
     * Gets an access token of the provider of an identity, for calls to the provider's API.
     * The operator keeps tokens of that provider, and lists the services that may get them
     * (`oauth.tokens`). The tokens are those of the identity's last flow (`StartSignIn`). A
     * token that expires within a minute is refreshed first, by one request to the provider
     * for all calls that wait.
     *
     * Keep the token in memory only, and get it again for the next use: this call sees at
     * once that the identity has left the user. The token is a secret of the person.
     * Errors: USER_NOT_FOUND, USER_ABSORBED, USER_BLOCKED, IDENTITY_NOT_FOUND, also for one
     * of another user; PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_TOKEN_GONE,
     * PROVIDER_SCOPES_MISSING, PROVIDER_REJECTED, PROVIDER_UNAVAILABLE; SCOPE_INSUFFICIENT,
     * also if the operator does not list the service.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public GetProviderTokenResponse getProviderToken(GetProviderTokenRequest request) {
        return call(GET_PROVIDER_TOKEN, request);
    }

    /**
     * Makes the call of getProviderToken, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<GetProviderTokenResponse> getProviderTokenAsync(GetProviderTokenRequest request) {
        return callAsync(GET_PROVIDER_TOKEN, request);
    }

    /**
     * Gets one user. For the id of an absorbed user it returns the holder.
     * Errors: USER_NOT_FOUND.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public GetUserResponse getUser(GetUserRequest request) {
        return call(GET_USER, request);
    }

    /**
     * Makes the call of getUser, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<GetUserResponse> getUserAsync(GetUserRequest request) {
        return callAsync(GET_USER, request);
    }

    /**
     * Links two users into one. The primary user absorbs the secondary: the identities
     * move, the metadata is merged as requested, and the secondary's id continues to
     * resolve. If `link_with` proves an account that belongs to no user, the account
     * is attached directly. With `attach_only` nothing else is done. Repeating the
     * link while it stands is not an error.
     * Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, SAME_USER, USER_ABSORBED,
     * USER_BLOCKED, PROVIDER_UNKNOWN, LINK_TOKEN_INVALID, LINK_TICKET_INVALID,
     * IDENTITY_TAKEN, EMAIL_NOT_SHARED, TOO_MANY_IDENTITIES, METADATA_CONFLICT,
     * METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public LinkResponse link(LinkRequest request) {
        return call(LINK, request);
    }

    /**
     * Makes the call of link, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<LinkResponse> linkAsync(LinkRequest request) {
        return callAsync(LINK, request);
    }

    /**
     * Returns the connections of the tenant's configuration, in the order of their names:
     * those that its enabled providers list, and the names of those that list none. An
     * account arrives through one of these.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListConnectionsResponse listConnections(ListConnectionsRequest request) {
        return call(LIST_CONNECTIONS, request);
    }

    /**
     * Makes the call of listConnections, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListConnectionsResponse> listConnectionsAsync(ListConnectionsRequest request) {
        return callAsync(LIST_CONNECTIONS, request);
    }

    /**
     * Returns the items of all pages of listConnections. A page is asked for when the items before it are read.
     *
     * @param request the request of the first page
     * @return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails
     */
    public Iterable<Connection> listConnectionsAll(ListConnectionsRequest request) {
        return () -> {
            ListConnectionsRequest.Builder page = request.toBuilder();
            boolean[] isOver = {false};
            return new Pages<>(() -> {
                if (isOver[0]) {
                    return null;
                }
                ListConnectionsResponse response = listConnections(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.getConnectionsList();
            });
        };
    }

    /**
     * Returns the events after a position, the oldest first, as far as they are
     * available now.
     * Errors: POSITION_INVALID, POSITION_EXPIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListEventsResponse listEvents(ListEventsRequest request) {
        return call(LIST_EVENTS, request);
    }

    /**
     * Makes the call of listEvents, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListEventsResponse> listEventsAsync(ListEventsRequest request) {
        return callAsync(LIST_EVENTS, request);
    }

    /**
     * Suggests users to link with a user: those that share an email with it that is
     * verified on both sides. The likeliest come first: users that were never unlinked
     * from it, with more shared emails, verified more recently. At most 20.
     *
     * A suggestion is no proof, and links nothing. Blocked users are not suggested. As
     * at a sign-in, an email does not count if its part before the `&#64;` is not ASCII,
     * or if a provider with `linking = "off"` verified it on either of the two users.
     * Errors: USER_NOT_FOUND.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListLinkCandidatesResponse listLinkCandidates(ListLinkCandidatesRequest request) {
        return call(LIST_LINK_CANDIDATES, request);
    }

    /**
     * Makes the call of listLinkCandidates, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListLinkCandidatesResponse> listLinkCandidatesAsync(ListLinkCandidatesRequest request) {
        return callAsync(LIST_LINK_CANDIDATES, request);
    }

    /**
     * Lists every link that names a user, or a user that it holds now, as its primary
     * or secondary side. This includes undone links; the newest comes first. For the
     * id of an absorbed user it lists the links that name that very user. LinkRecord
     * says what a user token sees of other users.
     * A service that names no user but a filter lists the links of its whole tenant.
     * Errors: USER_NOT_FOUND.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListLinksResponse listLinks(ListLinksRequest request) {
        return call(LIST_LINKS, request);
    }

    /**
     * Makes the call of listLinks, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListLinksResponse> listLinksAsync(ListLinksRequest request) {
        return callAsync(LIST_LINKS, request);
    }

    /**
     * Returns the items of all pages of listLinks. A page is asked for when the items before it are read.
     *
     * @param request the request of the first page
     * @return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails
     */
    public Iterable<LinkRecord> listLinksAll(ListLinksRequest request) {
        return () -> {
            ListLinksRequest.Builder page = request.toBuilder();
            boolean[] isOver = {false};
            return new Pages<>(() -> {
                if (isOver[0]) {
                    return null;
                }
                ListLinksResponse response = listLinks(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.getLinksList();
            });
        };
    }

    /**
     * Lists operations that match the specified filter in the request. If the
     * server doesn't support this method, it returns `UNIMPLEMENTED`.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListOperationsResponse listOperations(ListOperationsRequest request) {
        return call(LIST_OPERATIONS, request);
    }

    /**
     * Makes the call of listOperations, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListOperationsResponse> listOperationsAsync(ListOperationsRequest request) {
        return callAsync(LIST_OPERATIONS, request);
    }

    /**
     * Returns the items of all pages of listOperations. A page is asked for when the items before it are read.
     *
     * @param request the request of the first page
     * @return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails
     */
    public Iterable<Operation> listOperationsAll(ListOperationsRequest request) {
        return () -> {
            ListOperationsRequest.Builder page = request.toBuilder();
            boolean[] isOver = {false};
            return new Pages<>(() -> {
                if (isOver[0]) {
                    return null;
                }
                ListOperationsResponse response = listOperations(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.getOperationsList();
            });
        };
    }

    /**
     * Lists the providers of the tenant that a login page can offer, in alphabetical
     * order.
     * Errors: only those of every call.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListProvidersResponse listProviders(ListProvidersRequest request) {
        return call(LIST_PROVIDERS, request);
    }

    /**
     * Makes the call of listProviders, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListProvidersResponse> listProvidersAsync(ListProvidersRequest request) {
        return callAsync(LIST_PROVIDERS, request);
    }

    /**
     * Returns the items of all pages of listProviders. A page is asked for when the items before it are read.
     *
     * @param request the request of the first page
     * @return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails
     */
    public Iterable<SignInProvider> listProvidersAll(ListProvidersRequest request) {
        return () -> {
            ListProvidersRequest.Builder page = request.toBuilder();
            boolean[] isOver = {false};
            return new Pages<>(() -> {
                if (isOver[0]) {
                    return null;
                }
                ListProvidersResponse response = listProviders(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.getProvidersList();
            });
        };
    }

    /**
     * Lists the users of the tenant in the order of their ids. Absorbed users are not
     * listed: their identities are with their holders.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ListUsersResponse listUsers(ListUsersRequest request) {
        return call(LIST_USERS, request);
    }

    /**
     * Makes the call of listUsers, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ListUsersResponse> listUsersAsync(ListUsersRequest request) {
        return callAsync(LIST_USERS, request);
    }

    /**
     * Returns the items of all pages of listUsers. A page is asked for when the items before it are read.
     *
     * @param request the request of the first page
     * @return the items, read again by each iterator; it throws an {@link IdentityLinkException} if a call fails
     */
    public Iterable<User> listUsersAll(ListUsersRequest request) {
        return () -> {
            ListUsersRequest.Builder page = request.toBuilder();
            boolean[] isOver = {false};
            return new Pages<>(() -> {
                if (isOver[0]) {
                    return null;
                }
                ListUsersResponse response = listUsers(page.build());
                page.setPageToken(response.getNextPageToken());
                isOver[0] = response.getNextPageToken().isEmpty();
                return response.getUsersList();
            });
        };
    }

    /**
     * Merges metadata into that of a user: another user's, given metadata, or what a
     * link kept. A user token can only give `user_metadata`.
     *
     * What the merge in Auth0's documents did depends on its lodash. This is what it
     * did with versions 3 and 4, and what this call does by default. More rows are in
     * `docs/reference/auth0-differences.md`.
     *
     * | secondary  | primary    | lodash 3    | lodash 4 | here        |
     * | ---------- | ---------- | ----------- | -------- | ----------- |
     * | `[1, 2]`   | `[3]`      | `[3, 1, 2]` | `[3, 2]` | `[3, 1, 2]` |
     * | `[1]`      | `null`     | throws      | `null`   | `null`      |
     * | `[1]`      | `7`        | throws      | `7`      | `7`         |
     * | `[1]`      | `"x"`      | `"x1"`      | `"x"`    | `"x"`       |
     * | `[1]`      | `{"a": 1}` | throws      | `[1]`    | `{"a": 1}`  |
     *
     * Errors: USER_NOT_FOUND, LINK_NOT_FOUND, SAME_USER, USER_ABSORBED, USER_BLOCKED,
     * METADATA_CONFLICT, METADATA_TOO_LARGE, REAUTHENTICATION_REQUIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public MergeMetadataResponse mergeMetadata(MergeMetadataRequest request) {
        return call(MERGE_METADATA, request);
    }

    /**
     * Makes the call of mergeMetadata, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<MergeMetadataResponse> mergeMetadataAsync(MergeMetadataRequest request) {
        return callAsync(MERGE_METADATA, request);
    }

    /**
     * Carries out a logout token (OpenID Connect Back-Channel Logout 1.0) that a provider
     * sent to the service: tokens that name the account and were issued before, up to the
     * end of that second, are refused from the response on. The user's other accounts keep
     * theirs. The feed has `identity_logged_out`. The response is the same for an account
     * that no user has. A token counts once; sending it again is harmless.
     * Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
     * PROVIDER_UNAVAILABLE.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ReceiveLogoutTokenResponse receiveLogoutToken(ReceiveLogoutTokenRequest request) {
        return call(RECEIVE_LOGOUT_TOKEN, request);
    }

    /**
     * Makes the call of receiveLogoutToken, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ReceiveLogoutTokenResponse> receiveLogoutTokenAsync(ReceiveLogoutTokenRequest request) {
        return callAsync(RECEIVE_LOGOUT_TOKEN, request);
    }

    /**
     * Carries out a security event token (RFC 8417; OpenID RISC and CAEP) that a provider
     * sent to the service. Each event that is known is in the feed, as
     * `account_event_reported`. Where the operator says so (`account_events`), it also
     * withdraws the tokens of the whole user that were issued before. Other events are
     * ignored. The response is the same for an account that no user has. A token counts
     * once; sending it again is harmless.
     * Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
     * PROVIDER_UNAVAILABLE.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ReceiveSecurityEventsResponse receiveSecurityEvents(ReceiveSecurityEventsRequest request) {
        return call(RECEIVE_SECURITY_EVENTS, request);
    }

    /**
     * Makes the call of receiveSecurityEvents, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ReceiveSecurityEventsResponse> receiveSecurityEventsAsync(ReceiveSecurityEventsRequest request) {
        return callAsync(RECEIVE_SECURITY_EVENTS, request);
    }

    /**
     * Decides which user signs in with an account that the service itself has verified,
     * and writes the result: a new user, or the account attached to the user that has its
     * email. The service's statement about the account is accepted. Two concurrent first
     * sign-ins lead to one user.
     *
     * If the account may belong to a user but this is not certain, only a ticket is
     * written. With it the person continues: as the candidate (`Link`), after signing in
     * as that user, or as a user of its own (here). If the tenant asks before it creates
     * a user (`registration`), also only a ticket is written, with which a second call
     * creates the user.
     * Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, EMAIL_MISSING, EMAIL_UNVERIFIED,
     * USER_BLOCKED, REGISTRATION_CLOSED, TOO_MANY_IDENTITIES, SIGN_IN_INVALID.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ResolveSignInResponse resolveSignIn(ResolveSignInRequest request) {
        return call(RESOLVE_SIGN_IN, request);
    }

    /**
     * Makes the call of resolveSignIn, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ResolveSignInResponse> resolveSignInAsync(ResolveSignInRequest request) {
        return callAsync(RESOLVE_SIGN_IN, request);
    }

    /**
     * Resolves user ids, live or absorbed, to the users that hold them now. An unknown
     * id is a result, not an error.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public ResolveUsersResponse resolveUsers(ResolveUsersRequest request) {
        return call(RESOLVE_USERS, request);
    }

    /**
     * Makes the call of resolveUsers, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<ResolveUsersResponse> resolveUsersAsync(ResolveUsersRequest request) {
        return callAsync(RESOLVE_USERS, request);
    }

    /**
     * Makes another identity of the user the primary one. The user's id stays. Its
     * profile becomes that of the new primary identity. A user token needs a sign-in
     * within the last ten minutes.
     * Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
     * REAUTHENTICATION_REQUIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public SetPrimaryIdentityResponse setPrimaryIdentity(SetPrimaryIdentityRequest request) {
        return call(SET_PRIMARY_IDENTITY, request);
    }

    /**
     * Makes the call of setPrimaryIdentity, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<SetPrimaryIdentityResponse> setPrimaryIdentityAsync(SetPrimaryIdentityRequest request) {
        return callAsync(SET_PRIMARY_IDENTITY, request);
    }

    /**
     * Starts a flow at a provider, to sign in or to link another account, and returns
     * where to send the browser. The flow ends in `CompleteSignIn`, once and within ten
     * minutes.
     * Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_UNAVAILABLE; for a link also
     * those of a call with its `user_token`.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public StartSignInResponse startSignIn(StartSignInRequest request) {
        return call(START_SIGN_IN, request);
    }

    /**
     * Makes the call of startSignIn, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<StartSignInResponse> startSignInAsync(StartSignInRequest request) {
        return callAsync(START_SIGN_IN, request);
    }

    /**
     * Undoes a whole link. The absorbed user comes back with every identity that it
     * brought and that is still here, and with the users that it had absorbed itself.
     * What the merge changed is reversed. If the link attached an identity, that
     * becomes a user of its own, as with `Unlink`. Released identities do not come
     * back.
     *
     * Undoing an undone link succeeds and changes nothing. Tokens are refused as after
     * `Unlink`. A user token needs a sign-in within the tenant's `max_sign_in_age`.
     *
     * Errors: LINK_NOT_FOUND, also for a link of other users; LINK_NOT_UNDOABLE, with
     * the cause, such as that all identities of the link were released;
     * METADATA_TOO_LARGE, if the metadata that would come back does not fit beside the
     * present metadata; VERSION_MISMATCH, USER_BLOCKED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public UndoLinkResponse undoLink(UndoLinkRequest request) {
        return call(UNDO_LINK, request);
    }

    /**
     * Makes the call of undoLink, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<UndoLinkResponse> undoLinkAsync(UndoLinkRequest request) {
        return callAsync(UNDO_LINK, request);
    }

    /**
     * Takes links back, the newest first, by the rules of `UndoLink`.
     * Errors: TOO_MANY_OPERATIONS.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Operation undoLinks(UndoLinksRequest request) {
        return call(UNDO_LINKS, request);
    }

    /**
     * Makes the call of undoLinks, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Operation> undoLinksAsync(UndoLinksRequest request) {
        return callAsync(UNDO_LINKS, request);
    }

    /**
     * Detaches one identity from its user. If it is the last identity here of an
     * absorbed user, that user comes back under its own id, with its profile and
     * metadata as they were. Otherwise the identity becomes a user of its own without
     * metadata. For a user token `app_metadata` does not come back.
     *
     * Tokens issued before the call are refused for both users. If a user token calls,
     * that token alone stays valid for its own user, so that it can repeat the call. A
     * user token needs a sign-in within the tenant's `max_sign_in_age`. With
     * UNLINK_MODE_RELEASE the user gives the account up, and no user comes back: see
     * UnlinkMode.
     * Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
     * LAST_IDENTITY, PRIMARY_IDENTITY, REAUTHENTICATION_REQUIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public UnlinkResponse unlink(UnlinkRequest request) {
        return call(UNLINK, request);
    }

    /**
     * Makes the call of unlink, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<UnlinkResponse> unlinkAsync(UnlinkRequest request) {
        return callAsync(UNLINK, request);
    }

    /**
     * Replaces the named fields of a user. A user token can only name `user_metadata`.
     * Errors: USER_NOT_FOUND, USER_ABSORBED, SCOPE_INSUFFICIENT,
     * REAUTHENTICATION_REQUIRED.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public UpdateUserResponse updateUser(UpdateUserRequest request) {
        return call(UPDATE_USER, request);
    }

    /**
     * Makes the call of updateUser, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<UpdateUserResponse> updateUserAsync(UpdateUserRequest request) {
        return callAsync(UPDATE_USER, request);
    }

    /**
     * Waits until the specified long-running operation is done or reaches at most
     * a specified timeout, returning the latest state.  If the operation is
     * already done, the latest state is immediately returned.  If the timeout
     * specified is greater than the default HTTP/RPC timeout, the HTTP/RPC
     * timeout is used.  If the server does not support this method, it returns
     * `google.rpc.Code.UNIMPLEMENTED`.
     * Note that this method is on a best-effort basis.  It may return the latest
     * state before the specified timeout (including immediately), meaning even an
     * immediate response is no guarantee that the operation is done.
     *
     * @param request the request
     * @return the response
     * @throws IdentityLinkException if the call fails
     */
    public Operation waitOperation(WaitOperationRequest request) {
        return call(WAIT_OPERATION, request);
    }

    /**
     * Makes the call of waitOperation, for which no thread waits.
     *
     * @param request the request
     * @return the response, later; an {@link IdentityLinkException} if the call fails. A caller that cancels
     *     it cancels the call
     */
    public CompletableFuture<Operation> waitOperationAsync(WaitOperationRequest request) {
        return callAsync(WAIT_OPERATION, request);
    }
}

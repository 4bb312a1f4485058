// Written by clients/generate from the protos. Do not edit.

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import {
  type Empty,
  EmptySchema,
} from "@bufbuild/protobuf/wkt";
import {
  CancelOperationRequestSchema,
  DeleteOperationRequestSchema,
  GetOperationRequestSchema,
  ListOperationsRequestSchema,
  type ListOperationsResponse,
  ListOperationsResponseSchema,
  type Operation,
  OperationSchema,
  WaitOperationRequestSchema,
} from "./gen/google/longrunning/operations_pb.js";
import {
  ListEventsRequestSchema,
  type ListEventsResponse,
  ListEventsResponseSchema,
  WatchEventsRequestSchema,
  WatchEventsResponseSchema,
} from "./gen/identitylink/v1/event_service_pb.js";
import {
  type Connection,
  CreateUserRequestSchema,
  type CreateUserResponse,
  CreateUserResponseSchema,
  DeleteUserRequestSchema,
  type DeleteUserResponse,
  DeleteUserResponseSchema,
  type EmailMatch,
  FindByEmailRequestSchema,
  type FindByEmailResponse,
  FindByEmailResponseSchema,
  FindByIdentityRequestSchema,
  type FindByIdentityResponse,
  FindByIdentityResponseSchema,
  GetProviderTokenRequestSchema,
  type GetProviderTokenResponse,
  GetProviderTokenResponseSchema,
  GetUserRequestSchema,
  type GetUserResponse,
  GetUserResponseSchema,
  LinkRequestSchema,
  type LinkResponse,
  LinkResponseSchema,
  ListConnectionsRequestSchema,
  type ListConnectionsResponse,
  ListConnectionsResponseSchema,
  ListLinkCandidatesRequestSchema,
  type ListLinkCandidatesResponse,
  ListLinkCandidatesResponseSchema,
  ListLinksRequestSchema,
  type ListLinksResponse,
  ListLinksResponseSchema,
  ListUsersRequestSchema,
  type ListUsersResponse,
  ListUsersResponseSchema,
  MergeMetadataRequestSchema,
  type MergeMetadataResponse,
  MergeMetadataResponseSchema,
  ResolveUsersRequestSchema,
  type ResolveUsersResponse,
  ResolveUsersResponseSchema,
  SetPrimaryIdentityRequestSchema,
  type SetPrimaryIdentityResponse,
  SetPrimaryIdentityResponseSchema,
  UndoLinkRequestSchema,
  type UndoLinkResponse,
  UndoLinkResponseSchema,
  UnlinkRequestSchema,
  type UnlinkResponse,
  UnlinkResponseSchema,
  UpdateUserRequestSchema,
  type UpdateUserResponse,
  UpdateUserResponseSchema,
} from "./gen/identitylink/v1/identity_service_pb.js";
import {
  ApplyPlanRequestSchema,
  FindDuplicatesRequestSchema,
  ReadLinesRequestSchema,
  ReadLinesResponseSchema,
  UndoLinksRequestSchema,
  UploadPlanRequestSchema,
  UploadPlanResponseSchema,
} from "./gen/identitylink/v1/job_service_pb.js";
import {
  type LinkRecord,
  type User,
} from "./gen/identitylink/v1/resources_pb.js";
import {
  CompleteSignInRequestSchema,
  type CompleteSignInResponse,
  CompleteSignInResponseSchema,
  ListProvidersRequestSchema,
  type ListProvidersResponse,
  ListProvidersResponseSchema,
  ReceiveLogoutTokenRequestSchema,
  type ReceiveLogoutTokenResponse,
  ReceiveLogoutTokenResponseSchema,
  ReceiveSecurityEventsRequestSchema,
  type ReceiveSecurityEventsResponse,
  ReceiveSecurityEventsResponseSchema,
  ResolveSignInRequestSchema,
  type ResolveSignInResponse,
  ResolveSignInResponseSchema,
  type SignInProvider,
  StartSignInRequestSchema,
  type StartSignInResponse,
  StartSignInResponseSchema,
} from "./gen/identitylink/v1/sign_in_service_pb.js";
import {
  ExportUsersRequestSchema,
  ExportUsersResponseSchema,
  ImportUsersRequestSchema,
  ImportUsersResponseSchema,
} from "./gen/identitylink/v1/transfer_service_pb.js";
import { messageOf } from "./requests.js";
import type { CallOptions, Rpc } from "./rpc.js";

export const APPLY_PLAN: Rpc<typeof ApplyPlanRequestSchema, typeof OperationSchema> = {
  path: "/identitylink.v1.JobService/ApplyPlan",
  request: ApplyPlanRequestSchema,
  response: OperationSchema,
  onlyReads: false,
  requestId: "always",
};
export const CANCEL_OPERATION: Rpc<typeof CancelOperationRequestSchema, typeof EmptySchema> = {
  path: "/google.longrunning.Operations/CancelOperation",
  request: CancelOperationRequestSchema,
  response: EmptySchema,
  onlyReads: false,
  requestId: "never",
};
export const COMPLETE_SIGN_IN: Rpc<typeof CompleteSignInRequestSchema, typeof CompleteSignInResponseSchema> = {
  path: "/identitylink.v1.SignInService/CompleteSignIn",
  request: CompleteSignInRequestSchema,
  response: CompleteSignInResponseSchema,
  onlyReads: false,
  requestId: "always",
};
export const CREATE_USER: Rpc<typeof CreateUserRequestSchema, typeof CreateUserResponseSchema> = {
  path: "/identitylink.v1.IdentityService/CreateUser",
  request: CreateUserRequestSchema,
  response: CreateUserResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const DELETE_OPERATION: Rpc<typeof DeleteOperationRequestSchema, typeof EmptySchema> = {
  path: "/google.longrunning.Operations/DeleteOperation",
  request: DeleteOperationRequestSchema,
  response: EmptySchema,
  onlyReads: false,
  requestId: "never",
};
export const DELETE_USER: Rpc<typeof DeleteUserRequestSchema, typeof DeleteUserResponseSchema> = {
  path: "/identitylink.v1.IdentityService/DeleteUser",
  request: DeleteUserRequestSchema,
  response: DeleteUserResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const EXPORT_USERS: Rpc<typeof ExportUsersRequestSchema, typeof ExportUsersResponseSchema> = {
  path: "/identitylink.v1.TransferService/ExportUsers",
  request: ExportUsersRequestSchema,
  response: ExportUsersResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const FIND_BY_EMAIL: Rpc<typeof FindByEmailRequestSchema, typeof FindByEmailResponseSchema> = {
  path: "/identitylink.v1.IdentityService/FindByEmail",
  request: FindByEmailRequestSchema,
  response: FindByEmailResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const FIND_BY_IDENTITY: Rpc<typeof FindByIdentityRequestSchema, typeof FindByIdentityResponseSchema> = {
  path: "/identitylink.v1.IdentityService/FindByIdentity",
  request: FindByIdentityRequestSchema,
  response: FindByIdentityResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const FIND_DUPLICATES: Rpc<typeof FindDuplicatesRequestSchema, typeof OperationSchema> = {
  path: "/identitylink.v1.JobService/FindDuplicates",
  request: FindDuplicatesRequestSchema,
  response: OperationSchema,
  onlyReads: false,
  requestId: "always",
};
export const GET_OPERATION: Rpc<typeof GetOperationRequestSchema, typeof OperationSchema> = {
  path: "/google.longrunning.Operations/GetOperation",
  request: GetOperationRequestSchema,
  response: OperationSchema,
  onlyReads: true,
  requestId: "never",
};
export const GET_PROVIDER_TOKEN: Rpc<typeof GetProviderTokenRequestSchema, typeof GetProviderTokenResponseSchema> = {
  path: "/identitylink.v1.IdentityService/GetProviderToken",
  request: GetProviderTokenRequestSchema,
  response: GetProviderTokenResponseSchema,
  onlyReads: false,
  requestId: "never",
};
export const GET_USER: Rpc<typeof GetUserRequestSchema, typeof GetUserResponseSchema> = {
  path: "/identitylink.v1.IdentityService/GetUser",
  request: GetUserRequestSchema,
  response: GetUserResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const IMPORT_USERS: Rpc<typeof ImportUsersRequestSchema, typeof ImportUsersResponseSchema> = {
  path: "/identitylink.v1.TransferService/ImportUsers",
  request: ImportUsersRequestSchema,
  response: ImportUsersResponseSchema,
  onlyReads: false,
  requestId: "never",
};
export const LINK: Rpc<typeof LinkRequestSchema, typeof LinkResponseSchema> = {
  path: "/identitylink.v1.IdentityService/Link",
  request: LinkRequestSchema,
  response: LinkResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const LIST_CONNECTIONS: Rpc<typeof ListConnectionsRequestSchema, typeof ListConnectionsResponseSchema> = {
  path: "/identitylink.v1.IdentityService/ListConnections",
  request: ListConnectionsRequestSchema,
  response: ListConnectionsResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const LIST_EVENTS: Rpc<typeof ListEventsRequestSchema, typeof ListEventsResponseSchema> = {
  path: "/identitylink.v1.EventService/ListEvents",
  request: ListEventsRequestSchema,
  response: ListEventsResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const LIST_LINK_CANDIDATES: Rpc<typeof ListLinkCandidatesRequestSchema, typeof ListLinkCandidatesResponseSchema> = {
  path: "/identitylink.v1.IdentityService/ListLinkCandidates",
  request: ListLinkCandidatesRequestSchema,
  response: ListLinkCandidatesResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const LIST_LINKS: Rpc<typeof ListLinksRequestSchema, typeof ListLinksResponseSchema> = {
  path: "/identitylink.v1.IdentityService/ListLinks",
  request: ListLinksRequestSchema,
  response: ListLinksResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const LIST_OPERATIONS: Rpc<typeof ListOperationsRequestSchema, typeof ListOperationsResponseSchema> = {
  path: "/google.longrunning.Operations/ListOperations",
  request: ListOperationsRequestSchema,
  response: ListOperationsResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const LIST_PROVIDERS: Rpc<typeof ListProvidersRequestSchema, typeof ListProvidersResponseSchema> = {
  path: "/identitylink.v1.SignInService/ListProviders",
  request: ListProvidersRequestSchema,
  response: ListProvidersResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const LIST_USERS: Rpc<typeof ListUsersRequestSchema, typeof ListUsersResponseSchema> = {
  path: "/identitylink.v1.IdentityService/ListUsers",
  request: ListUsersRequestSchema,
  response: ListUsersResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const MERGE_METADATA: Rpc<typeof MergeMetadataRequestSchema, typeof MergeMetadataResponseSchema> = {
  path: "/identitylink.v1.IdentityService/MergeMetadata",
  request: MergeMetadataRequestSchema,
  response: MergeMetadataResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const READ_LINES: Rpc<typeof ReadLinesRequestSchema, typeof ReadLinesResponseSchema> = {
  path: "/identitylink.v1.JobService/ReadLines",
  request: ReadLinesRequestSchema,
  response: ReadLinesResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const RECEIVE_LOGOUT_TOKEN: Rpc<typeof ReceiveLogoutTokenRequestSchema, typeof ReceiveLogoutTokenResponseSchema> = {
  path: "/identitylink.v1.SignInService/ReceiveLogoutToken",
  request: ReceiveLogoutTokenRequestSchema,
  response: ReceiveLogoutTokenResponseSchema,
  onlyReads: false,
  requestId: "never",
};
export const RECEIVE_SECURITY_EVENTS: Rpc<typeof ReceiveSecurityEventsRequestSchema, typeof ReceiveSecurityEventsResponseSchema> = {
  path: "/identitylink.v1.SignInService/ReceiveSecurityEvents",
  request: ReceiveSecurityEventsRequestSchema,
  response: ReceiveSecurityEventsResponseSchema,
  onlyReads: false,
  requestId: "never",
};
export const RESOLVE_SIGN_IN: Rpc<typeof ResolveSignInRequestSchema, typeof ResolveSignInResponseSchema> = {
  path: "/identitylink.v1.SignInService/ResolveSignIn",
  request: ResolveSignInRequestSchema,
  response: ResolveSignInResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const RESOLVE_USERS: Rpc<typeof ResolveUsersRequestSchema, typeof ResolveUsersResponseSchema> = {
  path: "/identitylink.v1.IdentityService/ResolveUsers",
  request: ResolveUsersRequestSchema,
  response: ResolveUsersResponseSchema,
  onlyReads: true,
  requestId: "never",
};
export const SET_PRIMARY_IDENTITY: Rpc<typeof SetPrimaryIdentityRequestSchema, typeof SetPrimaryIdentityResponseSchema> = {
  path: "/identitylink.v1.IdentityService/SetPrimaryIdentity",
  request: SetPrimaryIdentityRequestSchema,
  response: SetPrimaryIdentityResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const START_SIGN_IN: Rpc<typeof StartSignInRequestSchema, typeof StartSignInResponseSchema> = {
  path: "/identitylink.v1.SignInService/StartSignIn",
  request: StartSignInRequestSchema,
  response: StartSignInResponseSchema,
  onlyReads: false,
  requestId: "never",
};
export const UNDO_LINK: Rpc<typeof UndoLinkRequestSchema, typeof UndoLinkResponseSchema> = {
  path: "/identitylink.v1.IdentityService/UndoLink",
  request: UndoLinkRequestSchema,
  response: UndoLinkResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const UNDO_LINKS: Rpc<typeof UndoLinksRequestSchema, typeof OperationSchema> = {
  path: "/identitylink.v1.JobService/UndoLinks",
  request: UndoLinksRequestSchema,
  response: OperationSchema,
  onlyReads: false,
  requestId: "always",
};
export const UNLINK: Rpc<typeof UnlinkRequestSchema, typeof UnlinkResponseSchema> = {
  path: "/identitylink.v1.IdentityService/Unlink",
  request: UnlinkRequestSchema,
  response: UnlinkResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const UPDATE_USER: Rpc<typeof UpdateUserRequestSchema, typeof UpdateUserResponseSchema> = {
  path: "/identitylink.v1.IdentityService/UpdateUser",
  request: UpdateUserRequestSchema,
  response: UpdateUserResponseSchema,
  onlyReads: false,
  requestId: "except previews",
};
export const UPLOAD_PLAN: Rpc<typeof UploadPlanRequestSchema, typeof UploadPlanResponseSchema> = {
  path: "/identitylink.v1.JobService/UploadPlan",
  request: UploadPlanRequestSchema,
  response: UploadPlanResponseSchema,
  onlyReads: false,
  requestId: "never",
};
export const WAIT_OPERATION: Rpc<typeof WaitOperationRequestSchema, typeof OperationSchema> = {
  path: "/google.longrunning.Operations/WaitOperation",
  request: WaitOperationRequestSchema,
  response: OperationSchema,
  onlyReads: true,
  requestId: "never",
};
export const WATCH_EVENTS: Rpc<typeof WatchEventsRequestSchema, typeof WatchEventsResponseSchema> = {
  path: "/identitylink.v1.EventService/WatchEvents",
  request: WatchEventsRequestSchema,
  response: WatchEventsResponseSchema,
  onlyReads: true,
  requestId: "never",
};

/** The rpcs with one response. */
export abstract class Calls {
  /** Makes a call, with the attempts that are safe. */
  protected abstract call<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    request: MessageInitShape<Req>,
    options?: CallOptions,
  ): Promise<MessageShape<Res>>;

  /**
   * Links by a plan: each secondary user of a line into its primary one, by the
   * rules of `Link`. What has changed since the plan is skipped.
   * Errors: OPERATION_NOT_FOUND, OPERATION_UNFINISHED, PLAN_INCOMPLETE,
   * TOO_MANY_OPERATIONS.
   */
  applyPlan(request: MessageInitShape<typeof ApplyPlanRequestSchema>, options?: CallOptions): Promise<Operation> {
    return this.call(APPLY_PLAN, request, options);
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
   */
  cancelOperation(request: MessageInitShape<typeof CancelOperationRequestSchema>, options?: CallOptions): Promise<Empty> {
    return this.call(CANCEL_OPERATION, request, options);
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
   */
  completeSignIn(request: MessageInitShape<typeof CompleteSignInRequestSchema>, options?: CallOptions): Promise<CompleteSignInResponse> {
    return this.call(COMPLETE_SIGN_IN, request, options);
  }

  /**
   * Creates a user with its first identity.
   * Errors: IDENTITY_TAKEN, USER_EXISTS, PROVIDER_UNKNOWN.
   */
  createUser(request: MessageInitShape<typeof CreateUserRequestSchema>, options?: CallOptions): Promise<CreateUserResponse> {
    return this.call(CREATE_USER, request, options);
  }

  /**
   * Deletes a long-running operation. This method indicates that the client is
   * no longer interested in the operation result. It does not cancel the
   * operation. If the server doesn't support this method, it returns
   * `google.rpc.Code.UNIMPLEMENTED`.
   */
  deleteOperation(request: MessageInitShape<typeof DeleteOperationRequestSchema>, options?: CallOptions): Promise<Empty> {
    return this.call(DELETE_OPERATION, request, options);
  }

  /**
   * Deletes a user, its identities and all its data, permanently. Its id is never
   * given to another person. An id `provider|subject` can be given to the same
   * account again, if the account was the user's own when it was deleted. Only
   * events (EventService) stay until they are old; they hold ids and no values. A
   * user token needs a sign-in within the last ten minutes.
   * Errors: USER_NOT_FOUND, USER_ABSORBED, ABSORBED_USERS_EXIST,
   * REAUTHENTICATION_REQUIRED.
   */
  deleteUser(request: MessageInitShape<typeof DeleteUserRequestSchema>, options?: CallOptions): Promise<DeleteUserResponse> {
    return this.call(DELETE_USER, request, options);
  }

  /**
   * Finds the users that have an identity with this email, in the order of their
   * ids. By default only emails that count as verified by the tenant's configuration
   * of today are found (`Identity.email_verified`). If there is no such user, the
   * page is empty.
   */
  findByEmail(request: MessageInitShape<typeof FindByEmailRequestSchema>, options?: CallOptions): Promise<FindByEmailResponse> {
    return this.call(FIND_BY_EMAIL, request, options);
  }

  /** The items of all pages of `findByEmail`. The options are for each page. */
  async *findByEmailAll(
    request: MessageInitShape<typeof FindByEmailRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<EmailMatch, void, undefined> {
    const page = { ...messageOf(FindByEmailRequestSchema, request) };
    do {
      const response = await this.call(FIND_BY_EMAIL, page, options);
      yield* response.matches;
      page.pageToken = response.nextPageToken;
    } while (page.pageToken !== "");
  }

  /**
   * Finds the user that holds an identity. An identity that is there is found also if the
   * tenant no longer declares its provider.
   * Errors: IDENTITY_NOT_FOUND, PROVIDER_UNKNOWN.
   */
  findByIdentity(request: MessageInitShape<typeof FindByIdentityRequestSchema>, options?: CallOptions): Promise<FindByIdentityResponse> {
    return this.call(FIND_BY_IDENTITY, request, options);
  }

  /**
   * Looks for users that are likely one person, and writes a plan of their links.
   * It changes no user.
   * Errors: TOO_MANY_OPERATIONS.
   */
  findDuplicates(request: MessageInitShape<typeof FindDuplicatesRequestSchema>, options?: CallOptions): Promise<Operation> {
    return this.call(FIND_DUPLICATES, request, options);
  }

  /**
   * Gets the latest state of a long-running operation.  Clients can use this
   * method to poll the operation result at intervals as recommended by the API
   * service.
   */
  getOperation(request: MessageInitShape<typeof GetOperationRequestSchema>, options?: CallOptions): Promise<Operation> {
    return this.call(GET_OPERATION, request, options);
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
   */
  getProviderToken(request: MessageInitShape<typeof GetProviderTokenRequestSchema>, options?: CallOptions): Promise<GetProviderTokenResponse> {
    return this.call(GET_PROVIDER_TOKEN, request, options);
  }

  /**
   * Gets one user. For the id of an absorbed user it returns the holder.
   * Errors: USER_NOT_FOUND.
   */
  getUser(request: MessageInitShape<typeof GetUserRequestSchema>, options?: CallOptions): Promise<GetUserResponse> {
    return this.call(GET_USER, request, options);
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
   */
  link(request: MessageInitShape<typeof LinkRequestSchema>, options?: CallOptions): Promise<LinkResponse> {
    return this.call(LINK, request, options);
  }

  /**
   * Returns the connections of the tenant's configuration, in the order of their names:
   * those that its enabled providers list, and the names of those that list none. An
   * account arrives through one of these.
   */
  listConnections(request: MessageInitShape<typeof ListConnectionsRequestSchema>, options?: CallOptions): Promise<ListConnectionsResponse> {
    return this.call(LIST_CONNECTIONS, request, options);
  }

  /** The items of all pages of `listConnections`. The options are for each page. */
  async *listConnectionsAll(
    request: MessageInitShape<typeof ListConnectionsRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<Connection, void, undefined> {
    const page = { ...messageOf(ListConnectionsRequestSchema, request) };
    do {
      const response = await this.call(LIST_CONNECTIONS, page, options);
      yield* response.connections;
      page.pageToken = response.nextPageToken;
    } while (page.pageToken !== "");
  }

  /**
   * Returns the events after a position, the oldest first, as far as they are
   * available now.
   * Errors: POSITION_INVALID, POSITION_EXPIRED.
   */
  listEvents(request: MessageInitShape<typeof ListEventsRequestSchema>, options?: CallOptions): Promise<ListEventsResponse> {
    return this.call(LIST_EVENTS, request, options);
  }

  /**
   * Suggests users to link with a user: those that share an email with it that is
   * verified on both sides. The likeliest come first: users that were never unlinked
   * from it, with more shared emails, verified more recently. At most 20.
   *
   * A suggestion is no proof, and links nothing. Blocked users are not suggested. As
   * at a sign-in, an email does not count if its part before the `@` is not ASCII,
   * or if a provider with `linking = "off"` verified it on either of the two users.
   * Errors: USER_NOT_FOUND.
   */
  listLinkCandidates(request: MessageInitShape<typeof ListLinkCandidatesRequestSchema>, options?: CallOptions): Promise<ListLinkCandidatesResponse> {
    return this.call(LIST_LINK_CANDIDATES, request, options);
  }

  /**
   * Lists every link that names a user, or a user that it holds now, as its primary
   * or secondary side. This includes undone links; the newest comes first. For the
   * id of an absorbed user it lists the links that name that very user. LinkRecord
   * says what a user token sees of other users.
   * A service that names no user but a filter lists the links of its whole tenant.
   * Errors: USER_NOT_FOUND.
   */
  listLinks(request: MessageInitShape<typeof ListLinksRequestSchema>, options?: CallOptions): Promise<ListLinksResponse> {
    return this.call(LIST_LINKS, request, options);
  }

  /** The items of all pages of `listLinks`. The options are for each page. */
  async *listLinksAll(
    request: MessageInitShape<typeof ListLinksRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<LinkRecord, void, undefined> {
    const page = { ...messageOf(ListLinksRequestSchema, request) };
    do {
      const response = await this.call(LIST_LINKS, page, options);
      yield* response.links;
      page.pageToken = response.nextPageToken;
    } while (page.pageToken !== "");
  }

  /**
   * Lists operations that match the specified filter in the request. If the
   * server doesn't support this method, it returns `UNIMPLEMENTED`.
   */
  listOperations(request: MessageInitShape<typeof ListOperationsRequestSchema>, options?: CallOptions): Promise<ListOperationsResponse> {
    return this.call(LIST_OPERATIONS, request, options);
  }

  /** The items of all pages of `listOperations`. The options are for each page. */
  async *listOperationsAll(
    request: MessageInitShape<typeof ListOperationsRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<Operation, void, undefined> {
    const page = { ...messageOf(ListOperationsRequestSchema, request) };
    do {
      const response = await this.call(LIST_OPERATIONS, page, options);
      yield* response.operations;
      page.pageToken = response.nextPageToken;
    } while (page.pageToken !== "");
  }

  /**
   * Lists the providers of the tenant that a login page can offer, in alphabetical
   * order.
   * Errors: only those of every call.
   */
  listProviders(request: MessageInitShape<typeof ListProvidersRequestSchema>, options?: CallOptions): Promise<ListProvidersResponse> {
    return this.call(LIST_PROVIDERS, request, options);
  }

  /** The items of all pages of `listProviders`. The options are for each page. */
  async *listProvidersAll(
    request: MessageInitShape<typeof ListProvidersRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<SignInProvider, void, undefined> {
    const page = { ...messageOf(ListProvidersRequestSchema, request) };
    do {
      const response = await this.call(LIST_PROVIDERS, page, options);
      yield* response.providers;
      page.pageToken = response.nextPageToken;
    } while (page.pageToken !== "");
  }

  /**
   * Lists the users of the tenant in the order of their ids. Absorbed users are not
   * listed: their identities are with their holders.
   */
  listUsers(request: MessageInitShape<typeof ListUsersRequestSchema>, options?: CallOptions): Promise<ListUsersResponse> {
    return this.call(LIST_USERS, request, options);
  }

  /** The items of all pages of `listUsers`. The options are for each page. */
  async *listUsersAll(
    request: MessageInitShape<typeof ListUsersRequestSchema>,
    options?: CallOptions,
  ): AsyncGenerator<User, void, undefined> {
    const page = { ...messageOf(ListUsersRequestSchema, request) };
    do {
      const response = await this.call(LIST_USERS, page, options);
      yield* response.users;
      page.pageToken = response.nextPageToken;
    } while (page.pageToken !== "");
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
   */
  mergeMetadata(request: MessageInitShape<typeof MergeMetadataRequestSchema>, options?: CallOptions): Promise<MergeMetadataResponse> {
    return this.call(MERGE_METADATA, request, options);
  }

  /**
   * Carries out a logout token (OpenID Connect Back-Channel Logout 1.0) that a provider
   * sent to the service: tokens that name the account and were issued before, up to the
   * end of that second, are refused from the response on. The user's other accounts keep
   * theirs. The feed has `identity_logged_out`. The response is the same for an account
   * that no user has. A token counts once; sending it again is harmless.
   * Errors: PROVIDER_UNKNOWN, PROVIDER_EVENTS_OFF, EVENT_TOKEN_INVALID,
   * PROVIDER_UNAVAILABLE.
   */
  receiveLogoutToken(request: MessageInitShape<typeof ReceiveLogoutTokenRequestSchema>, options?: CallOptions): Promise<ReceiveLogoutTokenResponse> {
    return this.call(RECEIVE_LOGOUT_TOKEN, request, options);
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
   */
  receiveSecurityEvents(request: MessageInitShape<typeof ReceiveSecurityEventsRequestSchema>, options?: CallOptions): Promise<ReceiveSecurityEventsResponse> {
    return this.call(RECEIVE_SECURITY_EVENTS, request, options);
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
   */
  resolveSignIn(request: MessageInitShape<typeof ResolveSignInRequestSchema>, options?: CallOptions): Promise<ResolveSignInResponse> {
    return this.call(RESOLVE_SIGN_IN, request, options);
  }

  /**
   * Resolves user ids, live or absorbed, to the users that hold them now. An unknown
   * id is a result, not an error.
   */
  resolveUsers(request: MessageInitShape<typeof ResolveUsersRequestSchema>, options?: CallOptions): Promise<ResolveUsersResponse> {
    return this.call(RESOLVE_USERS, request, options);
  }

  /**
   * Makes another identity of the user the primary one. The user's id stays. Its
   * profile becomes that of the new primary identity. A user token needs a sign-in
   * within the last ten minutes.
   * Errors: USER_NOT_FOUND, IDENTITY_NOT_FOUND, USER_ABSORBED, USER_BLOCKED,
   * REAUTHENTICATION_REQUIRED.
   */
  setPrimaryIdentity(request: MessageInitShape<typeof SetPrimaryIdentityRequestSchema>, options?: CallOptions): Promise<SetPrimaryIdentityResponse> {
    return this.call(SET_PRIMARY_IDENTITY, request, options);
  }

  /**
   * Starts a flow at a provider, to sign in or to link another account, and returns
   * where to send the browser. The flow ends in `CompleteSignIn`, once and within ten
   * minutes.
   * Errors: PROVIDER_UNKNOWN, PROVIDER_DISABLED, PROVIDER_UNAVAILABLE; for a link also
   * those of a call with its `user_token`.
   */
  startSignIn(request: MessageInitShape<typeof StartSignInRequestSchema>, options?: CallOptions): Promise<StartSignInResponse> {
    return this.call(START_SIGN_IN, request, options);
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
   */
  undoLink(request: MessageInitShape<typeof UndoLinkRequestSchema>, options?: CallOptions): Promise<UndoLinkResponse> {
    return this.call(UNDO_LINK, request, options);
  }

  /**
   * Takes links back, the newest first, by the rules of `UndoLink`.
   * Errors: TOO_MANY_OPERATIONS.
   */
  undoLinks(request: MessageInitShape<typeof UndoLinksRequestSchema>, options?: CallOptions): Promise<Operation> {
    return this.call(UNDO_LINKS, request, options);
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
   */
  unlink(request: MessageInitShape<typeof UnlinkRequestSchema>, options?: CallOptions): Promise<UnlinkResponse> {
    return this.call(UNLINK, request, options);
  }

  /**
   * Replaces the named fields of a user. A user token can only name `user_metadata`.
   * Errors: USER_NOT_FOUND, USER_ABSORBED, SCOPE_INSUFFICIENT,
   * REAUTHENTICATION_REQUIRED.
   */
  updateUser(request: MessageInitShape<typeof UpdateUserRequestSchema>, options?: CallOptions): Promise<UpdateUserResponse> {
    return this.call(UPDATE_USER, request, options);
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
   */
  waitOperation(request: MessageInitShape<typeof WaitOperationRequestSchema>, options?: CallOptions): Promise<Operation> {
    return this.call(WAIT_OPERATION, request, options);
  }
}

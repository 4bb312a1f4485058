/**
 * A client of identity-link, the service that owns which identities belong to which user.
 *
 * The messages are in `identitylink/v1`, and an error for each reason of a refusal in `identitylink/reasons`.
 *
 * @packageDocumentation
 */
export { Client, type ClientOptions, type WatchOptions } from "./client.js";
export { type FieldViolation, IdentityLinkError, type PreconditionViolation, TokenSourceError } from "./errors.js";
export type { CallOptions } from "./rpc.js";
export type { Requests, StreamOptions } from "./streaming.js";
export { FileToken, FunctionToken, StaticToken, type Token, type TokenSource } from "./tokens.js";

import { status } from "@grpc/grpc-js";

/** A field of the request that is wrong in any state of the data. */
export interface FieldViolation {
  /** The field, such as `user_metadata/a/0`; empty if there are more violations than were sent. */
  readonly field: string;
  /** A sentence for people. */
  readonly description: string;
}

/** What keeps the server from carrying out the request now. */
export interface PreconditionViolation {
  /** The kind of precondition. */
  readonly type: string;
  /** What it concerns, such as the path of a conflict; empty if there are more than were sent. */
  readonly subject: string;
  /** A sentence for people. */
  readonly description: string;
}

/** What is known of a call that has failed. */
export interface Failure {
  readonly code: status;
  readonly message: string;
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly preconditions: readonly PreconditionViolation[];
  readonly retryDelayMs: number | undefined;
}

/**
 * A call has failed.
 *
 * Each stable reason of the server has a class of its own in `identitylink/reasons`. A failure without a reason, such
 * as a connection that is refused, is an `IdentityLinkError` itself. Decide by the class or by `reason`. The message
 * is the server's sentence for people, and may change.
 */
export class IdentityLinkError extends Error {
  /** The status code. */
  readonly code: status;
  /**
   * The stable reason, such as `IDENTITY_TAKEN`; empty if the server sent none. A newer server may send others. A call that
   * has reached its deadline has `DEADLINE`, also if the client saw it first.
   */
  readonly reason: string;
  /** Values that belong to the reason, such as the `limit` of `RATE_LIMITED`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The wrong fields of `REQUEST_INVALID`. */
  readonly violations: readonly FieldViolation[];
  /** What `METADATA_CONFLICT` and `PROVIDER_SCOPES_MISSING` list. */
  readonly preconditions: readonly PreconditionViolation[];
  /** After how many milliseconds the same call may succeed; `undefined` if the server did not say. */
  readonly retryDelayMs: number | undefined;
  /**
   * The `request_id` of the write that failed, also if the client made it. Set it in the same request to repeat the call:
   * if the write was made, the first response comes again. Empty for a call that changes nothing, and for a stream of
   * requests.
   */
  readonly requestId: string = "";

  constructor(failure: Failure) {
    super(failure.message);
    this.code = failure.code;
    this.reason = failure.reason;
    this.metadata = failure.metadata;
    this.violations = failure.violations;
    this.preconditions = failure.preconditions;
    this.retryDelayMs = failure.retryDelayMs;
  }

  override get name(): string {
    return "IdentityLinkError";
  }

  /** The name of the status code, such as `ALREADY_EXISTS`. */
  get codeName(): string {
    return status[this.code];
  }

  /** The reason, or else the name of the code, and the sentence. */
  override toString(): string {
    return `${this.reason || this.codeName}: ${this.message}`;
  }
}

/** A token source has failed, so there was no token to call with. The `cause` is what it threw. */
export class TokenSourceError extends Error {
  /**
   * That of the write that was to be made, as in `IdentityLinkError`. An earlier attempt of the call may have reached the
   * server.
   */
  readonly requestId: string = "";

  constructor(cause: unknown) {
    super(`there is no token: ${String(cause)}`, { cause });
  }

  override get name(): string {
    return "TokenSourceError";
  }
}

/** The error of a call, with the `request_id` of the call. */
export function under(requestId: string, error: unknown): unknown {
  if (error instanceof IdentityLinkError || error instanceof TokenSourceError) {
    (error as { requestId: string }).requestId = requestId;
  }
  return error;
}

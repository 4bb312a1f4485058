import type { DescMessage } from "@bufbuild/protobuf";

/**
 * Whether requests of an rpc have a `request_id`: none, all but previews (`validate_only`), since the server refuses a
 * preview with one, or all.
 */
export type RequestId = "never" | "except previews" | "always";

/** What the contract says of an rpc with one request. */
export interface Rpc<Req extends DescMessage, Res extends DescMessage> {
  readonly path: string;
  readonly request: Req;
  readonly response: Res;
  /** Whether it changes nothing, so that it can be repeated after any failure. */
  readonly onlyReads: boolean;
  readonly requestId: RequestId;
}

/** What a call may have beside its request. */
export interface CallOptions {
  /** Milliseconds for the call with all its attempts; the client's `timeoutMs` if absent. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Metadata of the call, such as `x-reason`, why a change is made (`encodeURIComponent` encodes it), `x-tenant` if the
   * token serves several tenants, or `traceparent`.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

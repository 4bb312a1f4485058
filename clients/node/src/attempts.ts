import { randomUUID } from "node:crypto";

import { type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import type { IdentityLinkError } from "./errors.js";
import * as reasons from "./reasons.js";
import { messageOf } from "./requests.js";
import type { Rpc } from "./rpc.js";

/** The server has changed nothing when it refuses for one of these: any call can be repeated. */
const NOTHING_CHANGED: readonly string[] = [
  reasons.ConflictRetry.REASON,
  reasons.KeysUnavailable.REASON,
  reasons.Overloaded.REASON,
  reasons.RateLimited.REASON,
  reasons.StoreUnavailable.REASON,
];
/** The pause after a failure for which the server gives no delay, in milliseconds: it doubles up to the last. */
const FIRST_PAUSE = 100;
const LAST_PAUSE = 5_000;
/** The longest wait of a timer, in milliseconds. A longer one would end at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** How long a call may last, and how often it is attempted. */
export interface Patience {
  /** Milliseconds for all attempts of a call and the pauses between them. */
  readonly timeoutMs: number;
  /** How many attempts a call has at most, the first one included. */
  readonly maxAttempts: number;
}

/** The time, in milliseconds. Throws a `RangeError` that names the option unless a timer can wait so long. */
export function checkTime(option: string, milliseconds: number): number {
  if (!(milliseconds > 0 && milliseconds <= LONGEST_TIMER)) {
    throw new RangeError(
      `${option} is a number of milliseconds above 0, at most ${LONGEST_TIMER}, not ${milliseconds}`,
    );
  }
  return milliseconds;
}

/** Throws a `RangeError` unless these are a time and a number of attempts. */
export function checkPatience({ timeoutMs, maxAttempts }: Patience): Patience {
  checkTime("timeoutMs", timeoutMs);
  if (!(Number.isInteger(maxAttempts) && maxAttempts >= 1)) {
    throw new RangeError(`maxAttempts is a whole number from 1 on, not ${maxAttempts}`);
  }
  return { timeoutMs, maxAttempts };
}

/** The pause after so many failures in a row, in milliseconds, of which half is random. */
export function backoff(failures: number): number {
  const longest = Math.min(FIRST_PAUSE * 2 ** Math.min(failures - 1, 16), LAST_PAUSE);
  return longest * (0.5 + 0.5 * Math.random());
}

/**
 * The pause that the server asks for, in milliseconds, if it says that a repetition may succeed. A little is added, so
 * that clients that were refused together do not come back together.
 */
export function asked(error: IdentityLinkError): number | undefined {
  const mayRepeat =
    error.code === status.UNAVAILABLE || error.code === status.RESOURCE_EXHAUSTED || error.code === status.ABORTED;
  if (error.retryDelayMs === undefined || !mayRepeat) {
    return undefined;
  }
  return error.retryDelayMs * (1 + 0.2 * Math.random());
}

/** The attempts of one call: one deadline, one `request_id` and the same bytes for all of them. */
export class Attempts {
  /** The request as each attempt sends it. */
  readonly bytes: Uint8Array;
  /** Empty if the request has none. */
  readonly requestId: string;
  readonly #endsAt: number;
  readonly #isSafe: boolean;
  #left: number;
  #failures = 0;
  #wasRenewed = false;

  constructor(rpc: Rpc<DescMessage, DescMessage>, request: MessageInitShape<DescMessage>, patience: Patience) {
    this.#endsAt = performance.now() + patience.timeoutMs;
    this.#left = patience.maxAttempts;
    let message = messageOf(rpc.request, request);
    const isPreview = "validateOnly" in message && message.validateOnly === true;
    let requestId = "requestId" in message ? String(message.requestId) : "";
    const takesOne = rpc.requestId === "always" || (rpc.requestId === "except previews" && !isPreview);
    if (takesOne && requestId === "") {
      requestId = randomUUID();
      // The caller's message stays as it is.
      message = Object.assign(Object.create(Object.getPrototypeOf(message)), message, { requestId });
    }
    this.bytes = toBinary(rpc.request, message);
    this.requestId = requestId;
    // A write under its request id changes nothing twice, and a preview nothing at all.
    this.#isSafe = rpc.onlyReads || isPreview || requestId !== "";
  }

  /** The milliseconds that are left for all further attempts. */
  remaining(): number {
    return Math.max(this.#endsAt - performance.now(), 0);
  }

  /** Whether the server refused the token, for the first time in this call. */
  mayRenew(error: IdentityLinkError): boolean {
    const isRefused = error.reason === reasons.TokenInvalid.REASON && error.code === status.UNAUTHENTICATED;
    const may = isRefused && !this.#wasRenewed;
    this.#wasRenewed ||= may;
    return may;
  }

  /**
   * The pause before the next attempt, in milliseconds. Throws the error if there is no other attempt: the failure is
   * final, or the pause would outlast the deadline.
   */
  pauseAfter(error: IdentityLinkError): number {
    this.#left -= 1;
    this.#failures += 1;
    const pause = this.#pause(error);
    if (pause === undefined || this.#left < 1 || pause >= this.remaining()) {
      throw error;
    }
    return pause;
  }

  #pause(error: IdentityLinkError): number | undefined {
    const byServer = asked(error);
    if (byServer !== undefined) {
      return this.#isSafe || NOTHING_CHANGED.includes(error.reason) ? byServer : undefined;
    }
    // The connection was lost, or the outcome of the commit is unknown.
    return error.code === status.UNAVAILABLE && this.#isSafe ? backoff(this.#failures) : undefined;
  }
}

/** Waits so many milliseconds. Throws the reason of the signal if that ends the wait. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }, Math.min(milliseconds, LONGEST_TIMER));
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/**
 * What the promise becomes, unless the limit passes or the signal comes before: it then throws the error of the limit, or
 * the reason of the signal.
 */
export function within<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  limit?: { readonly milliseconds: number; readonly error: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      // An error of the promise would have no reader, which would end the process.
      promise.catch(() => undefined);
      throw signal.reason;
    }
    const timer = limit && setTimeout(() => end(() => reject(limit.error())), limit.milliseconds);
    const aborted = (): void => end(() => reject(signal?.reason));
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      settle();
    };
    signal?.addEventListener("abort", aborted, { once: true });
    promise.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    );
  });
}

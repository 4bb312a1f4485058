import { type BigIntStats, readFileSync, statSync } from "node:fs";

import { TokenSourceError } from "./errors.js";

/**
 * Where the bearer token of each call comes from. No source, error or log line of this package shows a token. A call for
 * which a source fails throws a `TokenSourceError`.
 */
export interface TokenSource {
  /** The token for the next call, at once if there is no need to wait. */
  token(): string | Promise<string>;
  /**
   * Another token in place of one that the server has refused. If it is the same, the call fails with the server's
   * refusal.
   */
  renewed(rejected: string): Promise<string>;
}

/** A token, and when it ends. */
export interface Token {
  readonly value: string;
  /** When it ends. Absent means: the `exp` of a JWT, and for another token that it is good until the server refuses it. */
  readonly expiresAt?: Date | undefined;
}

/** What a bearer token may consist of (RFC 6750, section 2.1, b64token). */
const BEARER = /^[A-Za-z0-9\-._~+/]+=*$/;
/** A token is renewed so long before its end, in milliseconds, or after 80 % of its life if that is later. */
const EARLY = 30_000;
const LATEST_SHARE = 0.2;
/** How long a token that is still good is used after its renewal has failed, before the next attempt. */
const AFTER_FAILURE = 5_000;

/** One token, which is never renewed: for scripts and tests. */
export class StaticToken implements TokenSource {
  readonly #value: string;

  /** Throws a `TypeError` if the value is no bearer token. */
  constructor(value: string) {
    this.#value = checked(value);
  }

  token(): string {
    return this.#value;
  }

  async renewed(_rejected: string): Promise<string> {
    return this.#value;
  }
}

/**
 * The token in a file that another process renews, such as a projected token of Kubernetes. The file is read again when
 * it has changed, and when the server has refused its token. White space around the token is left out.
 */
export class FileToken implements TokenSource {
  readonly path: string;
  #version: BigIntStats | undefined;
  #value = "";

  constructor(path: string) {
    this.path = path;
  }

  token(): string {
    // A look at a file takes less time than a switch to another task, and a token is read once.
    const found = statSync(this.path, { bigint: true });
    if (this.#version === undefined || !isSame(this.#version, found)) {
      // If the file is replaced between the two, the next call sees another version.
      const value = checked(readFileSync(this.path, "utf8").trim());
      this.#version = found;
      this.#value = value;
    }
    return this.#value;
  }

  async renewed(_rejected: string): Promise<string> {
    this.#version = undefined;
    return this.token();
  }
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.dev === other.dev && one.size === other.size && one.mtimeNs === other.mtimeNs;
}

/**
 * Tokens that a function gets, such as by the client credentials of OAuth 2.0.
 *
 * The function is called before the token ends, and after the server has refused it; never twice at once. If it fails
 * while the token is still good, that one is used. Otherwise its error is the cause of the one that the call throws.
 */
export class FunctionToken implements TokenSource {
  readonly #function: () => string | Token | Promise<string | Token>;
  #renewal: Promise<string> | undefined;
  #value: string | undefined;
  /** Milliseconds since the Unix epoch; `undefined` if the token has no known end. */
  #expiresAt: number | undefined;
  #renewAt: number | undefined;

  constructor(get: () => string | Token | Promise<string | Token>) {
    this.#function = get;
  }

  async token(): Promise<string> {
    const fresh = this.#fresh();
    if (fresh !== undefined) {
      return fresh;
    }
    const good = this.#good();
    if (this.#renewal !== undefined) {
      // While another call renews a token that is still good, this one need not wait.
      return good ?? this.#renewal;
    }
    try {
      return await this.#renew();
    } catch (error) {
      this.#renewAt = Date.now() + AFTER_FAILURE;
      const stillGood = this.#good();
      if (stillGood === undefined) {
        throw error;
      }
      return stillGood;
    }
  }

  async renewed(rejected: string): Promise<string> {
    if (this.#renewal !== undefined) {
      await this.#renewal.catch(() => undefined);
    }
    const good = this.#good();
    if (good !== undefined && good !== rejected) {
      return good;
    }
    return this.#renewal ?? this.#renew();
  }

  /** Calls the function, for all calls that wait. */
  #renew(): Promise<string> {
    this.#renewal = this.#get().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #get(): Promise<string> {
    const got = await this.#function();
    const token: Token = typeof got === "string" ? { value: got } : got;
    const value = checked(token.value);
    const expiresAt = token.expiresAt?.getTime() ?? expiry(value);
    this.#value = value;
    this.#expiresAt = expiresAt;
    this.#renewAt = undefined;
    if (expiresAt !== undefined) {
      this.#renewAt = expiresAt - Math.min(EARLY, LATEST_SHARE * Math.max(expiresAt - Date.now(), 0));
    }
    return value;
  }

  /** The token, unless it is time for another one. */
  #fresh(): string | undefined {
    return this.#renewAt !== undefined && Date.now() >= this.#renewAt ? undefined : this.#value;
  }

  /** The token, unless it has ended. */
  #good(): string | undefined {
    return this.#expiresAt !== undefined && Date.now() >= this.#expiresAt ? undefined : this.#value;
  }
}

/** The value that was checked last: most calls have the token of the call before. */
let lastChecked: string | undefined;

/**
 * The token that a source returns, checked: grpc-js would quote what a header cannot have. Throws a `TokenSourceError` by
 * what the source throws.
 */
export function obtained(get: () => string | Promise<string>): string | Promise<string> {
  try {
    const got = get();
    return typeof got === "string" ? checked(got) : Promise.resolve(got).then(checked).catch(failed);
  } catch (cause) {
    return failed(cause);
  }
}

function failed(cause: unknown): never {
  throw new TokenSourceError(cause);
}

/** The token if a header can have it. Throws a `TypeError`, without the value. */
export function checked(value: string): string {
  if (value !== lastChecked) {
    if (typeof value !== "string" || !BEARER.test(value)) {
      throw new TypeError("the token is no bearer token: it is empty, or has characters beside those of RFC 6750");
    }
    lastChecked = value;
  }
  return value;
}

/** The `exp` of a JWT in milliseconds. It is not verified: it only decides when to renew. */
function expiry(value: string): number | undefined {
  const [, payload, signature] = value.split(".");
  if (payload === undefined || signature === undefined) {
    return undefined;
  }
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const exp = typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined;
    return typeof exp === "number" ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

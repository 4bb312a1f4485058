import { type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client as Channel,
  type ClientReadableStream,
  credentials,
  type ServiceError,
} from "@grpc/grpc-js";

import { Attempts, checkPatience, checkTime, type Patience, sleep, within } from "./attempts.js";
import { RESOLVE_USERS, WATCH_EVENTS } from "./calls.js";
import { type IdentityLinkError, under } from "./errors.js";
import {
  type WatchEventsRequest,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "./gen/identitylink/v1/event_service_pb.js";
import type { ResolvedUser } from "./gen/identitylink/v1/identity_service_pb.js";
import { Reach } from "./reach.js";
import { closed, deadlineExceeded } from "./refusals.js";
import type { CallOptions, Rpc } from "./rpc.js";
import { asIs, bearer, checkMetadata } from "./streaming.js";
import { type Connection, Streams } from "./streams.js";
import { obtained, StaticToken, type TokenSource } from "./tokens.js";
import { VERSION } from "./version.js";
import { Watch } from "./watching.js";

/** Milliseconds that a call lasts at most, unless the caller says otherwise. */
const DEFAULT_TIMEOUT = 10_000;
/** How often a call is attempted, unless the caller says otherwise. */
const DEFAULT_MAX_ATTEMPTS = 5;
/** Milliseconds after which a silent stream counts as dead: some heartbeats of a server with defaults. */
const DEFAULT_MAX_SILENCE = 60_000;
/** How many ids one call resolves. */
const IDS_AT_ONCE = 100;

/** How a client calls. */
export interface ClientOptions {
  /** The bearer token of each call, or where it comes from. */
  readonly token: string | TokenSource;
  /** Without TLS. Who can read the network then reads the tokens. */
  readonly plaintext?: boolean | undefined;
  /** How TLS verifies the server; by the roots of Node.js if absent. */
  readonly credentials?: ChannelCredentials | undefined;
  /** Milliseconds for a call with all its attempts; 10,000 if absent. */
  readonly timeoutMs?: number | undefined;
  /** How often a call is attempted at most; 5 if absent. */
  readonly maxAttempts?: number | undefined;
  /** Further options of grpc-js, which win over those of this package. */
  readonly channelOptions?: ChannelOptions | undefined;
}

/** How a watch waits. */
export interface WatchOptions {
  /**
   * Milliseconds without a message after which a stream counts as dead; 60,000 if absent. The server sends one each
   * `feed.heartbeat`, 15 seconds by default.
   */
  readonly maxSilenceMs?: number | undefined;
  /** Ends the watch: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Metadata of the streams, such as `x-tenant` if the token serves several tenants. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Calls identity-link by one connection, which it makes at its first call. */
export class Client extends Streams {
  readonly #patience: Patience;
  readonly #tokens: TokenSource;
  readonly #channel: Channel;
  readonly #reach: Reach;
  #isClosed = false;

  /**
   * @param target the server as gRPC names it, such as `identity.example.com:443`, or several addresses, such as
   *   `ipv4:10.0.0.1:50051,10.0.0.2:50051`.
   * @throws TypeError if it is a URL.
   */
  constructor(target: string, options: ClientOptions) {
    super();
    if (options.plaintext === true && options.credentials !== undefined) {
      throw new TypeError("a plaintext connection has no credentials: leave one of the two out");
    }
    if (/^https?:\/\//.test(target)) {
      // gRPC would look up a host of the name "http".
      throw new TypeError("the target is a host and a port, such as identity.example.com:443, not a URL");
    }
    this.#patience = checkPatience({
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT,
      maxAttempts: options.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    });
    this.#tokens = typeof options.token === "string" ? new StaticToken(options.token) : options.token;
    this.#reach = new Reach(target, options.plaintext === true);
    const secured = options.credentials ?? credentials.createSsl();
    this.#channel = new Channel(target, options.plaintext === true ? credentials.createInsecure() : secured, {
      "grpc.primary_user_agent": `identitylink-node/${VERSION}`,
      // A connection that is silent for so many milliseconds is probed, also while a watch waits.
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      // Retries are made here alone, not by what a name server says.
      "grpc.service_config_disable_resolution": 1,
      ...options.channelOptions,
    });
  }

  /** Closes the connection. Calls in progress fail. */
  close(): void {
    this.#isClosed = true;
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  protected override async call<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    request: MessageInitShape<Req>,
    options: CallOptions = {},
  ): Promise<MessageShape<Res>> {
    const patience =
      options.timeoutMs === undefined
        ? this.#patience
        : checkPatience({ ...this.#patience, timeoutMs: options.timeoutMs });
    checkMetadata(options.metadata);
    const attempts = new Attempts(rpc, request, patience);
    try {
      return await this.#attempted(rpc, attempts, options);
    } catch (error) {
      throw under(attempts.requestId, error);
    }
  }

  async #attempted<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    attempts: Attempts,
    options: CallOptions,
  ): Promise<MessageShape<Res>> {
    const { signal } = options;
    // A token that is there needs no timer.
    const inTime = (token: string | Promise<string>): string | Promise<string> =>
      typeof token === "string"
        ? token
        : within(token, signal, { milliseconds: attempts.remaining(), error: tokenTooLate });
    let token = await inTime(obtained(() => this.#tokens.token()));
    for (;;) {
      let error: IdentityLinkError;
      try {
        const response = await this.#attempt(rpc, attempts, token, options);
        this.#reach.answered();
        return response;
      } catch (failure) {
        signal?.throwIfAborted();
        error = this.#reach.failed(failure as ServiceError | IdentityLinkError);
      }
      if (this.#isClosed) {
        throw error;
      }
      if (attempts.mayRenew(error)) {
        const rejected = token;
        const renewed = await inTime(obtained(() => this.#tokens.renewed(rejected)));
        if (renewed !== token) {
          token = renewed;
          continue;
        }
      }
      await sleep(attempts.pauseAfter(error), signal);
    }
  }

  #attempt<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    attempts: Attempts,
    token: string,
    { signal, metadata }: CallOptions,
  ): Promise<MessageShape<Res>> {
    const headers = bearer(token, metadata);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#isClosed) {
        throw closed();
      }
      const call = this.#channel.makeUnaryRequest(
        rpc.path,
        asIs,
        (bytes: Buffer) => fromBinary(rpc.response, bytes),
        attempts.bytes,
        headers,
        { deadline: Date.now() + attempts.remaining() },
        (failure, response) => {
          signal?.removeEventListener("abort", cancel);
          if (response === undefined) {
            reject(failure);
          } else {
            resolve(response);
          }
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /**
   * Resolves any number of user ids, live or absorbed, in their order: 100 with each call, for each of which the options
   * are.
   */
  async *resolve(
    userIds: Iterable<string> | AsyncIterable<string>,
    options?: CallOptions,
  ): AsyncGenerator<ResolvedUser, void, undefined> {
    let batch: string[] = [];
    for await (const id of userIds) {
      batch.push(id);
      if (batch.length === IDS_AT_ONCE) {
        yield* (await this.call(RESOLVE_USERS, { userIds: batch }, options)).users;
        batch = [];
      }
    }
    if (batch.length > 0) {
      yield* (await this.call(RESOLVE_USERS, { userIds: batch }, options)).users;
    }
  }

  protected override connection(): Connection {
    if (this.#isClosed) {
      throw closed();
    }
    return { channel: this.#channel, tokens: this.#tokens, patience: this.#patience, reach: this.#reach };
  }

  /**
   * Watches the feed without an end, without a gap and without an event twice.
   *
   * A stream ends after ten minutes at the latest, when its token expires, when the server stops, and when the connection
   * is lost: the watch then goes on from the last position, after a growing pause if need be. It also yields the messages
   * without events: each has a position to store.
   *
   * It throws what no new stream mends, such as `PositionExpired`: then list the users again. Leave the loop, or abort
   * the signal, to end the watch.
   */
  async *watch(
    request: MessageInitShape<typeof WatchEventsRequestSchema>,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEventsResponse, void, undefined> {
    const { signal } = options;
    const maxSilenceMs = checkTime("maxSilenceMs", options.maxSilenceMs ?? DEFAULT_MAX_SILENCE);
    checkMetadata(options.metadata);
    const watch = new Watch(request);
    // A watch has no deadline, so its token has none.
    const unlessAborted = async (token: string | Promise<string>): Promise<string> =>
      within(Promise.resolve(token), signal);
    let token = await unlessAborted(obtained(() => this.#tokens.token()));
    for (;;) {
      let error: IdentityLinkError | undefined;
      if (this.#isClosed) {
        throw closed();
      }
      const stream = new Stream(this.#channel, watch.request, token, maxSilenceMs, options);
      try {
        for (let response = await stream.next(); response !== undefined; response = await stream.next()) {
          this.#reach.answered();
          watch.received(response);
          yield response;
        }
      } catch (failure) {
        signal?.throwIfAborted();
        error = this.#reach.failed(failure as ServiceError | IdentityLinkError);
      } finally {
        stream.close();
      }
      if (this.#isClosed) {
        throw error ?? closed();
      }
      if (error !== undefined && watch.mayRenew(error)) {
        const rejected = token;
        const renewed = await unlessAborted(obtained(() => this.#tokens.renewed(rejected)));
        if (renewed === token) {
          throw error;
        }
        token = renewed;
        continue;
      }
      await sleep(watch.pauseAfter(error), signal);
      token = await unlessAborted(obtained(() => this.#tokens.token()));
    }
  }
}

/** One stream of a watch. */
class Stream {
  readonly #call: ClientReadableStream<WatchEventsResponse>;
  readonly #messages: AsyncIterator<WatchEventsResponse>;
  readonly #maxSilenceMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #cancel = (): void => this.#call.cancel();
  #wasSilent = false;

  constructor(
    channel: Channel,
    request: WatchEventsRequest,
    token: string,
    maxSilenceMs: number,
    { signal, metadata }: WatchOptions,
  ) {
    signal?.throwIfAborted();
    this.#maxSilenceMs = maxSilenceMs;
    this.#signal = signal;
    this.#call = channel.makeServerStreamRequest(
      WATCH_EVENTS.path,
      asIs,
      (bytes: Buffer) => fromBinary(WatchEventsResponseSchema, bytes),
      toBinary(WatchEventsRequestSchema, request),
      bearer(token, metadata),
    );
    // A stream that ends after it was left has no reader of its error, which would end the process.
    this.#call.on("error", () => undefined);
    this.#messages = this.#call[Symbol.asyncIterator]();
    signal?.addEventListener("abort", this.#cancel, { once: true });
  }

  /** The next message; `undefined` at the end, and after a silence that is too long. */
  async next(): Promise<WatchEventsResponse | undefined> {
    // Only the time in which the consumer waits counts.
    const silence = setTimeout(() => {
      this.#wasSilent = true;
      this.#call.cancel();
    }, this.#maxSilenceMs);
    try {
      const { done, value } = await this.#messages.next();
      return done === true ? undefined : value;
    } catch (failure) {
      if (this.#wasSilent) {
        return undefined;
      }
      throw failure;
    } finally {
      clearTimeout(silence);
    }
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.#cancel);
    this.#call.cancel();
  }
}

function tokenTooLate(): IdentityLinkError {
  return deadlineExceeded("the token came too late for the call");
}

import {
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client as Channel, type ClientDuplexStream, type ClientReadableStream, Metadata } from "@grpc/grpc-js";

import { messageOf } from "./requests.js";
import type { Rpc } from "./rpc.js";

/** What a stream may have beside its requests. It has no deadline unless it is given one. */
export interface StreamOptions {
  /** Milliseconds for the whole stream; no bound if absent. */
  readonly timeoutMs?: number | undefined;
  /** Ends the stream: it then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Metadata of the stream, such as `x-reason`, why a change is made (`encodeURIComponent` encodes it), `x-tenant` if the
   * token serves several tenants, or `traceparent`.
   */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** The requests of a stream, which are read as fast as the server takes them. */
export type Requests<Desc extends DescMessage> =
  | Iterable<MessageInitShape<Desc>>
  | AsyncIterable<MessageInitShape<Desc>>;

/** Yields the messages of one stream, and throws the error of grpc-js if it fails. */
export async function* received<Req extends DescMessage, Res extends DescMessage>(
  channel: Channel,
  rpc: Rpc<Req, Res>,
  request: Uint8Array,
  token: string,
  options: StreamOptions,
): AsyncGenerator<MessageShape<Res>, void, undefined> {
  options.signal?.throwIfAborted();
  const call = channel.makeServerStreamRequest(
    rpc.path,
    asIs,
    (bytes: Buffer) => fromBinary(rpc.response, bytes),
    request,
    bearer(token, options.metadata),
    deadline(options),
  );
  yield* messages(call, options);
}

/**
 * Sends the requests, and yields the messages of the response. Throws the error of grpc-js if the stream fails, and what
 * the iterator of the requests throws: the server then has no whole request.
 */
export async function* exchanged<Req extends DescMessage, Res extends DescMessage>(
  channel: Channel,
  rpc: Rpc<Req, Res>,
  requests: Requests<Req>,
  token: string,
  options: StreamOptions,
): AsyncGenerator<MessageShape<Res>, void, undefined> {
  options.signal?.throwIfAborted();
  const call = channel.makeBidiStreamRequest(
    rpc.path,
    asIs,
    (bytes: Buffer) => fromBinary(rpc.response, bytes),
    bearer(token, options.metadata),
    deadline(options),
  );
  const failures: unknown[] = [];
  send(call, rpc.request, requests).catch((failure: unknown) => {
    failures.push(failure);
    call.cancel();
  });
  try {
    yield* messages(call, options);
  } catch (error) {
    throw failures.length > 0 ? failures[0] : error;
  }
}

async function send<Req extends DescMessage>(
  call: ClientDuplexStream<Uint8Array, unknown>,
  schema: Req,
  requests: Requests<Req>,
): Promise<void> {
  let isOver = false;
  let awake = (): void => undefined;
  const over = (): void => {
    isOver = true;
    awake();
  };
  // An error is thrown where the responses are read.
  call.on("error", over).on("close", over).on("status", over);
  call.on("drain", () => awake());
  for await (const request of requests) {
    if (isOver) {
      return;
    }
    if (!call.write(toBinary(schema, messageOf(schema, request)))) {
      await new Promise<void>((resolve) => {
        awake = resolve;
        if (isOver) {
          resolve();
        }
      });
    }
  }
  call.end();
}

async function* messages<Res>(
  call: ClientReadableStream<Res>,
  { signal }: StreamOptions,
): AsyncGenerator<Res, void, undefined> {
  const cancel = (): void => call.cancel();
  // A stream that ends after it was left has no reader of its error, which would end the process.
  call.on("error", () => undefined);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    yield* call as AsyncIterable<Res>;
  } catch (failure) {
    signal?.throwIfAborted();
    throw failure;
  } finally {
    signal?.removeEventListener("abort", cancel);
    call.cancel();
  }
}

function deadline({ timeoutMs }: StreamOptions): { deadline?: number } {
  return timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
}

/** The bytes as grpc-js sends them. */
export function asIs(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

let last: { readonly token: string; readonly metadata: Metadata } | undefined;

/** What metadata of text may be (gRPC over HTTP/2, "Custom-Metadata"). */
const KEY = /^[a-z0-9_.-]+(?<!-bin)$/;
const VALUE = /^[ -~]+$/;

/** Throws a `TypeError`, without the value, if gRPC cannot send the metadata. */
export function checkMetadata(metadata: Readonly<Record<string, string>> = {}): void {
  for (const [key, value] of Object.entries(metadata)) {
    if (key === "authorization") {
      throw new TypeError("authorization is the token of the client: give it to the token source");
    }
    if (!KEY.test(key) || !VALUE.test(value)) {
      throw new TypeError(
        "a key of metadata has lower-case letters, digits and -_. alone, and does not end in -bin; " +
          "a value has printable ASCII characters alone: encodeURIComponent encodes others for x-reason",
      );
    }
  }
}

/**
 * The metadata of a call with this token, which grpc-js copies. It is made once for each token, unless the call has more.
 */
export function bearer(token: string, more?: Readonly<Record<string, string>>): Metadata {
  if (last?.token !== token) {
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    last = { token, metadata };
  }
  if (more === undefined) {
    return last.metadata;
  }
  const metadata = last.metadata.clone();
  for (const [key, value] of Object.entries(more)) {
    metadata.set(key, value);
  }
  return metadata;
}

/** The driver of the conformance scenarios: see clients/conformance/README.md. */
import { createInterface } from "node:readline";

import { type DescMessage, fromJson, type JsonValue, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { type CallOptions, Client, FileToken, FunctionToken, IdentityLinkError, TokenSourceError } from "identitylink";
import { registry, WatchEventsRequestSchema } from "identitylink/v1";

interface Order {
  open?: {
    target: string;
    tokens: (string | null)[];
    token_file?: string | null;
    max_attempts?: number | null;
    timeout?: number | null;
    tls?: boolean;
  };
  call?: string;
  all?: string;
  request?: JsonValue;
  /** Seconds. */
  timeout?: number | null;
  metadata?: Record<string, string> | null;
  /** An rpc whose requests or responses are a stream. */
  stream?: string;
  requests?: JsonValue[];
  resolve?: string[];
  watch?: JsonValue;
  take?: number;
}

type Method = (request: Message, options?: CallOptions) => unknown;

function say(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** A function that returns these tokens in turn, and the last one again. */
function source(tokens: (string | null)[]): () => string {
  return () => {
    const token = tokens.length > 1 ? tokens.shift() : tokens[0];
    if (typeof token !== "string") {
      throw new Error("the source of the tokens fails");
    }
    return token;
  };
}

function opened({ target, tokens, token_file, max_attempts, timeout, tls }: NonNullable<Order["open"]>): Client {
  return new Client(target, {
    token: typeof token_file === "string" ? new FileToken(token_file) : new FunctionToken(source(tokens)),
    plaintext: tls !== true,
    maxAttempts: max_attempts ?? undefined,
    timeoutMs: typeof timeout === "number" ? timeout * 1000 : undefined,
  });
}

function schemaOf(message: Message): DescMessage {
  const found = registry.getMessage(message.$typeName);
  if (found === undefined) {
    throw new Error(`${message.$typeName} is no message of the client`);
  }
  return found;
}

function asJson(message: Message): JsonValue {
  return toJson(schemaOf(message), message, { registry });
}

/** A method of the client, and a request for the rpc in protobuf's JSON. */
function prepared(client: Client, rpc: string, suffix: string, request: JsonValue): [Method, Message] {
  const name = rpc.charAt(0).toLowerCase() + rpc.slice(1) + suffix;
  const services = [...registry].filter((each) => each.kind === "service");
  const described = services.flatMap((each) => each.methods).find((each) => each.name === rpc);
  if (described === undefined) {
    throw new Error(`${rpc} is no rpc`);
  }
  const method = (client as unknown as Record<string, Method>)[name];
  if (method === undefined) {
    throw new Error(`the client has no ${name}`);
  }
  return [method.bind(client), fromJson(described.input, request, { registry })];
}

function failed(error: unknown): unknown {
  if (error instanceof TokenSourceError) {
    const { message, requestId, cause } = error;
    return { error: { type: "token", text: message, request_id: requestId || null, has_cause: cause instanceof Error } };
  }
  if (!(error instanceof IdentityLinkError)) {
    const text = error instanceof Error ? error.name : String(error);
    return { error: { type: "other", code: "", reason: "", text } };
  }
  return {
    error: {
      type: error.name === "IdentityLinkError" ? "" : error.name,
      code: error.codeName,
      reason: error.reason,
      text: error.message,
      metadata: error.metadata,
      violations: error.violations,
      preconditions: error.preconditions,
      retry_delay_ms: error.retryDelayMs ?? null,
      request_id: error.requestId || null,
    },
  };
}

async function items(messages: AsyncIterable<Message>): Promise<unknown> {
  const found: JsonValue[] = [];
  for await (const message of messages) {
    found.push(asJson(message));
  }
  return { items: found };
}

async function carriedOut(client: Client, order: Order): Promise<unknown> {
  if (order.call !== undefined) {
    const [method, request] = prepared(client, order.call, "", order.request ?? {});
    const timeoutMs = typeof order.timeout === "number" ? order.timeout * 1000 : undefined;
    const response = (await method(request, { timeoutMs, metadata: order.metadata ?? undefined })) as Message;
    const bytes = toBinary(schemaOf(response), response);
    return { response: asJson(response), message: Buffer.from(bytes).toString("base64") };
  }
  if (order.all !== undefined) {
    const [method, request] = prepared(client, order.all, "All", order.request ?? {});
    return items(method(request) as AsyncIterable<Message>);
  }
  if (order.stream !== undefined) {
    const requests = (order.requests ?? []).map((each) => prepared(client, order.stream ?? "", "", each));
    const method = requests[0]?.[0];
    const messages = requests.map(([, message]) => message);
    const isRead = order.stream === "ExportUsers" || order.stream === "ReadLines";
    const got = method?.((isRead ? messages[0] : messages) as Message);
    return got instanceof Promise ? { items: [asJson((await got) as Message)] } : items(got as AsyncIterable<Message>);
  }
  if (order.resolve !== undefined) {
    return items(client.resolve(order.resolve));
  }
  let left = order.take ?? 0;
  for await (const response of client.watch(fromJson(WatchEventsRequestSchema, order.watch ?? {}))) {
    for (const event of response.events) {
      say({ event: asJson(event) });
      left -= 1;
    }
    if (left <= 0) {
      break;
    }
  }
  return { done: true };
}

async function main(): Promise<void> {
  let client: Client | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order;
    try {
      if (order.open !== undefined) {
        client?.close();
        client = opened(order.open);
        say({ opened: true });
      } else if (client !== undefined) {
        say(await carriedOut(client, order));
      }
    } catch (error) {
      say(failed(error));
    }
  }
}

void main();

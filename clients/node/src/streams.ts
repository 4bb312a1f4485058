import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Client as Channel, ServiceError } from "@grpc/grpc-js";

import { Attempts, type Patience, sleep, within } from "./attempts.js";
import { Calls, EXPORT_USERS, IMPORT_USERS, READ_LINES, UPLOAD_PLAN } from "./calls.js";
import type { IdentityLinkError } from "./errors.js";
import type {
  ReadLinesRequestSchema,
  ReadLinesResponse,
  UploadPlanRequestSchema,
  UploadPlanResponse,
} from "./gen/identitylink/v1/job_service_pb.js";
import type {
  ExportUsersRequestSchema,
  ExportUsersResponse,
  ImportUsersRequestSchema,
  ImportUsersResponse,
} from "./gen/identitylink/v1/transfer_service_pb.js";
import type { Reach } from "./reach.js";
import * as reasons from "./reasons.js";
import type { Rpc } from "./rpc.js";
import { checkMetadata, exchanged, received, type Requests, type StreamOptions } from "./streaming.js";
import { obtained, type TokenSource } from "./tokens.js";

/** What a client calls by. */
export interface Connection {
  readonly channel: Channel;
  readonly tokens: TokenSource;
  readonly patience: Patience;
  readonly reach: Reach;
}

/** The rpcs that are streams, beside the watch. They have no deadline unless they are given one. */
export abstract class Streams extends Calls {
  /** The connection. Throws if the client is closed. */
  protected abstract connection(): Connection;

  /**
   * Yields the users of the tenant as lines: first the position of the feed, last the counts.
   *
   * It has no deadline. It is begun again as a call is repeated, until its first message has come. An export that throws is
   * not complete.
   */
  exportUsers(
    request: MessageInitShape<typeof ExportUsersRequestSchema>,
    options: StreamOptions = {},
  ): AsyncGenerator<ExportUsersResponse, void, undefined> {
    return this.#read(EXPORT_USERS, request, options);
  }

  /**
   * Yields the lines of a job.
   *
   * It has no deadline. It is begun again as a call is repeated, until its first message has come. After an error, continue
   * with `afterLine`.
   */
  readLines(
    request: MessageInitShape<typeof ReadLinesRequestSchema>,
    options: StreamOptions = {},
  ): AsyncGenerator<ReadLinesResponse, void, undefined> {
    return this.#read(READ_LINES, request, options);
  }

  /**
   * Creates users from rows, and yields what became of each row.
   *
   * The requests are the settings, the rows, and `rowsEnd`; they are read as fast as the server takes them. If their
   * iterator throws, nothing is written. It has no deadline, and is made once. After an error, send the same rows again:
   * users that are there already are `PRESENT`, and nothing of them changes.
   */
  importUsers(
    requests: Requests<typeof ImportUsersRequestSchema>,
    options: StreamOptions = {},
  ): AsyncGenerator<ImportUsersResponse, void, undefined> {
    return this.#write(IMPORT_USERS, requests, options);
  }

  /**
   * Stores a plan, whose lines the requests have.
   *
   * If their iterator throws, nothing is stored. It has no deadline, and is made once. After an error, send the same lines
   * again with the same `requestId`: the plan is stored once.
   */
  async uploadPlan(
    requests: Requests<typeof UploadPlanRequestSchema>,
    options: StreamOptions = {},
  ): Promise<UploadPlanResponse> {
    for await (const response of this.#write(UPLOAD_PLAN, requests, options)) {
      return response;
    }
    throw new Error("the stream ended without a response");
  }

  async *#read<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    request: MessageInitShape<Req>,
    options: StreamOptions,
  ): AsyncGenerator<MessageShape<Res>, void, undefined> {
    const { signal } = options;
    checkMetadata(options.metadata);
    const { tokens, patience, reach } = this.connection();
    const attempts = new Attempts(rpc, request, patience);
    let token = await tokenOf(() => tokens.token(), signal);
    for (;;) {
      let hasBegun = false;
      let error: IdentityLinkError;
      try {
        for await (const response of received(this.connection().channel, rpc, attempts.bytes, token, options)) {
          hasBegun = true;
          reach.answered();
          yield response;
        }
        return;
      } catch (failure) {
        signal?.throwIfAborted();
        error = reach.failed(failure as ServiceError | IdentityLinkError);
      }
      if (hasBegun) {
        throw error;
      }
      if (attempts.mayRenew(error)) {
        const rejected = token;
        const renewed = await tokenOf(() => tokens.renewed(rejected), signal);
        if (renewed !== token) {
          token = renewed;
          continue;
        }
      }
      await sleep(attempts.pauseAfter(error), signal);
    }
  }

  async *#write<Req extends DescMessage, Res extends DescMessage>(
    rpc: Rpc<Req, Res>,
    requests: Requests<Req>,
    options: StreamOptions,
  ): AsyncGenerator<MessageShape<Res>, void, undefined> {
    const { signal } = options;
    checkMetadata(options.metadata);
    const { tokens, reach } = this.connection();
    const token = await tokenOf(() => tokens.token(), signal);
    try {
      yield* exchanged(this.connection().channel, rpc, requests, token, options);
    } catch (failure) {
      signal?.throwIfAborted();
      if (!isServiceError(failure)) {
        throw failure;
      }
      const error = reach.failed(failure);
      if (error.reason === reasons.TokenInvalid.REASON) {
        // A token that was refused is not used again.
        await tokenOf(() => tokens.renewed(token), signal);
      }
      throw error;
    }
  }
}

/** A stream has no deadline, so its token has none. */
async function tokenOf(get: () => string | Promise<string>, signal: AbortSignal | undefined): Promise<string> {
  return within(Promise.resolve(obtained(get)), signal);
}

function isServiceError(failure: unknown): failure is ServiceError {
  return failure instanceof Error && "code" in failure && "metadata" in failure && "details" in failure;
}

import { clone, type MessageInitShape } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";

import { asked, backoff } from "./attempts.js";
import type { IdentityLinkError } from "./errors.js";
import {
  type WatchEventsRequest,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
} from "./gen/identitylink/v1/event_service_pb.js";
import * as reasons from "./reasons.js";
import { messageOf } from "./requests.js";

/** The position that a watch has reached, and when to call again. */
export class Watch {
  /** The request of the next stream: from the last position on. */
  readonly request: WatchEventsRequest;
  #failures = 0;
  #wasRenewed = false;

  constructor(request: MessageInitShape<typeof WatchEventsRequestSchema>) {
    // The caller's message stays as it is.
    this.request = clone(WatchEventsRequestSchema, messageOf(WatchEventsRequestSchema, request));
  }

  /** Notes a message: the next stream begins behind it. */
  received(response: WatchEventsResponse): void {
    this.request.start = { case: "after", value: response.position };
    this.#failures = 0;
    this.#wasRenewed = false;
  }

  /** Whether the token has ended, and no stream was refused since the last message. */
  mayRenew(error: IdentityLinkError): boolean {
    const may = error.reason === reasons.TokenInvalid.REASON && !this.#wasRenewed;
    this.#wasRenewed ||= may;
    return may;
  }

  /**
   * The pause before the next stream, in milliseconds; `undefined` is a stream that just ended. Throws the error if the
   * watch is over.
   */
  pauseAfter(error: IdentityLinkError | undefined): number {
    this.#failures += 1;
    if (error === undefined) {
      return backoff(this.#failures);
    }
    // The server ends each watch after a time, to judge the caller again. The first call after it waits for nothing, so
    // that events come without a gap in time.
    if (error.reason === reasons.WatchExpired.REASON && this.#failures === 1) {
      return 0;
    }
    const byServer = asked(error);
    if (byServer !== undefined) {
      return byServer;
    }
    // A connection that is cut makes one of these of a stream, without a reason of the server.
    const isCut = error.code === status.UNAVAILABLE || (error.code === status.INTERNAL && error.reason === "");
    if (!isCut) {
      throw error;
    }
    return backoff(this.#failures);
  }
}

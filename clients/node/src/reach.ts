import { type ServiceError, status } from "@grpc/grpc-js";

import type { IdentityLinkError } from "./errors.js";
import { deadlineExceeded, parsed, withoutReason } from "./refusals.js";

/** Whether a server has answered a client, and what a failure says while none has. */
export class Reach {
  readonly #hint: string;
  #hasAnswered = false;

  constructor(target: string, isPlaintext: boolean) {
    const other = isPlaintext
      ? "leave plaintext out if the server speaks TLS"
      : "set plaintext if the server speaks no TLS";
    this.#hint = `no server at ${target} has answered yet: check the address, and ${other}`;
  }

  /** A response has come. */
  answered(): void {
    this.#hasAnswered = true;
  }

  /** The error of an attempt: with what to check, if it may be that no server can be reached. */
  failed(failure: ServiceError | IdentityLinkError): IdentityLinkError {
    const error = parsed(failure);
    if (error.reason !== "") {
      this.#hasAnswered = true;
      return error;
    }
    const message = this.#hasAnswered ? error.message : `${error.message}; ${this.#hint}`;
    switch (error.code) {
      case status.UNAVAILABLE:
        return withoutReason(error.code, message);
      case status.DEADLINE_EXCEEDED:
        return deadlineExceeded(message);
      default:
        return error;
    }
  }
}

import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack, type Duration } from "@bufbuild/protobuf/wkt";
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";

import { type Failure, IdentityLinkError } from "./errors.js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { BY_REASON, Deadline } from "./reasons.js";

/**
 * `ErrorInfo.domain` of each refusal of the server. A reason of another domain, such as of a proxy, is none of these.
 */
const DOMAIN = "identity-link";
/** The trailer with the details (google.rpc.Status). */
const DETAILS = "grpc-status-details-bin";

/** The error of a call that grpc-js has failed. */
export function parsed(failure: ServiceError | IdentityLinkError): IdentityLinkError {
  if (failure instanceof IdentityLinkError) {
    return failure;
  }
  const details = detailsOf(failure.metadata);
  const info = first(details, ErrorInfoSchema, (found) => found.domain === DOMAIN);
  const reason = info?.reason ?? "";
  const delay = first(details, RetryInfoSchema)?.retryDelay;
  return errorOf({
    code: failure.code,
    message: failure.details,
    reason,
    metadata: info?.metadata ?? {},
    violations: (first(details, BadRequestSchema)?.fieldViolations ?? []).map(({ field, description }) => ({
      field,
      description,
    })),
    preconditions: (first(details, PreconditionFailureSchema)?.violations ?? []).map(
      ({ type, subject, description }) => ({ type, subject, description }),
    ),
    // Only the server itself says when it can be asked again.
    retryDelayMs: reason !== "" && delay !== undefined ? milliseconds(delay) : undefined,
  });
}

/**
 * The error of a call whose time has passed. The client and the server see the same deadline pass: which one is first is
 * chance.
 */
export function deadlineExceeded(message: string): IdentityLinkError {
  return bare(status.DEADLINE_EXCEEDED, message, Deadline.REASON);
}

/** The error of a call of a client that is closed. */
export function closed(): IdentityLinkError {
  return withoutReason(status.CANCELLED, "the client is closed");
}

/** The error of a call for which no server has given a reason. */
export function withoutReason(code: status, message: string): IdentityLinkError {
  return bare(code, message, "");
}

function bare(code: status, message: string, reason: string): IdentityLinkError {
  return errorOf({
    code,
    message,
    reason,
    metadata: {},
    violations: [],
    preconditions: [],
    retryDelayMs: undefined,
  });
}

function errorOf(failure: Failure): IdentityLinkError {
  const Class = BY_REASON.get(failure.reason) ?? IdentityLinkError;
  return new Class(failure);
}

/** The details of a status. Those that do not decode are left out. */
function detailsOf(trailers: Metadata | undefined): Any[] {
  const [value] = trailers?.get(DETAILS) ?? [];
  if (!(value instanceof Uint8Array)) {
    return [];
  }
  try {
    return fromBinary(StatusSchema, value).details;
  } catch {
    return [];
  }
}

function first<Desc extends DescMessage>(
  details: Any[],
  schema: Desc,
  counts: (found: MessageShape<Desc>) => boolean = () => true,
): MessageShape<Desc> | undefined {
  for (const detail of details) {
    try {
      const found = anyUnpack(detail, schema);
      if (found !== undefined && counts(found)) {
        return found;
      }
    } catch {
      // A detail that does not decode is none.
    }
  }
  return undefined;
}

function milliseconds(duration: Duration): number {
  return Math.max(Number(duration.seconds) * 1000 + duration.nanos / 1_000_000, 0);
}

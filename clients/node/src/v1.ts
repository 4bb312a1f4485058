// Written by clients/generate from the protos. Do not edit.

/** The messages of the contract: see the protos for what each field means. */

import { createRegistry, type Registry } from "@bufbuild/protobuf";

import { file_google_longrunning_operations } from "./gen/google/longrunning/operations_pb.js";
import { file_identitylink_v1_access } from "./gen/identitylink/v1/access_pb.js";
import { file_identitylink_v1_errors } from "./gen/identitylink/v1/errors_pb.js";
import { file_identitylink_v1_event_service } from "./gen/identitylink/v1/event_service_pb.js";
import { file_identitylink_v1_identity_service } from "./gen/identitylink/v1/identity_service_pb.js";
import { file_identitylink_v1_job_service } from "./gen/identitylink/v1/job_service_pb.js";
import { file_identitylink_v1_resources } from "./gen/identitylink/v1/resources_pb.js";
import { file_identitylink_v1_sign_in_service } from "./gen/identitylink/v1/sign_in_service_pb.js";
import { file_identitylink_v1_transfer_service } from "./gen/identitylink/v1/transfer_service_pb.js";

export * from "./gen/google/longrunning/operations_pb.js";
export * from "./gen/identitylink/v1/access_pb.js";
export * from "./gen/identitylink/v1/errors_pb.js";
export * from "./gen/identitylink/v1/event_service_pb.js";
export * from "./gen/identitylink/v1/identity_service_pb.js";
export * from "./gen/identitylink/v1/job_service_pb.js";
export * from "./gen/identitylink/v1/resources_pb.js";
export * from "./gen/identitylink/v1/sign_in_service_pb.js";
export * from "./gen/identitylink/v1/transfer_service_pb.js";

/** All messages, such as for the `Any` of an operation. */
export const registry: Registry = createRegistry(
  file_google_longrunning_operations,
  file_identitylink_v1_access,
  file_identitylink_v1_errors,
  file_identitylink_v1_event_service,
  file_identitylink_v1_identity_service,
  file_identitylink_v1_job_service,
  file_identitylink_v1_resources,
  file_identitylink_v1_sign_in_service,
  file_identitylink_v1_transfer_service,
);

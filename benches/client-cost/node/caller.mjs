// Calls GetUser by the client and by the bare stub: see ../measure.py.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { credentials, makeClientConstructor, Metadata } from "@grpc/grpc-js";
import { Client, FileToken } from "identitylink";
import { GetUserRequestSchema, GetUserResponseSchema } from "identitylink/v1";

const CALLERS = 8;
const [address, tokenFile, userId] = process.argv.slice(2);
const client = new Client(address, { token: new FileToken(tokenFile), plaintext: true });

// A generated stub of grpc-js, with the messages of protobuf-es.
const Stub = makeClientConstructor(
  {
    getUser: {
      path: "/identitylink.v1.IdentityService/GetUser",
      requestStream: false,
      responseStream: false,
      requestSerialize: (request) => Buffer.from(toBinary(GetUserRequestSchema, request)),
      requestDeserialize: (bytes) => fromBinary(GetUserRequestSchema, bytes),
      responseSerialize: (response) => Buffer.from(toBinary(GetUserResponseSchema, response)),
      responseDeserialize: (bytes) => fromBinary(GetUserResponseSchema, bytes),
    },
  },
  "identitylink.v1.IdentityService",
);
const stub = new Stub(address, credentials.createInsecure());
const metadata = new Metadata();
metadata.set("authorization", `Bearer ${readFileSync(tokenFile, "utf8").trim()}`);

const arms = {
  client: () => client.getUser({ userId }),
  stub: () =>
    new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000;
      stub.getUser(create(GetUserRequestSchema, { userId }), metadata, { deadline }, (failure, response) =>
        failure === null ? resolve(response) : reject(failure),
      );
    }),
};

async function caller(arm, calls) {
  for (let call = 0; call < calls; call += 1) {
    const response = await arms[arm]();
    if (response.user.id !== userId) {
      throw new Error(`the response has another user: ${response.user.id}`);
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [arm, calls] = line.split(" ");
  await Promise.all(Array.from({ length: CALLERS }, () => caller(arm, Math.floor(Number(calls) / CALLERS))));
  console.log("done");
}
client.close();
stub.close();

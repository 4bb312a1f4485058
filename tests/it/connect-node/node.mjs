// The story by the client for Node.js.
import { readFileSync } from "node:fs";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { story } from "./story.mjs";

const [form, facts] = [process.argv[2], JSON.parse(readFileSync(process.argv[3], "utf8"))];
const transports = {
  connect: (options) => createConnectTransport({ ...options, httpVersion: "1.1", useBinaryFormat: true }),
  "connect-json": (options) => createConnectTransport({ ...options, httpVersion: "1.1" }),
  "connect-http2": (options) => createConnectTransport({ ...options, httpVersion: "2", useBinaryFormat: true }),
  "connect-get": (options) => createConnectTransport({ ...options, httpVersion: "1.1", useHttpGet: true }),
  "grpc-web": (options) => createGrpcWebTransport({ ...options, httpVersion: "1.1" }),
  grpc: (options) => createGrpcTransport(options),
};
const withToken = (interceptor) => transports[form]({ baseUrl: facts.url, interceptors: [interceptor] });
console.log(await story(withToken, facts));
process.exit(0);

// The story by the client for browsers.
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { registryOf, story, withToken } from "./story.mjs";

const transports = {
  connect: (options) => createConnectTransport({ ...options, useBinaryFormat: true }),
  "connect-json": (options) => createConnectTransport({ ...options, useBinaryFormat: false }),
  "grpc-web": (options) => createGrpcWebTransport(options),
};

window.play = (form, facts) =>
  story((interceptor) => transports[form]({ baseUrl: facts.url, interceptors: [interceptor] }), facts);

// What a call says that the browser does not let through.
window.refused = (facts) => {
  const transport = createConnectTransport({ baseUrl: facts.url, interceptors: [withToken(facts.ann)] });
  const service = registryOf(facts.contract).getService("identitylink.v1.IdentityService");
  return createClient(service, transport).getUser({}).then(
    () => "it was let through",
    (error) => `${Code[ConnectError.from(error).code].toLowerCase()}: ${ConnectError.from(error).message}`,
  );
};

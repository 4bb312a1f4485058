// A person links another account, is refused once, and unlinks it, while a watch follows: what came of each, a line each.
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";

const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
export const registryOf = (base64) => createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes(base64)));

// Adds a token to each call.
export const withToken = (token) => (next) => (request) => {
  request.header.set("Authorization", `Bearer ${token}`);
  return next(request);
};

export const story = async (transportWith, facts) => {
  const [contract, standard] = [registryOf(facts.contract), registryOf(facts.details)];
  const client = (service, token) =>
    createClient(contract.getService(`identitylink.v1.${service}`), transportWith(withToken(token)));
  const lines = [];
  const say = (what, outcome) => lines.push(`${what}: ${outcome}`);
  const refused = async (what, call) => {
    const error = await call.then(() => undefined, (error) => ConnectError.from(error));
    const find = (name) => error.findDetails(standard.getMessage(`google.rpc.${name}`));
    const violations = find("BadRequest").flatMap((bad) => bad.fieldViolations.map(({ field }) => field));
    say(what, `${Code[error.code]} ${find("ErrorInfo").map(({ reason }) => reason)} ${violations}`);
  };

  const backEnd = client("IdentityService", facts.service);
  const ann = client("IdentityService", facts.ann);
  const { matches } = await backEnd.findByEmail({ email: "ann@example.com" });
  const user = matches[0].user;
  say("found", `${user.identities.map(({ identityRef }) => identityRef.subject)} version ${typeof user.version}`);
  say("metadata", JSON.stringify(user.identities[0].profileData.n));

  // The watch begins before what it sees.
  const stop = new AbortController();
  const watch = client("EventService", facts.service).watchEvents(
    { start: { case: "fromEnd", value: 2 } }, { signal: stop.signal });
  const seen = [];
  let begun;
  const watching = new Promise((resolve) => (begun = resolve));
  const ended = (async () => {
    try {
      for await (const { events } of watch) {
        begun();
        seen.push(...events.map(({ detail }) => detail.case));
        if (seen.includes("userUnlinked")) stop.abort();
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  })();
  await Promise.race([watching, ended]);

  const linked = await ann.link({ secondary: { case: "linkWith", value: facts.ben } });
  say("linked", linked.user.identities.map(({ identityRef }) => identityRef.provider));
  await refused("a token that is none", ann.link({ secondary: { case: "linkWith", value: "none" } }));
  const sms = { provider: "sms", subject: "ben" };
  const unlinked = await ann.unlink({ identity: sms });
  say("unlinked", unlinked.user.identities.map(({ identityRef }) => identityRef.provider));
  await refused("the last one", ann.unlink({ identity: { provider: "github", subject: "ann" } }));
  await refused("no email", backEnd.findByEmail({}));
  await refused("no permission", ann.findByEmail({ email: "ann@example.com" }));
  await ended;
  say("seen", seen);
  return lines.join("\n");
};

import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "identitylink";

/** Nothing listens there: a request that is sent fails with a status. */
const client = new Client("127.0.0.1:1", { token: "token", plaintext: true, maxAttempts: 1 });

test("a property that is no field is refused, and nothing is sent", async () => {
  const wrong: [object, RegExp][] = [
    [{ user_id: "ann" }, /identitylink\.v1\.LinkRequest has no field "user_id"; it has .*userId/],
    [{ userId: "ann", secondary: { case: "secondary_user_id", value: "bob" } }, /no case "secondary_user_id"/],
    [{ userId: "ann", secondary: "bob" }, /secondary is \{ case, value \}/],
    [{ userMetadata: { Conflict: 1 } }, /has no field "Conflict"/],
  ];
  for (const [request, text] of wrong) {
    await assert.rejects(client.link(request), (error) => error instanceof TypeError && text.test(error.message));
  }
});

test("a misspelt enum value is refused, and nothing is sent", async () => {
  // As JavaScript can have it.
  const request = { userId: "ann", userMetadata: { conflict: "FAIL" as unknown as number } };
  await assert.rejects(client.mergeMetadata(request), /conflict|int32|enum/i);
});

test("keys of metadata are any", async () => {
  const value = { userMetadata: { user_id: 1, case: "x" } };
  const request = { userId: "ann", source: { case: "given", value } } as const;
  await assert.rejects(client.mergeMetadata(request), { codeName: "UNAVAILABLE" });
});

test("the time of a call or of a silence is a time", async () => {
  for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    await assert.rejects(client.getUser({ userId: "ann" }, { timeoutMs }), RangeError);
    await assert.rejects(client.watch({}, { maxSilenceMs: timeoutMs }).next(), RangeError);
  }
  assert.throws(() => new Client("127.0.0.1:1", { token: "token", maxAttempts: 0 }), RangeError);
});

test("a client that is closed calls nothing", async () => {
  const left = new Client("127.0.0.1:1", { token: "token", plaintext: true });
  const watch = left.watch({}).next();
  left.close();
  await assert.rejects(left.getUser({ userId: "ann" }), { codeName: "CANCELLED" });
  await assert.rejects(watch, { name: "IdentityLinkError" });
});

test("a token that comes too late ends the call, and so does a signal", async () => {
  const never = { token: () => new Promise<string>(() => undefined), renewed: async () => "" };
  const waits = new Client("127.0.0.1:1", { token: never, plaintext: true });
  await assert.rejects(waits.getUser({ userId: "ann" }, { timeoutMs: 10 }), {
    name: "Deadline",
    codeName: "DEADLINE_EXCEEDED",
    reason: "DEADLINE",
  });
  const controller = new AbortController();
  const call = waits.getUser({ userId: "ann" }, { signal: controller.signal });
  const watch = waits.watch({}, { signal: controller.signal }).next();
  controller.abort(new Error("the caller has left"));
  await assert.rejects(call, /has left/);
  await assert.rejects(watch, /has left/);
});

test("a URL is no target", () => {
  for (const target of ["http://127.0.0.1:1", "https://identity.example.com"]) {
    assert.throws(() => new Client(target, { token: "token" }), /a host and a port/);
  }
});

test("metadata that cannot be sent is refused, and nothing is sent", async () => {
  for (const [key, value] of [
    ["X-Reason", "a"],
    ["x-bin", "a"],
    ["x-reason", "\u00e9"],
    ["x-reason", ""],
    ["authorization", "Bearer secret"],
  ] as const) {
    const options = { metadata: { [key]: value } };
    const isRefused = (error: unknown): boolean => error instanceof TypeError && !error.message.includes("secret");
    await assert.rejects(client.getUser({}, options), isRefused);
    await assert.rejects(client.exportUsers({}, options).next(), isRefused);
    await assert.rejects(client.watch({}, options).next(), isRefused);
  }
});

import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { inspect } from "node:util";

import { Client, FileToken, FunctionToken, StaticToken, type Token, TokenSourceError } from "identitylink";

/** Issues numbered tokens, each good for a hundred seconds. It can fail, and it sets the clock. */
class Issuer {
  issued = 0;
  fails = false;
  readonly #clock: TestContext["mock"]["timers"];

  constructor(context: TestContext) {
    this.#clock = context.mock.timers;
    this.#clock.enable({ apis: ["Date"], now: 1_000_000_000 });
  }

  later(seconds: number): void {
    this.#clock.setTime(Date.now() + seconds * 1000);
  }

  readonly issue = async (): Promise<Token> => {
    if (this.fails) {
      throw new Error("there is no issuer");
    }
    this.issued += 1;
    return { value: `token${this.issued}`, expiresAt: new Date(Date.now() + 100_000) };
  };
}

function inFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "identitylink-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("a token is used until shortly before its end", async (context) => {
  const issuer = new Issuer(context);
  const source = new FunctionToken(issuer.issue);
  const first = await source.token();
  issuer.later(79);
  assert.equal(await source.token(), first);
  issuer.later(2);
  assert.notEqual(await source.token(), first);
});

test("a token that is good is used while the issuer fails", async (context) => {
  const issuer = new Issuer(context);
  const source = new FunctionToken(issuer.issue);
  const first = await source.token();
  issuer.fails = true;
  issuer.later(90);
  assert.equal(await source.token(), first);
  issuer.later(20);
  await assert.rejects(source.token(), /no issuer/);
});

test("a token that is good is used while the issuer returns what is no token", async (context) => {
  const issuer = new Issuer(context);
  let value: Token | string | undefined;
  const source = new FunctionToken(async () => value ?? issuer.issue());
  const first = await source.token();
  value = "no token";
  issuer.later(90);
  assert.equal(await source.token(), first);
  issuer.later(20);
  await assert.rejects(source.token(), TypeError);
});

test("a refused token is renewed once for all calls", async (context) => {
  const issuer = new Issuer(context);
  const source = new FunctionToken(issuer.issue);
  const first = await source.token();
  const [second, third] = await Promise.all([source.renewed(first), source.renewed(first)]);
  assert.notEqual(second, first);
  assert.equal(third, second);
  assert.equal(await source.renewed(first), second);
  assert.equal(issuer.issued, 2);
});

test("calls that begin together wait for one token", async (context) => {
  const issuer = new Issuer(context);
  const source = new FunctionToken(issuer.issue);
  const all = await Promise.all([source.token(), source.token(), source.renewed("another")]);
  assert.deepEqual(all, ["token1", "token1", "token1"]);
});

test("the end of a JWT is read", async (context) => {
  const issuer = new Issuer(context);
  const claims = Buffer.from(JSON.stringify({ exp: 1_000_100 })).toString("base64url");
  const source = new FunctionToken(() => `a.${claims}.${(issuer.issued += 1)}`);
  const first = await source.token();
  assert.equal(await source.token(), first);
  issuer.later(81);
  assert.notEqual(await source.token(), first);
});

test("no call waits for the renewal of a good token", async (context) => {
  const issuer = new Issuer(context);
  let goOn = (): void => undefined;
  let wait: Promise<void> | undefined;
  const source = new FunctionToken(async () => {
    await wait;
    return issuer.issue();
  });
  const first = await source.token();
  issuer.later(90);
  wait = new Promise((resolve) => {
    goOn = resolve;
  });
  const renewing = source.token();
  assert.equal(await source.token(), first);
  goOn();
  assert.notEqual(await renewing, first);
});

test("a file is read again after it was replaced", async (context) => {
  const path = join(inFolder(context), "token");
  writeFileSync(path, "first\n");
  const source = new FileToken(path);
  assert.equal(await source.token(), "first");
  writeFileSync(`${path}.next`, "other\n");
  renameSync(`${path}.next`, path);
  assert.equal(await source.token(), "other");
  writeFileSync(path, "a line\nand another\n");
  await assert.rejects(async () => source.token(), TypeError);
});

test("what is no bearer token is refused and not quoted", () => {
  for (const value of ["", "two words", "a\r\nx-admin: 1", "é", "a\n"]) {
    assert.throws(
      () => new StaticToken(value),
      (error) => error instanceof TypeError && (value === "" || !error.message.includes(value)),
      JSON.stringify(value),
    );
  }
});

test("what a source of the caller's own returns is checked too", async () => {
  const source = { token: async () => "secret\r\nx-admin: 1", renewed: async (rejected: string) => rejected };
  const client = new Client("127.0.0.1:1", { token: source, plaintext: true });
  const isRefused = (error: unknown): boolean =>
    error instanceof TokenSourceError && error.cause instanceof TypeError && !inspect(error).includes("secret");
  await assert.rejects(client.getUser({ userId: "ann" }), isRefused);
  await assert.rejects(client.watch({}).next(), isRefused);
  client.close();
});

test("the failure of a source is an error of its own", async () => {
  const fails = new FunctionToken(() => {
    throw new Error("there is no issuer");
  });
  const sources = [
    [new FileToken("/nowhere/token"), /ENOENT/],
    [fails, /no issuer/],
  ] as const;
  for (const [source, text] of sources) {
    const client = new Client("127.0.0.1:1", { token: source, plaintext: true });
    const isWrapped = (error: unknown): boolean =>
      error instanceof TokenSourceError && error.cause instanceof Error && text.test(error.message);
    await assert.rejects(client.getUser({ userId: "ann" }), isWrapped);
    await assert.rejects(client.watch({}).next(), isWrapped);
    await assert.rejects(client.exportUsers({}).next(), isWrapped);
    await assert.rejects(client.uploadPlan([]), isWrapped);
    client.close();
  }
});

test("a signal that came before ends the call, also if the source fails then", async () => {
  const fails = new FunctionToken(async () => {
    throw new Error("there is no issuer");
  });
  const client = new Client("127.0.0.1:1", { token: fails, plaintext: true });
  const signal = AbortSignal.abort(new Error("the caller has left"));
  await assert.rejects(client.getUser({ userId: "ann" }, { signal }), /has left/);
  client.close();
});

test("no text shows a token", async (context) => {
  const path = join(inFolder(context), "token");
  writeFileSync(path, "secret");
  for (const source of [new StaticToken("secret"), new FileToken(path), new FunctionToken(() => "secret")]) {
    assert.equal(await source.token(), "secret");
    for (const text of [inspect(source, { showHidden: true, depth: 9 }), JSON.stringify(source), String(source)]) {
      assert.doesNotMatch(text, /secret/);
    }
  }
});

// AuthHero in one Node process, with its SQLite adapter on a file, and users to link. Its only
// argument is the file. It says on stderr where it serves, and the headers of a call to the
// Management API. package.json replaces the packages @authhero/proxy and @authhero/saml by another
// one: authhero contains their code, and npm did not have them when this was written.
import { once } from "node:events";
import { rmSync } from "node:fs";

import { serve } from "@hono/node-server";
import * as x509 from "@peculiar/x509";
import { MANAGEMENT_API_AUDIENCE, createInMemoryCache, init } from "authhero";
import SQLite from "better-sqlite3";
import { sign } from "hono/jwt";
import { Kysely, SqliteDialect } from "kysely";

import createAdapters, { migrateToLatest } from "./kysely-adapter.mjs";

// As many pairs as the benchmark links in the service.
const USERS = 1000;
// How many pairs are linked and unlinked before the server says that it serves. Node.js compiles
// what has run often: until then, a call takes twice the CPU.
const WARM_UP = 2000;
const TENANT = "default";
const ISSUER = "http://localhost:3000/";
const PROVIDER = "google-oauth2";

const file = process.argv[2];
for (const name of [file, `${file}-wal`, `${file}-shm`]) {
  rmSync(name, { force: true });
}
const sqlite = new SQLite(file);
sqlite.pragma("journal_mode = WAL");
// No fsync, neither at a commit nor at a checkpoint.
sqlite.pragma("synchronous = OFF");
const db = new Kysely({ dialect: new SqliteDialect({ database: sqlite }) });
await migrateToLatest(db, false);
// The cache keeps tenants, hooks and connections from one request to the next.
const cache = createInMemoryCache({ defaultTtlSeconds: 300, maxEntries: 1000, cleanupIntervalMs: 0 });
const data = { ...createAdapters(db), cache };

const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const size = { publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 };
const keys = await crypto.subtle.generateKey({ ...algorithm, ...size }, true, ["sign", "verify"]);
const certificate = await x509.X509CertificateGenerator.createSelfSigned({
  name: "CN=benchmark",
  keys,
  signingAlgorithm: algorithm,
});
const thumbprint = Buffer.from(await certificate.getThumbprint()).toString("hex");
await data.keys.create({
  kid: thumbprint,
  fingerprint: thumbprint,
  thumbprint,
  cert: certificate.toString("pem"),
  type: "jwt_signing",
});
await data.tenants.create({
  id: TENANT,
  friendly_name: "Default",
  audience: "https://api.example.com",
  sender_email: "noreply@example.com",
  sender_name: "Default",
});
await data.connections.create(TENANT, { id: PROVIDER, name: PROVIDER, strategy: PROVIDER, options: {} });
for (let subject = 1; subject <= USERS; subject += 1) {
  await data.users.create(TENANT, {
    user_id: `${PROVIDER}|${subject}`,
    provider: PROVIDER,
    connection: PROVIDER,
    is_social: true,
    email: `${subject}@example.com`,
    email_verified: true,
    name: "John Doe",
    given_name: "John",
    family_name: "Doe",
    user_metadata: { color: "red" },
  });
}

const now = Math.floor(Date.now() / 1000);
const claims = {
  iss: ISSUER,
  aud: MANAGEMENT_API_AUDIENCE,
  sub: "backend",
  tenant_id: TENANT,
  scope: "read:users update:users",
  iat: now,
  exp: now + 86400,
};
const key = { ...(await crypto.subtle.exportKey("jwk", keys.privateKey)), kid: thumbprint };
const authorization = `Bearer ${await sign(claims, key, "RS256")}`;
const headers = { authorization, "tenant-id": TENANT, "content-type": "application/json" };

const { app } = init({ dataAdapter: data });
const env = { ISSUER, AUTH_URL: ISSUER, data };
const server = serve({ fetch: (request) => app.fetch(request, env), hostname: "127.0.0.1", port: 0 });
await once(server, "listening");
const { address, port } = server.address();

async function send(method, path, body) {
  const url = `http://${address}:${port}/api/v2/users/${path}`;
  const response = await fetch(url, { method, headers, body });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${method} ${path}: ${response.status} ${text}`);
  }
}

for (let number = 0; number < WARM_UP; number += 1) {
  const primary = 1 + ((2 * number) % USERS);
  const path = `${PROVIDER}%7C${primary}/identities`;
  await send("POST", path, JSON.stringify({ provider: PROVIDER, user_id: `${PROVIDER}|${primary + 1}` }));
  await send("DELETE", `${path}/${PROVIDER}/${primary + 1}`);
}
console.error(JSON.stringify({ message: "serving", address: `${address}:${port}`, headers }));

// Users in bulk, done with Auth0's own client. Its arguments: the client, "auth0" or "auth0/legacy" (the generation
// before), the domain, and tokens as JSON. Prints what happened, a line each.
import assert from "node:assert";
import { gunzipSync } from "node:zlib";

const [generation, domain, tokens] = process.argv.slice(2);
const sdk = await import(generation);
const { service } = JSON.parse(tokens);

const client = new sdk.ManagementClient({ domain, token: service });
const calls = {
  auth0: {
    importUsers: (form) => client.jobs.usersImports.create(form),
    exportUsers: (body) => client.jobs.usersExports.create(body),
    get: (id) => client.jobs.get(id),
    errors: (id) => client.jobs.errors.get(id),
    statusOf: (error) => [error.statusCode, error.body.message],
  },
  "auth0/legacy": {
    importUsers: async (form) => (await client.jobs.importUsers(form)).data,
    exportUsers: async (body) => (await client.jobs.exportUsers(body)).data,
    get: async (id) => (await client.jobs.get({ id })).data,
    errors: async (id) => (await client.jobs.getErrors({ id })).data,
    statusOf: (error) => [error.statusCode, error.msg],
  },
}[generation];

const say = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`);
const plain = ({ id, created_at, location, ...job }) => job;
const ended = async (job) => {
  while (["pending", "processing"].includes(job.status)) job = await calls.get(job.id);
  return job;
};
const file = (users) => new File([JSON.stringify(users)], "users.json", { type: "application/json" });

const users = file([
  { user_id: "mara", email: "mara@example.com", email_verified: true, name: "Mara", password_hash: "$2b$10$7a1d" },
  { email: "jo@example.com" },
]);
const form = { users, connection_id: "Username-Password-Authentication", external_id: "monday" };
const imported = await ended(await calls.importUsers(form));
say("imported", plain(imported));
say("its errors", await calls.errors(imported.id));
const empty = await ended(await calls.importUsers({ ...form, users: file([]), upsert: false }));
say("without errors", (await calls.errors(empty.id)) || null);
const refused = await calls.importUsers({ ...form, users: file([]), upsert: true }).catch(calls.statusOf);
say("an upsert", refused);

const fields = [{ name: "user_id" }, { name: "email", export_as: "address" }];
const exported = await ended(await calls.exportUsers({ format: "json", fields, limit: 5 }));
say("exported", plain(exported));
const response = await fetch(exported.location);
assert.strictEqual(response.status, 200);
say("downloaded", gunzipSync(Buffer.from(await response.arrayBuffer())).toString());

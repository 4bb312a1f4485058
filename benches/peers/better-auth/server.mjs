// Better Auth in one Node process, with its Postgres adapter and one user that has signed in. Its
// only argument is the URL of an empty database. It says on stderr where it serves, and the
// session's cookie.
import { createServer } from "node:http";

import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import pg from "pg";

const options = {
  baseURL: "http://127.0.0.1:3000",
  secret: "a secret of a benchmark, which protects nothing at all",
  // As many connections as the service has.
  database: new pg.Pool({ connectionString: process.argv[2], max: 8 }),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  logger: { disabled: true },
  telemetry: { enabled: false },
};

const { runMigrations } = await getMigrations(options);
await runMigrations();
const auth = betterAuth(options);
const { headers } = await auth.api.signUpEmail({
  body: { name: "John Doe", email: "john@example.com", password: "correct horse battery" },
  returnHeaders: true,
});
const cookie = headers.get("set-cookie").split(";")[0];
const server = createServer(toNodeHandler(auth));
server.listen(0, "127.0.0.1", () => {
  const { address, port } = server.address();
  console.error(JSON.stringify({ message: "serving", address: `${address}:${port}`, headers: { cookie } }));
});

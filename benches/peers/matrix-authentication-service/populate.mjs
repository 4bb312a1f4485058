// Makes users in MAS, once it serves. Says on stderr where that is, the headers of a call to the
// admin API, and the ids of the provider and of the users.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";

// As many as the benchmark links in the service.
const USERS = 500;
// How often to ask whether MAS serves, ten times a second.
const TRIALS = 600;

const { http, matrix, clients, upstream_oauth2 } = JSON.parse(readFileSync("config.json"));
const base = new URL(http.public_base);
const [client] = clients;

// MAS asks its homeserver whether the name of a user is free, and has it make the user, too. This
// one agrees to all.
const homeserver = createServer((_request, response) => response.end("{}"));
homeserver.listen(new URL(matrix.endpoint).port, "127.0.0.1");

async function isServing() {
  const response = await fetch(new URL("/health", base)).catch(() => undefined);
  return response?.ok ?? false;
}

async function post(path, headers, body) {
  const response = await fetch(new URL(path, base), { method: "POST", headers, body });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${path}: ${response.status} ${text}`);
  }
  return JSON.parse(text);
}

for (let trial = 0; !(await isServing()); trial += 1) {
  if (trial === TRIALS) {
    throw new Error("MAS does not serve");
  }
  await setTimeout(100);
}
const { access_token } = await post(
  "/oauth2/token",
  { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
  new URLSearchParams({ grant_type: "client_credentials", scope: "urn:mas:admin" }),
);
const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
const users = [];
for (let number = 1; number <= USERS; number += 1) {
  const body = JSON.stringify({ username: `user${number}` });
  const user = await post("/api/admin/v1/users", headers, body);
  users.push(user.data.id);
}
homeserver.close();
homeserver.closeAllConnections();
const provider = upstream_oauth2.providers[0].id;
console.error(JSON.stringify({ message: "serving", address: base.host, headers, provider, users }));

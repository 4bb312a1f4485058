// Writes the configuration of MAS, with a client of the admin API and a provider. The only argument
// is the URL of an empty database.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";

const SECRET = "protects-nothing";
const CLIENT = "01J00000000000000000000001";
const PROVIDER = "01J00000000000000000000002";

const servers = [createServer(), createServer()];
const ports = servers.map(async (server) => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server.address().port;
});
const [port, homeserver] = await Promise.all(ports);
servers.forEach((server) => server.close());

const config = {
  http: {
    public_base: `http://127.0.0.1:${port}/`,
    listeners: [
      {
        binds: [{ host: "127.0.0.1", port }],
        resources: [{ name: "health" }, { name: "oauth" }, { name: "adminapi" }],
      },
    ],
  },
  // As many connections as the service has.
  database: { uri: process.argv[2], max_connections: 8 },
  matrix: { endpoint: `http://127.0.0.1:${homeserver}/`, secret: SECRET },
  secrets: { encryption: "0".repeat(64) },
  passwords: { enabled: false },
  templates: {
    path: "sources/templates",
    translations_path: "sources/translations",
    assets_manifest: "manifest.json",
  },
  policy: { wasm_module: "sources/policies/policy.wasm", data: { admin_clients: [CLIENT] } },
  clients: [
    { client_id: CLIENT, client_auth_method: "client_secret_basic", client_secret: SECRET },
  ],
  // No user signs in with it, so its addresses are not called.
  upstream_oauth2: {
    providers: [
      {
        id: PROVIDER,
        client_id: "benchmark",
        token_endpoint_auth_method: "none",
        discovery_mode: "disabled",
        issuer: "https://provider.example.com/",
        authorization_endpoint: "https://provider.example.com/authorize",
        token_endpoint: "https://provider.example.com/token",
        jwks_uri: "https://provider.example.com/keys",
      },
    ],
  },
  // The access token has to last for the whole run.
  experimental: { access_token_ttl: 86400 },
};
writeFileSync("config.json", JSON.stringify(config));

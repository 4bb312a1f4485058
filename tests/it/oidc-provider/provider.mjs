// An issuer with keys of its own on a port of its own. Its one argument is JSON: `clients`, `accounts` (claims by
// subject), and `settings`, further configuration of oidc-provider.
import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Provider } from "oidc-provider";

const { clients, accounts, settings } = JSON.parse(process.argv[2]);
const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

// The issuer ends with the test that started it, even if that test is killed.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1000);

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const start = () =>
    new Provider(issuer, {
      clients,
      findAccount: (_, subject) =>
        accounts[subject] && { accountId: subject, claims: () => ({ sub: subject, ...accounts[subject] }) },
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
      jwks: { keys: [{ ...newKey().export({ format: "jwk" }), use: "sig", alg: "RS256" }] },
      pkce: { required: () => true },
      cookies: { keys: [randomUUID()] },
      features: { backchannelLogout: { enabled: true } },
      // Without its own dispatcher, which refuses addresses of this machine.
      fetch: (url, { dispatcher, ...options }) => fetch(url, options),
      ...settings,
    }).callback();
  let answer = start();
  // A test has it sign with a new key from now on, or also report logouts to a URL.
  server.on("request", (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    if (pathname === "/logouts") clients[0].backchannel_logout_uri = searchParams.get("to");
    else if (pathname !== "/rotate") return answer(request, response);
    answer = start();
    response.end();
  });
  console.log(`issuer ${issuer}`);
});

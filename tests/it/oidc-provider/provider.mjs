// The provider oidc-provider. `settings` are further configuration of its own.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Provider } from "oidc-provider";

const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

export default function provider(issuer, { clients, accounts, settings }) {
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
  let handle = start();
  const again = () => void (handle = start());
  return {
    answer: (request, response) => handle(request, response),
    switches: {
      // It signs with a new key from now on.
      "/rotate": again,
      // It also reports logouts to this URL from now on.
      "/logouts": (query) => {
        clients[0].backchannel_logout_uri = query.get("to");
        again();
      },
    },
  };
}

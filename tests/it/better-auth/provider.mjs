// The provider of Better Auth: its plugin `oauth-provider`.
import { createHash, randomUUID } from "node:crypto";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";

const TABLES = [
  ...["user", "session", "account", "verification", "jwks", "oauthClient", "oauthAccessToken", "oauthRefreshToken"],
  ...["oauthConsent", "oauthResource", "oauthClientResource", "oauthClientAssertion"],
];

export default async function provider(origin, { clients, accounts }) {
  const db = Object.fromEntries(TABLES.map((table) => [table, []]));
  const issuer = `${origin}/auth`;
  const auth = betterAuth({
    baseURL: origin,
    basePath: "/auth",
    secret: randomUUID() + randomUUID(),
    database: memoryAdapter(db),
    // The cost of a password is not what the tests are about.
    emailAndPassword: {
      enabled: true,
      password: { hash: (password) => password, verify: ({ hash, password }) => hash === password },
    },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    // The plugin has a token endpoint of its own.
    disabledPaths: ["/token"],
    plugins: [
      jwt({ jwks: { keyPairConfig: { alg: "RS256" } }, disableSettingJwtHeader: true }),
      oauthProvider({
        loginPage: `${origin}/login`,
        consentPage: `${origin}/consent`,
        silenceWarnings: { openidConfig: true, oauthAuthServerConfig: true },
      }),
    ],
  });
  const now = new Date();
  const times = { createdAt: now, updatedAt: now };
  for (const [id, { name, email, email_verified }] of Object.entries(accounts)) {
    db.user.push({ id, name, email, emailVerified: email_verified, ...times });
    db.account.push({ id, userId: id, accountId: id, providerId: "credential", password: "any", ...times });
  }
  for (const { client_id, client_secret, redirect_uris } of clients) {
    db.oauthClient.push({
      ...{ id: client_id, clientId: client_id, redirectUris: redirect_uris, skipConsent: true, ...times },
      clientSecret: createHash("sha256").update(client_secret).digest("base64url"),
      scopes: ["openid", "profile", "email", "offline_access"],
      tokenEndpointAuthMethod: "client_secret_basic",
      grantTypes: ["authorization_code", "refresh_token"],
      responseTypes: ["code"],
      requirePKCE: true,
    });
  }

  // The page that asks who signs in. It hands the signed query on, and follows the provider's answer.
  const handle = toNodeHandler(auth);
  const answer = async (request, response) => {
    const { pathname, search } = new URL(request.url, origin);
    if (pathname !== "/login") return handle(request, response);
    if (request.method === "GET") {
      response.setHeader("content-type", "text/html");
      const action = request.url.replaceAll("&", "&amp;");
      return response.end(`<form method="post" action="${action}"><input type="text" name="login"></form>`);
    }
    const { email } = accounts[new URLSearchParams(await new Response(request).text()).get("login")];
    const signIn = new Request(`${issuer}/sign-in/email`, {
      method: "POST",
      headers: { "content-type": "application/json", cookie: request.headers.cookie ?? "", origin },
      body: JSON.stringify({ email, password: "any", oauth_query: search.slice(1) }),
    });
    const signedIn = await auth.handler(signIn);
    const { url } = await signedIn.json();
    response.writeHead(303, { location: url, "set-cookie": signedIn.headers.getSetCookie() });
    response.end();
  };
  const rotate = () => void (db.jwks.length = 0);
  // Each account signed in a day ago.
  const age = () => db.session.forEach((session) => (session.createdAt = new Date(now - 24 * 3600 * 1000)));
  return { answer, issuer, switches: { "/rotate": rotate, "/age": age } };
}

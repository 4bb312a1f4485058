// The provider oauth2-mock-server, whose events say who signs in. It compares no secret, and has no sessions.
import { decodeJwt } from "jose";
import { OAuth2Issuer, OAuth2Service } from "oauth2-mock-server";

export default async function provider(origin, { accounts }) {
  // The accounts, by the codes and refresh tokens that were issued for them.
  const accountOf = new Map();
  const start = async () => {
    const issuer = new OAuth2Issuer();
    issuer.url = origin;
    await issuer.keys.generate("RS256");
    const service = new OAuth2Service(issuer);
    service.on("beforeAuthorizeRedirect", ({ url }, { query }) => accountOf.set(url.searchParams.get("code"), query.login));
    const granted = ({ body }) => accountOf.get(body.code ?? body.refresh_token);
    service.on("beforeTokenSigning", ({ payload }, request) => (payload.sub = granted(request)));
    service.on("beforeResponse", ({ body }, request) => accountOf.set(body.refresh_token, granted(request)));
    service.on("beforeUserinfo", ({ body }, { headers }) => {
      const { sub } = decodeJwt(headers.authorization.slice("Bearer ".length));
      Object.assign(body, { sub }, accounts[sub]);
    });
    return service.requestHandler;
  };
  let handle = await start();
  // The page that asks who signs in.
  const answer = async (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname !== "/authorize" || url.searchParams.has("login")) return handle(request, response);
    if (request.method === "GET") {
      response.setHeader("content-type", "text/html");
      const action = request.url.replaceAll("&", "&amp;");
      return response.end(`<form method="post" action="${action}"><input type="text" name="login"></form>`);
    }
    url.searchParams.set("login", new URLSearchParams(await new Response(request).text()).get("login"));
    response.writeHead(303, { location: url.href });
    response.end();
  };
  // It signs with a new key from now on.
  const rotate = async () => (handle = await start());
  return { answer, switches: { "/rotate": rotate } };
}

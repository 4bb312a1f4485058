// A web application, rendered by its server, in the manner of Auth0's sample: it suggests to link the accounts that have
// the same verified email, and merges their metadata before. Its arguments: the domain, its own token, and the account
// of the person that has signed in. Prints where it listens.
const http = require("node:http");
const _ = require("lodash-3");
const { ManagementClient } = require("auth0-7");

const [domain, token, signedInWith] = process.argv.slice(2);
const { users } = new ManagementClient({ domain, token });
const split = (id) => [id.split("|")[0], id.split("|").slice(1).join("|")];

// Once, at the login: which user has this account? It may be linked, and the tenant that issued the token does not know.
const atLogin = async (account) => {
  const [provider, user_id] = split(account);
  const q = `identities.provider:"${provider}" AND identities.user_id:"${user_id}"`;
  return (await users.list({ q, search_engine: "v3" })).data[0];
};

const suggested = async (user) => {
  if (!user.email_verified) return [];
  const found = await users.listUsersByEmail({ email: user.email });
  return found.filter((other) => other.email_verified && other.user_id !== user.user_id).map((other) => other.user_id);
};

// The primary's values win, and arrays are joined.
const merged = (secondary, primary) =>
  _.merge({}, secondary, primary, (value, source) => (_.isArray(value) ? source.concat(value) : undefined));

const link = async (user, targetId) => {
  // The id came from the page: the server reads the user again. A user that is linked already reads as another one, or is gone.
  const target = await users.get(targetId);
  if (target.user_id !== targetId || !target.email_verified || target.email !== user.email) {
    throw Object.assign(new Error("Not valid for linking"), { statusCode: 400 });
  }
  const primary = await users.get(user.user_id);
  await users.update(user.user_id, {
    user_metadata: merged(target.user_metadata, primary.user_metadata),
    app_metadata: merged(target.app_metadata, primary.app_metadata),
  });
  const [provider, user_id] = split(targetId);
  return users.identities.link(user.user_id, { provider, user_id });
};

const page = (user, others) => `<!doctype html><title>Your account</title>
<p id="who">You are ${user.user_id}.</p>
${others.map((other) => `<form method="post" action="/link-accounts/${encodeURIComponent(other)}">
<p>There is another account with your email: ${other}. <button class="link">Link</button></p></form>`).join("")}`;

const answer = async (request) => {
  const user = await atLogin(signedInWith);
  if (request.method === "POST" && request.url.startsWith("/link-accounts/")) {
    await link(user, decodeURIComponent(request.url.slice("/link-accounts/".length)));
    return { status: 303, headers: { location: "/" }, body: "" };
  }
  return { status: 200, headers: { "content-type": "text/html" }, body: page(user, await suggested(user)) };
};

const server = http.createServer(async (request, response) => {
  const { status, headers, body } = await answer(request).catch((error) => ({
    status: error.statusCode ?? 500, headers: { "content-type": "text/plain" }, body: error.message,
  }));
  response.writeHead(status, headers).end(body);
});
server.listen(0, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));

// Every call that linking needs and Auth0's client for browsers has, as either of two accounts: what came of each, a
// line each, as of the other clients. It has no call to unlink: pages send that themselves.
const promised = (call) =>
  new Promise((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer))));

const as = (domain, token) => {
  const management = new auth0.Management({ domain, token });
  return {
    get: (id) => promised((done) => management.getUser(id, done)),
    metadata: (id, metadata) => promised((done) => management.patchUserMetadata(id, metadata, done)),
    link: (id, other) => promised((done) => management.linkUser(id, other, done)),
    unlink: async (id, provider, user_id) => {
      const url = `https://${domain}/api/v2/users/${id}/identities/${provider}/${user_id}`;
      const answer = await fetch(url, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
      const body = await answer.json();
      return answer.ok ? body : Promise.reject(body);
    },
  };
};

const accounts = (identities) => identities.map(({ provider, user_id }) => `${provider}|${user_id}`);
const idOf = (user) => user.user_id;
const userMetadataOf = (user) => user.user_metadata;

const asPerson = async (domain, whose, token, sub, link_with, [provider, user_id]) => {
  const lines = [];
  const say = async (what, call, told) => {
    const outcome = await call.then(told, (error) => ({ refused: error.statusCode }));
    lines.push(`a person, as the ${whose} account, ${what}: ${JSON.stringify(outcome)}`);
  };
  const users = as(domain, token);
  const id = sub;
  await say("get", users.get(sub), idOf);
  await say("metadata", users.metadata(id, { of: whose }), userMetadataOf);
  await say("link by both tokens", users.link(id, link_with), accounts);
  await say("unlink", users.unlink(id, provider, user_id), accounts);
  return lines;
};

const allCalls = async (domain, { primary, linked, proofs }) => [
  ...(await asPerson(domain, "primary", primary, "google-oauth2|1", proofs.sms1, ["sms", "1"])),
  ...(await asPerson(domain, "linked", linked, "github|2", proofs.sms2, ["sms", "2"])),
];

// The user as the tenant names it and as the API does; the page knows one domain for both.
const whoIsIt = async (domain, token, sub) => {
  const tenant = new auth0.WebAuth({ domain, clientID: "client" }).client;
  const [told, user] = await Promise.all([promised((done) => tenant.userInfo(token, done)), as(domain, token).get(sub)]);
  return [told.sub, user.user_id];
};

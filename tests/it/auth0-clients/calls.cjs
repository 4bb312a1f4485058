// Every call that linking needs, by one version of Auth0's client for Node.js, as each of four callers. Its arguments:
// the package, the domain, and tokens as JSON. Prints what came of each call, a line each: the same for every client.
const [name, domain, tokens] = process.argv.slice(2);
const sdk = require(name);
const { service, primary, linked, proofs } = JSON.parse(tokens);

// The calls as each generation names them.
const ofTwoAndThree = ({ users }) => ({
  get: (id) => users.get({ id }),
  byEmail: (email) => users.getByEmail(email),
  search: (q) => users.getAll({ q, search_engine: "v3" }),
  metadata: async (id, user_metadata, app_metadata) => {
    const user = await users.updateUserMetadata({ id }, user_metadata);
    return app_metadata ? users.updateAppMetadata({ id }, app_metadata) : user;
  },
  link: (id, other) => users.link(id, other),
  unlink: (id, provider, user_id) => users.unlink({ id, provider, user_id }),
});
const ofFour = ({ users, usersByEmail }) => ({
  get: async (id) => (await users.get({ id })).data,
  byEmail: async (email) => (await usersByEmail.getByEmail({ email })).data,
  search: async (q) => (await users.getAll({ q, search_engine: "v3" })).data,
  metadata: async (id, user_metadata, app_metadata) =>
    (await users.update({ id }, { user_metadata, app_metadata })).data,
  link: async (id, other) => (await users.link({ id }, other)).data,
  unlink: async (id, provider, user_id) => (await users.unlink({ id, provider, user_id })).data,
});
const ofFiveAndSeven = ({ users }) => ({
  get: (id) => users.get(id),
  byEmail: (email) => users.listUsersByEmail({ email }),
  search: async (q) => (await users.list({ q, search_engine: "v3" })).data,
  metadata: (id, user_metadata, app_metadata) => users.update(id, { user_metadata, app_metadata }),
  link: (id, other) => users.identities.link(id, other),
  unlink: (id, provider, user_id) => users.identities.delete(id, provider, user_id),
});
const generations = {
  "auth0-2": ofTwoAndThree, "auth0-3": ofTwoAndThree, "auth0-4": ofFour, "auth0-5": ofFiveAndSeven,
  "auth0-7": ofFiveAndSeven,
};
const as = (token) => generations[name](new sdk.ManagementClient({ domain, token }));

const ids = (users) => users.map((user) => user.user_id).sort();
const accounts = (identities) => identities.map(({ provider, user_id }) => `${provider}|${user_id}`);
const idOf = (user) => user.user_id;
const metadataOf = ({ user_metadata, app_metadata }) => ({ user_metadata, app_metadata });

const say = async (what, call, told) => {
  const outcome = await call.then(told, (error) => ({ refused: error.statusCode }));
  console.log(`${what}: ${JSON.stringify(outcome)}`);
};

const asService = async (whose, id, [provider, user_id]) => {
  const users = as(service);
  const as_whom = `a service, as the ${whose} account`;
  await say(`${as_whom}, get`, users.get(id), idOf);
  await say(`${as_whom}, by email`, users.byEmail("jane@example.com"), ids);
  await say(`${as_whom}, metadata`, users.metadata(id, { of: whose }, { langs: ["en"] }), metadataOf);
  await say(`${as_whom}, link by ids`, users.link(id, { provider, user_id }), accounts);
  await say(`${as_whom}, unlink`, users.unlink(id, provider, user_id), accounts);
};

const asPerson = async (whose, token, sub, link_with, [provider, user_id]) => {
  const users = as(token);
  const as_whom = `a person, as the ${whose} account`;
  const id = sub;
  await say(`${as_whom}, get`, users.get(sub), idOf);
  await say(`${as_whom}, by email`, users.byEmail("jane@example.com"), ids);
  await say(`${as_whom}, metadata`, users.metadata(id, { of: whose }), ({ user_metadata }) => user_metadata);
  await say(`${as_whom}, link by ids`, users.link(id, { provider, user_id }), accounts);
  await say(`${as_whom}, link by both tokens`, users.link(id, { link_with }), accounts);
  await say(`${as_whom}, unlink`, users.unlink(id, provider, user_id), accounts);
};

const main = async () => {
  await asPerson("primary", primary, "google-oauth2|1", proofs.sms1, ["sms", "1"]);
  await asPerson("linked", linked, "github|2", proofs.sms2, ["sms", "2"]);
  await asService("primary", "google-oauth2|1", ["sms", "1"]);
  // The service looks up once which user has the linked account.
  const [holder] = await as(service).search('identities.provider:"github" AND identities.user_id:"2"');
  await asService("linked", holder.user_id, ["sms", "2"]);
};

main();

// The work of a back end, done with Auth0's own client. Its arguments: the client, "auth0" or "auth0/legacy" (the
// generation before), the domain, and tokens as JSON. Prints what happened, a line each.
import assert from "node:assert";

const [generation, domain, tokens] = process.argv.slice(2);
const sdk = await import(generation);
const { service, john, sms } = JSON.parse(tokens);

const GOOGLE = "google-oauth2|115015401343387192604";
const SMS = "sms|560ebaeef609ee1adaa7c551";

// The calls by what they do, as each generation names them; and what it throws.
const generations = {
  auth0: {
    Refusal: sdk.ManagementError,
    codeOf: (error) => error.body.errorCode,
    messageOf: (error) => error.body.message,
    calls: ({ users }) => ({
      create: (user) => users.create(user),
      get: (id, query) => users.get(id, query),
      update: (id, change) => users.update(id, change),
      list: async (query) => (await users.list(query)).response,
      byEmail: (query) => users.listUsersByEmail(query),
      link: (id, other) => users.identities.link(id, other),
      unlink: (id, provider, user_id) => users.identities.delete(id, provider, user_id),
      delete: (id) => users.delete(id),
    }),
  },
  "auth0/legacy": {
    Refusal: sdk.ManagementApiError,
    codeOf: (error) => error.errorCode,
    messageOf: (error) => error.msg,
    calls: ({ users, usersByEmail }) => ({
      create: async (user) => (await users.create(user)).data,
      get: async (id, query) => (await users.get({ id, ...query })).data,
      update: async (id, change) => (await users.update({ id }, change)).data,
      list: async (query) => (await users.getAll(query)).data,
      byEmail: async (query) => (await usersByEmail.getByEmail(query)).data,
      link: async (id, other) => (await users.link({ id }, other)).data,
      unlink: async (id, provider, user_id) => (await users.unlink({ id, provider, user_id })).data,
      delete: async (id) => (await users.delete({ id })).data,
    }),
  },
};
const { Refusal, codeOf, messageOf, calls } = generations[generation];
const as = (token) => calls(new sdk.ManagementClient({ domain, token }));
const backend = as(service);

const say = (what, value) => console.log(`${what}: ${JSON.stringify(value)}`);

// Without its times, which are of the test, and with no more of its picture than its kind.
const timeless = ({ created_at, updated_at, ...user }) => {
  for (const time of [created_at, updated_at]) assert.strictEqual(new Date(time).toISOString(), time);
  return { ...user, picture: new URL(user.picture).protocol };
};
const ids = (users) => users.map((user) => user.user_id);

const refused = async (what, call) => {
  const error = await call.then((answer) => assert.fail(`${what}: ${JSON.stringify(answer)}`), (error) => error);
  assert(error instanceof Refusal, error);
  say(what, [error.statusCode, codeOf(error), messageOf(error)]);
};

say("created", timeless(await backend.create({
  connection: "google-oauth2", user_id: "115015401343387192604", email: "your0@email.com", email_verified: true,
  name: "John Doe", user_metadata: { color: "red", size: 7 }, app_metadata: { roles: ["Admin"] },
})));
say("created", timeless(await backend.create({
  connection: "sms", user_id: "560ebaeef609ee1adaa7c551", phone_number: "+14258831929", phone_verified: true,
  user_metadata: { color: "blue" },
})));
const database = await backend.create({ connection: "Username-Password-Authentication", email: "your0@email.com" });
assert.match(database.user_id, /^auth0\|[0-9a-f]{32}$/);

assert.strictEqual((await backend.get(GOOGLE)).user_id, GOOGLE);
say("some fields", await backend.get(GOOGLE, { fields: "user_id,email", include_fields: true }));
say("all others", await backend.get(GOOGLE, { fields: "created_at,updated_at,identities,picture", include_fields: false }));
const change = { user_metadata: { color: null, shape: { round: true } }, app_metadata: {}, nickname: "johnny" };
say("updated", timeless(await backend.update(GOOGLE, change)));

const { users, ...totals } = await backend.list({ per_page: 2, page: 1, include_totals: true });
say("the second page", { ...totals, users: ids(users) });
const q = `email:"your0@email.com" AND email_verified:true -user_id:"${SMS}"`;
say("searched", ids((await backend.list({ q, search_engine: "v3", include_totals: true })).users));
const found = ids(await backend.byEmail({ email: "your0@email.com" }));
assert.deepStrictEqual(found.sort(), [database.user_id, GOOGLE].sort());
say("by email", await backend.byEmail({ email: "your0@email.com", fields: "email_verified", include_fields: true }));

say("linked by token", await as(john).link(GOOGLE, { link_with: sms }));
await refused("its id", backend.get(SMS));
await refused("linked again", as(john).link(GOOGLE, { link_with: sms }));
await refused("updated by its id", backend.update(SMS, { blocked: true }));
await refused("the main one", backend.unlink(GOOGLE, "google-oauth2", "115015401343387192604"));
say("unlinked", await as(john).unlink(GOOGLE, "sms", "560ebaeef609ee1adaa7c551"));
say("alone", timeless(await backend.get(SMS)));

await refused("a token that is none", as(john).link(GOOGLE, { link_with: "none" }));
await refused("a token from before it was unlinked", as(john).link(GOOGLE, { link_with: sms }));
await refused("without a token", as(john).link(GOOGLE, { provider: "sms", user_id: "560ebaeef609ee1adaa7c551" }));
await refused("by another user", as(john).unlink(SMS, "sms", "560ebaeef609ee1adaa7c551"));
await refused("with an invalid token", as("nobody").get(GOOGLE));

const [provider, user_id] = database.user_id.split("|");
say("linked by ids", (await backend.link(GOOGLE, { provider, user_id })).map((identity) => identity.connection));
say("unlinked", (await backend.unlink(GOOGLE, provider, user_id)).map((identity) => identity.connection));

// Characters with a meaning of their own in a path.
const strange = "a/../b|c%2F?d#e";
await backend.create({ connection: "sms", user_id: strange });
say("a strange id", (await backend.get(`sms|${strange}`)).user_id);
say("linked", (await backend.link(GOOGLE, { provider: "sms", user_id: strange })).map((identity) => identity.user_id));
say("unlinked", (await backend.unlink(GOOGLE, "sms", strange)).map((identity) => identity.user_id));
await backend.delete(`sms|${strange}`);

await refused("itself", backend.link(GOOGLE, { provider: "google-oauth2", user_id: "115015401343387192604" }));
await refused("an account without a user", backend.link(GOOGLE, { provider: "sms", user_id: "1" }));
await refused("an unknown provider", backend.link(GOOGLE, { provider: "nowhere", user_id: "1" }));
await refused("an identity of another", backend.unlink(GOOGLE, "sms", "560ebaeef609ee1adaa7c551"));
await refused("created twice", backend.create({ connection: "sms", user_id: "560ebaeef609ee1adaa7c551" }));
await refused("an unknown connection", backend.create({ connection: "nowhere" }));
await refused("a password", backend.create({ connection: "sms", password: "correct horse" }));
await refused("another email", backend.update(GOOGLE, { email: "other@email.com" }));
await refused("a search by name", backend.list({ q: "name:j*", search_engine: "v3" }));

for (const id of [GOOGLE, SMS, database.user_id]) await backend.delete(id);
await refused("deleted", backend.get(GOOGLE));
say("left", await backend.list({ include_totals: true }));

// What runs after each login, in the manner of Auth0's rule "Link Accounts with Same Email Address": the same verified
// email is the same person. Its arguments: the domain, a token, and the user that signed in, as JSON. Prints the outcome.
//
// It differs from that rule in one thing: it first looks up which user has the account. Auth0 knows nothing of links that were
// made here, so the rule runs again at each login with a linked account, where Auth0's would link it a second time and
// refuse the login when that is a 409.
const { ManagementClient } = require("auth0-7");

const [domain, token, signedIn] = process.argv.slice(2);
const auth0 = { users: new ManagementClient({ domain, token }).users };

const rule = async (user, context, callback) => {
  if (!user.email || !user.email_verified) return callback(null, user, context);
  const [provider, ...rest] = user.user_id.split("|");
  const user_id = rest.join("|");
  try {
    const [holder] = (await auth0.users.list({
      q: `identities.provider:"${provider}" AND identities.user_id:"${user_id}"`, search_engine: "v3",
    })).data;
    if (holder && holder.user_id !== user.user_id) {
      context.primaryUser = holder.user_id;
      return callback(null, user, context);
    }
    const others = (await auth0.users.listUsersByEmail({ email: user.email }))
      .filter((other) => other.email_verified && other.user_id !== user.user_id);
    if (others.length > 1) return callback(new Error("More than one account has this email."));
    if (others.length === 1) {
      await auth0.users.identities.link(others[0].user_id, { provider, user_id });
      context.primaryUser = others[0].user_id;
    }
    return callback(null, user, context);
  } catch (error) {
    return callback(error);
  }
};

rule(JSON.parse(signedIn), {}, (error, _, context) => {
  console.log(JSON.stringify(error ? { error: error.message } : { primaryUser: context.primaryUser ?? null }));
});

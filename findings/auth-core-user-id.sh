#!/usr/bin/env bash
# @auth/core (npm) 0.41.3, the core of Auth.js (next-auth 5): the signed-in user's id is a new random UUID at every
# sign-in, and the provider's subject can be one, too.
#
# In next-auth 4 a session without a database has the provider's own id as the token's `sub`. The core of version 5
# throws the id that `profile()` returns out of `user`, and draws a UUID: without a database adapter the `sub` of one
# person is another one after each sign-in. A back end that takes it for the account's subject makes a new user of
# each sign-in, and nothing fails.
#
# The subject is in `account.providerAccountId`. Three things about it are easy to miss:
#   - a `profile()` of the application's own that returns no `id` (an OpenID Connect profile has `sub`) is no error,
#     as it was in next-auth 4: the subject is a random UUID as well, and the account is never found again;
#   - it has the type that `profile()` returned: the number 7654321, where the declared type and next-auth 4 say
#     string;
#   - the ready-made providers of Trakt and Pinterest return the user's public name, which the user can change, though
#     the provider sends an id as well.
#
# What callers of identity-link should do: send String(account.providerAccountId) as the subject, from the `signIn` or
# `jwt` callback, never `token.sub` or `user.id`; return `id` from each `profile()`.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @auth/core@0.41.3

cat > run.mjs <<'JS'
import { Auth, customFetch, skipCSRFCheck } from '@auth/core';
import { decode } from '@auth/core/jwt';
import Pinterest from '@auth/core/providers/pinterest';
import Trakt from '@auth/core/providers/trakt';

const secret = 'a secret of an example, 32 bytes or more';
// The provider: one account, always the same.
const answers = {
  '/token': { access_token: 't', token_type: 'bearer' },
  '/user': { id: 7654321, login: 'mara', email: 'mara@example.com' },
};
const fetchFromProvider = async url => Response.json(answers[new URL(url.url ?? url).pathname]);

async function signIn(profile) {
  let account;
  const provider = {
    id: 'login', name: 'Login', type: 'oauth', clientId: 'c', clientSecret: 's', checks: ['none'],
    issuer: 'https://login.example', authorization: 'https://login.example/authorize',
    token: 'https://login.example/token', userinfo: 'https://login.example/user',
    profile, [customFetch]: fetchFromProvider,
  };
  const response = await Auth(new Request('https://app.example/auth/callback/login?code=c'), {
    providers: [provider], secret, trustHost: true, basePath: '/auth', skipCSRFCheck,
    callbacks: { jwt: ({ token, account: signedIn }) => { account = signedIn; return token; } },
  });
  const cookie = response.headers.getSetCookie().find(line => line.includes('session-token='));
  const [name, token] = cookie.split(';')[0].split('=');
  return { sub: (await decode({ token, salt: name, secret })).sub, subject: account.providerAccountId };
}

const sameTwice = async (profile, key) => (await signIn(profile))[key] === (await signIn(profile))[key];
const withId = ({ id, email }) => ({ id, email });
const withoutId = ({ id, email }) => ({ sub: String(id), email });
const kind = value => (/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(value) ? 'UUID' : `${typeof value} ${value}`);

for (const [name, profile] of [['id', withId], ['no id', withoutId]]) {
  const { sub, subject } = await signIn(profile);
  console.log(`profile() with ${name}: sub ${kind(sub)}, same again ${await sameTwice(profile, 'sub')}`);
  const same = await sameTwice(profile, 'subject');
  console.log(`profile() with ${name}: providerAccountId ${kind(subject)}, same again ${same}`);
}
const trakt = { username: 'mara.q', ids: { slug: 'mara-q', uuid: '0a1b2c' }, images: { avatar: { full: 'x' } } };
console.log(`Trakt: ${Trakt({}).profile(trakt).id}`);
console.log(`Pinterest: ${Pinterest({}).profile({ id: '5550001', username: 'mara.q', profile_image: 'x' }).id}`);
JS
node run.mjs | tee seen.txt

cat > expected.txt <<'TXT'
profile() with id: sub UUID, same again false
profile() with id: providerAccountId number 7654321, same again true
profile() with no id: sub UUID, same again false
profile() with no id: providerAccountId UUID, same again false
Trakt: mara-q
Pinterest: mara.q
TXT
diff expected.txt seen.txt
echo "@auth/core 0.41.3 still behaves so"

#!/usr/bin/env bash
# @auth/core 0.41.3, better-auth 1.6.34 and 1.7.25, passport-microsoft 2.1.0 (npm) and django-allauth 65.22.1 (PyPI):
# one Microsoft account has the subject `sub` in some and `oid` in the others, and better-auth went over.
#
# OpenID Connect has one answer to "what is this account's id": `sub`. For Google or GitHub all these libraries agree.
# Microsoft's `sub` is another one for each client id, while `oid` (the `id` of Microsoft Graph) is the same in all
# applications of a tenant. Which of the two a library returns follows from how it asks: from the ID token by the
# standard, or from Graph. The name of the field is `id` either way. better-auth stores `sub` up to 1.6 and `oid` from
# 1.7 on; its upgrade guide asks for a migration of the rows, but a minor release gives no reason to look for one.
#
# What callers of identity-link should do: have all back ends send the subject that identity-link's own sign-in flow
# uses, `tid` and `oid` joined by a slash, read from the claims themselves and not from a library's `id`. An account
# that one back end sends by `sub` and another by `oid` is two identities of one provider, and two users. An import
# has to know which version wrote each row.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  django-allauth==65.22.1 django==5.2.19 requests==2.34.2 PyJWT==2.15.1 cryptography==50.0.2 &
npm install --silent --no-audit --no-fund @auth/core@0.41.3 passport-microsoft@2.1.0
for version in 1.6.34 1.7.25; do
  mkdir "better-auth-$version"
  (cd "better-auth-$version" && npm init --yes >/dev/null &&
    npm install --silent --no-audit --no-fund --ignore-scripts "@better-auth/core@$version")
done
wait "$!"

# One account, as the ID token and Microsoft Graph describe it.
cat > claims.json <<'JSON'
{"sub": "sub-of-this-client-id", "oid": "oid-in-the-tenant", "tid": "tenant", "name": "Mara Quill",
 "preferred_username": "mara@corp.example", "email": "mara@corp.example"}
JSON
cat > graph.json <<'JSON'
{"id": "oid-in-the-tenant", "displayName": "Mara Quill", "userPrincipalName": "mara@corp.example",
 "mail": "mara@corp.example"}
JSON

cat > better-auth.mjs <<'JS'
import fs from 'node:fs';
import { microsoft } from '@better-auth/core/social-providers';
// The provider asks for a photo; there is none.
globalThis.fetch = async () => new Response(null, { status: 404 });
const part = value => Buffer.from(value).toString('base64url');
const idToken = `${part('{"alg":"none"}')}.${part(fs.readFileSync('../claims.json'))}.x`;
const provider = microsoft({ clientId: 'c', clientSecret: 's' });
const { user, data } = await provider.getUserInfo({ idToken });
// From 1.7 on the provider has a function for it.
console.log(`${process.argv[2]}: ${provider.accountSubject?.({ profile: data }) ?? user.id}`);
JS

cat > run.mjs <<'JS'
import fs from 'node:fs';
import MicrosoftEntraID from '@auth/core/providers/microsoft-entra-id';
import passport from 'passport-microsoft';
const claims = JSON.parse(fs.readFileSync('claims.json'));
// The provider asks for a photo; there is none.
globalThis.fetch = async () => new Response(null, { status: 404 });
console.log(`@auth/core: ${(await MicrosoftEntraID({}).profile(claims, {})).id}`);

const options = { clientID: 'c', clientSecret: 's', callbackURL: 'https://app.example/' };
const strategy = new passport.Strategy(options, () => {});
strategy._oauth2.get = (url, token, done) => done(null, fs.readFileSync('graph.json', 'utf8'));
strategy.userProfile('token', (_, profile) => console.log(`passport-microsoft: ${profile.id}`));
JS

cat > run.py <<'PY'
import json

import django
from django.conf import settings

graph = json.load(open("graph.json"))
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sites",
                                   "allauth", "allauth.account", "allauth.socialaccount"],
                   MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"])
django.setup()
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider

provider = MicrosoftGraphProvider(None, app=SocialApp(provider="microsoft", client_id="c"))
print(f"django-allauth: {provider.extract_uid(graph)}")
PY
{
  node run.mjs
  for version in 1.6.34 1.7.25; do
    (cd "better-auth-$version" && cp ../better-auth.mjs . && node better-auth.mjs "better-auth $version")
  done
  PYTHONPATH=python python3 -W ignore run.py
} | tee seen.txt

cat > expected.txt <<'TXT'
@auth/core: sub-of-this-client-id
passport-microsoft: oid-in-the-tenant
better-auth 1.6.34: sub-of-this-client-id
better-auth 1.7.25: oid-in-the-tenant
django-allauth: oid-in-the-tenant
TXT
diff expected.txt seen.txt
echo "@auth/core, better-auth, passport-microsoft and django-allauth still behave so"

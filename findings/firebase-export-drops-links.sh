#!/usr/bin/env bash
# firebase-tools (npm) 15.34.2: `firebase auth:export` leaves out every OpenID Connect and SAML entry of a user's
# providers, in JSON as well, and its CSV breaks CSV's rules where a custom claim holds a quotation mark.
#
# The command exports "accounts", and its JSON has the server's own names of the fields, so it is taken for whole. It
# writes only the ten providers that it knows by name. A user who signs in with oidc.* or saml.* alone comes out with
# an empty `providerUserInfo`, and neither the file nor the command says that a link was left out: the user looks like
# one that never signed in anywhere. (Versions before 15.19 know four providers, and drop Apple's and Microsoft's,
# too.) In CSV, the quotation marks that JSON escapes inside a claim are not doubled, so that a strict reader refuses
# the file at that row, and a lax one shifts its columns.
#
# What users of identity-link should do: take Firebase's users from the Admin SDK (listUsers) or accounts:batchGet,
# which have all entries, and never take a user for one without a sign-in because this file shows none.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts firebase-tools@15.34.2 csv-parse@7.0.0

cat > run.js <<'JS'
const fs = require('fs');
const http = require('http');
const { parse } = require('csv-parse/sync');

const link = (providerId, rawId) => ({ providerId, rawId });
const user = (localId, more, ...providerUserInfo) => ({
  localId, createdAt: '1770000000000', lastLoginAt: '1770000000000', providerUserInfo, ...more,
});
const users = [
  user('mara', {}, link('google.com', '1090000001'), link('apple.com', '000123.0a.01')),
  user('tomas', {}, link('oidc.corp', 'u-7'), link('saml.acme', 'tomas.berg')),
];
const claims = user('ada', { customAttributes: JSON.stringify({ note: 'the "A" team' }) });

// Stands for the Identity Toolkit API.
let answer;
const server = http.createServer((request, response) => {
  response.setHeader('Content-Type', 'application/json');
  request.resume().on('end', () => response.end(JSON.stringify({ users: answer })));
});

async function exported(format, users) {
  answer = users;
  const writeStream = fs.createWriteStream('users');
  const { serialExportUsers } = require('firebase-tools/lib/accountExporter');
  await serialExportUsers('demo', { format, writeStream, batchSize: 100 });
  await new Promise(written => writeStream.end(written));
  return fs.readFileSync('users', 'utf8');
}

server.listen(0, '127.0.0.1', async () => {
  process.env.FIREBASE_GOOGLE_URL = `http://127.0.0.1:${server.address().port}`;
  require('firebase-tools/lib/apiv2').setAccessToken('token');

  const json = JSON.parse(`[${await exported('json', users)}]`);
  for (const user of json) {
    const links = user.providerUserInfo.map(({ providerId, rawId }) => `${providerId} ${rawId}`);
    console.log(`JSON: ${user.localId} has ${links.join(', ') || 'no link'}`);
  }
  for (const row of parse(await exported('csv', users))) {
    const links = row.slice(7).filter(cell => /^(109|000123|u-7|tomas)/.test(cell));
    console.log(`CSV: ${row[0]} has ${links.join(', ') || 'no link'}`);
  }
  const text = await exported('csv', [claims]);
  try {
    console.log(`CSV: claims ${parse(text)[0][27]}`);
  } catch (error) {
    console.log(`CSV: claims are ${text.split(',')[27]}, ${error.code}`);
  }
  process.exit();
});
JS
node run.js 2>/dev/null | grep -E '^(JSON|CSV): ' | tee seen.txt

cat > expected.txt <<'TXT'
JSON: mara has google.com 1090000001, apple.com 000123.0a.01
JSON: tomas has no link
CSV: mara has 1090000001, 000123.0a.01
CSV: tomas has no link
CSV: claims are "{""note"":""the \"A\" team""}", CSV_INVALID_CLOSING_QUOTE
TXT
diff expected.txt seen.txt
echo "firebase-tools 15.34.2 still behaves so"

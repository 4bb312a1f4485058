#!/usr/bin/env bash
# activedirectory2 2.2.0, passport-activedirectory 1.4.0, ldapjs 3.0.7, ldapauth-fork 6.1.0, ldapts 8.2.0 (npm),
# ldap3 2.9.1 (PyPI) and go-ldap 3.4.15: one account's objectGUID is written as a SID, as text that has lost bytes,
# in braces, as bytes, or not at all.
#
# objectGUID is the one attribute of an Active Directory account that never changes, and so its natural subject.
# Its 16 bytes are a GUID in Microsoft's tools (the first three groups reversed), and base64 in Entra's
# onPremisesImmutableId. That programs differ in the order of the bytes is known. But
#   - activedirectory2 formats it as if it were a SID. The form leaves the second byte out, so that the GUID cannot
#     be made of it again;
#   - passport-activedirectory's `profile.id` is objectGUID, which its own default list of attributes does not ask
#     for: it is undefined;
#   - ldapjs and ldapauth-fork decode the bytes as UTF-8, and those from 0x80 on become one and the same sign.
#     go-ldap keeps them in its text, until that is written as JSON;
#   - ldap3 gives the GUID in braces if it has read the server's schema, and bytes otherwise: the option `get_info`
#     of its Server decides.
# The texts are stable, so nothing fails until a second program, another library or Entra names the same person.
#
# What users of identity-link should do: take the raw bytes (`raw`, `buffers`, `explicitBufferAttributes`,
# `raw_attributes`, GetRawAttributeValue), and make the subject of them at one place: the GUID in lower case
# without braces. If activedirectory2's form is stored already, read the accounts from the directory anew.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund activedirectory2@2.2.0 passport-activedirectory@1.4.0 ldapjs@3.0.7 \
  ldapauth-fork@6.1.0 ldapts@8.2.0 &
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  ldap3==2.9.1
mkdir go
cat > go/main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/go-ldap/ldap/v3"
)

func main() {
	connection, err := ldap.DialURL(os.Args[1])
	if err != nil {
		panic(err)
	}
	found, err := connection.Search(ldap.NewSearchRequest("dc=corp,dc=example", ldap.ScopeWholeSubtree,
		ldap.NeverDerefAliases, 0, 0, false, "(sAMAccountName=mara)", []string{"objectGUID"}, nil))
	if err != nil {
		panic(err)
	}
	text := found.Entries[0].GetAttributeValue("objectGUID")
	written, _ := json.Marshal(text)
	fmt.Printf("go-ldap: text of %d bytes, as JSON %s\n", len(text), written)
}
GO
(cd go && go mod init example && go get github.com/go-ldap/ldap/v3@v3.4.15 && go build -o ../go-ldap .) \
  2>go.txt || { cat go.txt; exit 1; }
wait "$!"

cat > run.py <<'PY'
import sys

from ldap3 import Connection, OFFLINE_AD_2012_R2, Server

for name, info in [("schema", OFFLINE_AD_2012_R2), ("no schema", None)]:
    connection = Connection(Server(sys.argv[1], get_info=info), auto_bind=True)
    connection.search("dc=corp,dc=example", "(sAMAccountName=mara)", attributes=["objectGUID"])
    value = connection.response[0]["attributes"]["objectGUID"]
    value = value[0] if isinstance(value, list) else value
    print(f"ldap3, {name}: {type(value).__name__} {value if isinstance(value, str) else value.hex()}")
PY

cat > run.js <<'JS'
const { spawn } = require('child_process');
const ldapjs = require('ldapjs');
const ActiveDirectory = require('activedirectory2');
const LdapAuth = require('ldapauth-fork');
const { Client } = require('ldapts');
const Strategy = require('passport-activedirectory');

const base = 'dc=corp,dc=example';
const guid = '3f79048f-42cd-4c6e-a1f4-9d1e5a2b7c60';
const bytes = Buffer.from('8f04793fcd426e4ca1f49d1e5a2b7c60', 'hex');
const entry = {
  dn: `cn=mara,${base}`,
  attributes: { objectClass: ['user'], objectCategory: 'CN=Person,CN=Schema,CN=Configuration,DC=corp,DC=example',
    sAMAccountName: 'mara', objectGUID: bytes },
};

// Stands for the directory.
const server = ldapjs.createServer();
server.bind('', (_, response, next) => { response.end(); return next(); });
server.search('', (request, response, next) => {
  response.attributes = ['*'];
  if (request.filter.toString().includes('mara')) response.send(entry);
  response.end();
  return next();
});

const called = start => new Promise((done, fail) => start((error, value) => (error ? fail(error) : done(value))));
const shown = value => `${Buffer.isBuffer(value) ? 'Buffer' : typeof value} ${
  Buffer.isBuffer(value) ? value.toString('hex') : JSON.stringify(value)}`;
const run = (program, args) => new Promise((done, fail) => {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('close', code => (code === 0 ? done() : fail(new Error(program))));
});

server.listen(0, '127.0.0.1', async () => {
  const { url } = server;
  console.log(`Microsoft's tools: ${guid}`);
  console.log(`onPremisesImmutableId: ${bytes.toString('base64')}`);

  const reader = { url, baseDN: base, username: 'cn=reader', password: 'x' };
  const directory = new ActiveDirectory({ ...reader, attributes: { user: ['objectGUID'] } });
  console.log(`activedirectory2: ${shown((await called(done => directory.findUser('mara', done))).objectGUID)}`);
  const { id } = await new Promise(done => {
    const strategy = new Strategy({ integrated: false, ldap: reader }, done);
    strategy.authenticate({ body: { username: 'mara', password: 'x' }, query: {} });
  });
  console.log(`passport-activedirectory: ${shown(id)}`);

  const client = ldapjs.createClient({ url });
  const found = await new Promise(done => {
    client.search(base, { scope: 'sub', filter: '(sAMAccountName=mara)' }, (_, search) => {
      search.on('searchEntry', ({ pojo }) => {
        done(pojo.attributes.find(({ type }) => type === 'objectGUID').values[0]);
      });
    });
  });
  console.log(`ldapjs: ${shown(found)}`);

  const auth = new LdapAuth({ url, bindDN: 'cn=reader', bindCredentials: 'x', searchBase: base,
    searchFilter: '(sAMAccountName={{username}})' });
  console.log(`ldapauth-fork: ${shown((await called(done => auth.authenticate('mara', 'x', done))).objectGUID)}`);

  const other = new Client({ url });
  const { searchEntries } = await other.search(base, { filter: '(sAMAccountName=mara)' });
  console.log(`ldapts: ${shown(searchEntries[0].objectGUID)}`);

  await run('./go-ldap', [url]);
  await run('python3', ['run.py', url]);
  process.exit();
});
JS
PYTHONPATH=python node run.js | tee seen.txt

cat > expected.txt <<'TXT'
Microsoft's tools: 3f79048f-42cd-4c6e-a1f4-9d1e5a2b7c60
onPremisesImmutableId: jwR5P81Cbkyh9J0eWit8YA==
activedirectory2: string "S-143-133314933583436-513668257-1618750298"
passport-activedirectory: undefined undefined
ldapjs: string "�\u0004y?�BnL���\u001eZ+|`"
ldapauth-fork: string "�\u0004y?�BnL���\u001eZ+|`"
ldapts: Buffer 8f04793fcd426e4ca1f49d1e5a2b7c60
go-ldap: text of 16 bytes, as JSON "\ufffd\u0004y?\ufffdBnL\ufffd\ufffd\ufffd\u001eZ+|`"
ldap3, schema: str {3f79048f-42cd-4c6e-a1f4-9d1e5a2b7c60}
ldap3, no schema: bytes 8f04793fcd426e4ca1f49d1e5a2b7c60
TXT
diff expected.txt seen.txt
echo "activedirectory2, passport-activedirectory, ldapjs, ldapauth-fork, ldapts, ldap3 and go-ldap still behave so"

#!/usr/bin/env bash
# PyJWT 2.15.1, joserfc 1.8.0, python-jose 3.5.0 (PyPI), jsonwebtoken 9.0.3 and jose 6.2.18 (npm): one signed token is
# good in some and refused in others, and PyJWT refuses tokens that it has made itself.
#
# All five verify by the same RFC 7519, so a token that passes where it was made is expected to pass everywhere.
#   - A `sub` that is a number (a database's id): PyJWT's encode() and jsonwebtoken's sign() take it, the readers of
#     npm take it, and the three readers of PyPI refuse it.
#   - An `iat` five seconds ahead, as another machine's clock makes it: RFC 7519 has no reader check `iat`. PyJWT and
#     joserfc refuse the token by default, with no leeway at all, the others take it. The failure comes and goes with
#     the clocks, and never on one machine.
#   - Times with a fraction (Python's time.time(), JavaScript's Date.now() / 1000): written as they are given, and
#     read by all five; RFC 7519 allows them.
#
# What callers of identity-link should do: sign `sub` as text and times as whole seconds, and set a leeway in each
# reader. identity-link takes no `sub` but text, allows 30 seconds between clocks, and reads times without their fraction.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund jsonwebtoken@9.0.3 jose@6.2.18
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  PyJWT==2.15.1 joserfc==1.8.0 python-jose==3.5.0

# Each token is signed by PyJWT from the claims as they stand.
cat > run.py <<'PY'
import json
import time

import jwt
from joserfc import jwt as joserfc
from joserfc.jwk import OctKey
from jose import jwt as jose

KEY = "a key of an example that is 32 bytes or longer"
now = int(time.time())
TOKENS = {
    "plain": {"sub": "7654321", "iat": now, "exp": now + 300},
    "sub is a number": {"sub": 7654321, "iat": now, "exp": now + 300},
    "iat is 5 s ahead": {"sub": "7654321", "iat": now + 5, "exp": now + 300},
    "times have fractions": {"sub": "7654321", "iat": now - 0.5, "exp": now + 300.5},
}


def by_joserfc(token):
    read = joserfc.decode(token, OctKey.import_key(KEY), algorithms=["HS256"])
    joserfc.JWTClaimsRegistry().validate(read.claims)


READERS = {
    "PyJWT": lambda token: jwt.decode(token, KEY, ["HS256"]),
    "joserfc": by_joserfc,
    "python-jose": lambda token: jose.decode(token, KEY, ["HS256"]),
}
tokens = {name: jwt.encode(claims, KEY) for name, claims in TOKENS.items()}
for name, token in tokens.items():
    for reader, read in READERS.items():
        try:
            read(token)
            print(f"{name}: {reader} takes it")
        except Exception as error:
            print(f"{name}: {reader} raises {type(error).__name__}")
json.dump({"key": KEY, "tokens": tokens}, open("tokens.json", "w"))
PY

cat > run.mjs <<'JS'
import fs from 'node:fs';
import { jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
const { key, tokens } = JSON.parse(fs.readFileSync('tokens.json'));
const readers = {
  jsonwebtoken: async token => jsonwebtoken.verify(token, key, { algorithms: ['HS256'] }),
  jose: async token => jwtVerify(token, new TextEncoder().encode(key), { algorithms: ['HS256'] }),
};
for (const [name, token] of Object.entries(tokens)) {
  for (const [reader, read] of Object.entries(readers)) {
    const verdict = await read(token).then(() => 'takes it', error => `throws ${error.constructor.name}`);
    console.log(`${name}: ${reader} ${verdict}`);
  }
}
const made = jsonwebtoken.sign({ sub: 7654321, iat: 1796000000.5 }, key, { expiresIn: 60 });
const { sub, iat, exp } = jsonwebtoken.decode(made);
console.log(`jsonwebtoken signs sub ${typeof sub}, iat ${iat}, exp ${exp}`);
JS
{
  PYTHONPATH=python python3 -W ignore run.py
  node run.mjs
} | tee seen.txt

cat > expected.txt <<'TXT'
plain: PyJWT takes it
plain: joserfc takes it
plain: python-jose takes it
sub is a number: PyJWT raises InvalidSubjectError
sub is a number: joserfc raises InvalidClaimError
sub is a number: python-jose raises JWTClaimsError
iat is 5 s ahead: PyJWT raises ImmatureSignatureError
iat is 5 s ahead: joserfc raises InvalidClaimError
iat is 5 s ahead: python-jose takes it
times have fractions: PyJWT takes it
times have fractions: joserfc takes it
times have fractions: python-jose takes it
plain: jsonwebtoken takes it
plain: jose takes it
sub is a number: jsonwebtoken takes it
sub is a number: jose takes it
iat is 5 s ahead: jsonwebtoken takes it
iat is 5 s ahead: jose takes it
times have fractions: jsonwebtoken takes it
times have fractions: jose takes it
jsonwebtoken signs sub number, iat 1796000000.5, exp 1796000060.5
TXT
diff expected.txt seen.txt
echo "The five libraries still behave so"

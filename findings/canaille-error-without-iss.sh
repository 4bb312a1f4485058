#!/usr/bin/env bash
# canaille 0.3.6 (PyPI, with Authlib 1.9.10 and Flask 3.1.3): the metadata promise `iss` in each authorization response, and
# error responses come without it.
#
# RFC 9207 §2 and §2.3: with `authorization_response_iss_parameter_supported`, the server puts `iss` into each authorization
# response, also into error responses. §2.4: a client then rejects a response without it. One would expect `iss` beside
# `error`.
#   - The metadata have `"authorization_response_iss_parameter_supported": true`.
#   - `prompt=none` without a session redirects back with `error=login_required` and `state`, and without `iss`.
#
# A client that follows §2.4 to the letter reports a mix-up attack where the person only has to sign in, and drops the
# `error` that would say so. A silent sign-in then never falls back to a visible one.
#
# What users should do: compare `iss` of a response with a code, which proves something. An `error` proves nothing: take it
# without `iss`, by the `state` alone. identity-link does.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check 'canaille[front,oidc]==0.3.6' authlib==1.9.10 flask==3.1.3

cat > ask.py <<'PY'
from urllib.parse import parse_qs, urlsplit

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import RSAKey

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
app = create_app(
    config={
        "SECRET_KEY": "x" * 32,
        "SERVER_NAME": "op.example.com",
        "CANAILLE": {"LOGGING": {"version": 1, "disable_existing_loggers": True}},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.import_key(pem).as_dict(private=True)]},
    }
)
callback = "https://www.example.com/callback"
with app.app_context(), app.backend.instance.session():
    client = models.Client(
        client_id="shop",
        client_secret="secret",
        client_name="shop",
        client_uri="https://www.example.com",
        redirect_uris=[callback],
        token_endpoint_auth_method="client_secret_basic",
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid"],
    )
    Backend.instance.save(client)

browser = app.test_client()
metadata = browser.get("/.well-known/openid-configuration").get_json()
asked = browser.get(
    "/oauth/authorize",
    query_string={
        "response_type": "code",
        "client_id": "shop",
        "redirect_uri": callback,
        "scope": "openid",
        "state": "s",
        "nonce": "n",
        "prompt": "none",
    },
)
back = parse_qs(urlsplit(asked.headers["location"]).query)
print("promised:", metadata["authorization_response_iss_parameter_supported"])
print("sent:", asked.status_code, " ".join(sorted(back)), back["error"][0])
PY

seen=$(python/bin/python ask.py 2>/dev/null)
expected='promised: True
sent: 302 error state login_required'
printf '%s\n' "$seen"
if [ "$seen" != "$expected" ]; then
  printf 'expected:\n%s\n' "$expected" >&2
  exit 1
fi

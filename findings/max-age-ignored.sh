#!/usr/bin/env bash
# django-oauth-toolkit 3.4.1, django-allauth 65.22.1 (PyPI, with Django 5.2.19): `max_age` of an authorization request is
# ignored, and the person is not asked to sign in again.
#
# OpenID Connect Core §3.1.2.1: if the person signed in longer ago than `max_age` seconds, the provider MUST have the
# person sign in again, and the ID token MUST have `auth_time`. One would expect an error, or a login page, for a session
# of yesterday and `max_age=60`.
#   - Both redirect back with a code at once.
#   - The toolkit's ID token has yesterday's `auth_time`. allauth's has none, so its reader cannot see the age at all.
#
# A client that asks for a fresh sign-in before a payment or a deletion, and does not compare `auth_time`, acts on a browser
# that was left open.
#
# What users should do: compare `auth_time` with `max_age`, and refuse a token without it. identity-link does. Where the
# provider obeys `prompt=login`, send that beside `max_age`.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  django==5.2.19 django-oauth-toolkit==3.4.1 'django-allauth[idp-oidc]==65.22.1' requests==2.34.2

cat > provider.py <<'PY'
import base64
import datetime
import json
import sys

import django
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

NAME = sys.argv[1]
sys.modules["provider"] = sys.modules["__main__"]
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
apps = {"toolkit": ["oauth2_provider"], "allauth": ["allauth", "allauth.account", "allauth.idp.oidc"]}[NAME]
settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="x" * 50,
    ROOT_URLCONF="provider",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages", *apps],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        *(["allauth.account.middleware.AccountMiddleware"] if NAME == "allauth" else []),
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={"OIDC_ENABLED": True, "OIDC_RSA_PRIVATE_KEY": key, "SCOPES": {"openid": "Sign in"}},
    IDP_OIDC_PRIVATE_KEY=key,
)
django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import include, path
from django.utils import timezone

if NAME == "toolkit":
    urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
    AUTHORIZE, TOKEN = "/o/authorize/", "/o/token/"
else:
    urlpatterns = [path("", include("allauth.idp.urls")), path("accounts/", include("allauth.account.urls"))]
    AUTHORIZE, TOKEN = "/identity/o/authorize", "/identity/o/api/token"

call_command("migrate", verbosity=0)
URI = "https://www.example.com/callback"
if NAME == "toolkit":
    from oauth2_provider.models import get_application_model

    get_application_model().objects.create(
        client_id="shop", client_secret="secret", redirect_uris=URI, client_type="confidential",
        authorization_grant_type="authorization-code", algorithm="RS256", skip_authorization=True,
    )
else:
    from allauth.idp.oidc.models import Client

    client = Client(id="shop", name="shop", skip_consent=True)
    client.set_secret("secret")
    client.set_redirect_uris([URI])
    client.save()
ann = get_user_model().objects.create_user("ann")
browser = Browser()
browser.force_login(ann, backend="django.contrib.auth.backends.ModelBackend")
yesterday = timezone.now() - datetime.timedelta(days=1)
get_user_model().objects.update(last_login=yesterday)

asked = {
    "client_id": "shop", "response_type": "code", "redirect_uri": URI, "scope": "openid", "state": "s", "nonce": "n",
    "max_age": "60", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
}
back = browser.get(AUTHORIZE, asked).headers["location"]
print(NAME, "a session of yesterday, max_age=60:", "a code" if "code=" in back else back)
code = back.split("code=")[1].split("&")[0]
got = Browser().post(TOKEN, {
    "grant_type": "authorization_code", "client_id": "shop", "client_secret": "secret", "redirect_uri": URI, "code": code,
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
})
claims = got.json()["id_token"].split(".")[1]
claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
time = claims.get("auth_time")
print(NAME, "auth_time:", "none" if time is None else "yesterday" if time < yesterday.timestamp() + 1 else "now")
PY
for name in toolkit allauth; do PYTHONPATH=python python3 -W ignore provider.py "$name" 2>>log.txt; done > seen.txt || { cat log.txt; exit 1; }

cat > expected.txt <<'END'
toolkit a session of yesterday, max_age=60: a code
toolkit auth_time: yesterday
allauth a session of yesterday, max_age=60: a code
allauth auth_time: none
END
cat seen.txt
diff expected.txt seen.txt

#!/usr/bin/env bash
# social-auth-core (PyPI) 4.9.1 and 7.0.0, with social-auth-app-django: the stored `uid` of one Google, Keycloak or
# Microsoft account is a name in the one and the subject in the other, and the table holds both.
#
# `usersocialauth.uid` is the key of an account at its provider, so it is taken for OpenID Connect's `sub`. Up to 5.x
# it is by default the email for Google, the user name for Keycloak, Okta and Cognito, and the `upn` for
# `azuread-oauth2`. From 6.0 on it is `sub` for all of them. The upgrade's migrations leave the values as they are,
# and a row is rewritten when its user signs in the next time. So an upgraded application has both kinds of value in
# one column for as long as some user stays away, and an export made before a sign-in and one made after it name two
# accounts.
#
# What users of identity-link should do: import `uid` as the subject only where the column `id_key` (new in 6.0;
# printed before each value below) says `sub` or `id`, and never from an older table for these providers. An account
# that is imported with an email as its subject is not found when its owner signs in with the real one, and the person
# gets a second user. Keep the email as an email: if it is verified on both sides, identity-link proposes the link.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
install() {
  python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target "$1" \
    django==5.2.19 "${@:2}"
}
install before social-auth-core==4.9.1 social-auth-app-django==5.4.3 &
install after social-auth-core==7.0.0 social-auth-app-django==8.0.0
wait "$!"

cat > run.py <<'PY'
import logging
import sys

import django
from django.conf import settings
from django.core.management import call_command

logging.disable()
settings.configure(
    SECRET_KEY="a key of an example that is 50 characters or longer",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "app.sqlite3"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "social_django"],
    AUTHENTICATION_BACKENDS=[
        "social_core.backends.google.GoogleOAuth2",
        "social_core.backends.keycloak.KeycloakOAuth2",
        "social_core.backends.azuread.AzureADOAuth2",
    ],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
call_command("migrate", verbosity=0)

from social_django.models import UserSocialAuth
from social_django.utils import load_backend, load_strategy

# What the providers say of each account: the same under both versions.
ACCOUNTS = {
    "mara": ("google-oauth2", {"sub": "109000000000000000001", "email": "mara@example.com", "email_verified": True}),
    "tomas": ("google-oauth2", {"sub": "109000000000000000002", "email": "tomas@example.com", "email_verified": True}),
    "jo": ("keycloak", {"sub": "6f1c0a52-7d4e-4c1b-9a53-0b2f0e4d7a11", "preferred_username": "jo.ives",
                        "email": "jo@example.com"}),
    "ada": ("azuread-oauth2", {"sub": "Zk3vXw-of-ada", "upn": "ada@corp.example", "unique_name": "ada@corp.example"}),
}
version, *names = sys.argv[1:]


def show(when):
    rows = UserSocialAuth.objects.order_by("pk")
    texts = [" ".join(filter(None, [getattr(row, "id_key", ""), row.uid])) for row in rows]
    print(f"{version} {when}: {', '.join(texts) or 'none'}")


show("migrated")
for name in names:
    provider, claims = ACCOUNTS[name]
    strategy = load_strategy()
    assert strategy.authenticate(load_backend(strategy, provider, None), response=dict(claims)).is_active
show("signed in")
PY
{
  PYTHONPATH=before python3 -W ignore run.py 4.9.1 mara tomas jo ada
  PYTHONPATH=after python3 -W ignore run.py 7.0.0 mara jo ada
} | tee seen.txt

cat > expected.txt <<'TXT'
4.9.1 migrated: none
4.9.1 signed in: mara@example.com, tomas@example.com, jo.ives, ada@corp.example
7.0.0 migrated: email mara@example.com, email tomas@example.com, username jo.ives, upn ada@corp.example
7.0.0 signed in: sub 109000000000000000001, email tomas@example.com, sub 6f1c0a52-7d4e-4c1b-9a53-0b2f0e4d7a11, sub Zk3vXw-of-ada
TXT
diff expected.txt seen.txt
echo "social-auth-core 4.9.1 and 7.0.0 still behave so"

# An issuer of django-oauth-toolkit with keys of its own on a port of its own. Its one argument is JSON: `clients` and
# `accounts` (claims by subject).
import datetime
import json
import os
import sys
import threading
import time
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings

GIVEN = json.loads(sys.argv[1])
# The toolkit imports the validator by its path.
sys.modules["provider"] = sys.modules["__main__"]


def new_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY=os.urandom(16).hex(),
    ROOT_URLCONF="provider",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    # The cost of a password is not what the tests are about.
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    LOGIN_URL="/login",
    USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": new_key(),
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
        "PKCE_REQUIRED": True,
        "OAUTH2_VALIDATOR_CLASS": "provider.Validator",
        "SCOPES": {"openid": "Sign in", "email": "Email", "profile": "Profile"},
    },
)
django.setup()

from django.contrib.auth import get_user_model, login  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse, HttpResponseRedirect  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.html import escape  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402
from oauth2_provider.settings import oauth2_settings  # noqa: E402


class Validator(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request):
        return {"sub": request.user.username, **GIVEN["accounts"][request.user.username]}


def ask_who(request):
    if request.method == "POST":
        user = get_user_model().objects.get(username=request.POST["login"])
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        return HttpResponseRedirect(request.GET["next"])
    action = escape(request.get_full_path())
    return HttpResponse(f'<form method="post" action="{action}"><input type="text" name="login"></form>')


def rotate(request):
    settings.OAUTH2_PROVIDER["OIDC_RSA_PRIVATE_KEY"] = new_key()
    oauth2_settings.reload()
    return HttpResponse("")


def age(request):
    # Each account signed in a day ago.
    yesterday = timezone.now() - datetime.timedelta(days=1)
    get_user_model().objects.update(last_login=yesterday)
    return HttpResponse("")


urlpatterns = [
    path("age", age),
    path("login", ask_who),
    path("rotate", rotate),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


def end_with(parent):
    # The issuer ends with the test that started it, even if that test is killed.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
call_command("migrate", verbosity=0)
for name in GIVEN["accounts"]:
    get_user_model().objects.create_user(name)
for client in GIVEN["clients"]:
    get_application_model().objects.create(
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        redirect_uris=" ".join(client["redirect_uris"]),
        client_type="confidential",
        authorization_grant_type="authorization-code",
        algorithm="RS256",
        skip_authorization=True,
    )

from django.core.wsgi import get_wsgi_application  # noqa: E402

server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(f"issuer http://127.0.0.1:{server.server_port}/o", flush=True)
server.serve_forever()

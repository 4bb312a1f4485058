# The provider canaille.
import os

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend
from canaille.backends.memory.backend import MemoryBackend
from harness import GIVEN, ORIGIN, new_key
from joserfc.jwk import RSAKey


def signing_key():
    return RSAKey.import_key(new_key()).as_dict(private=True)


# Its store in memory finds what fulfils any of several conditions. Its stores for production find what fulfils all, as
# this does.
any_holds = MemoryBackend.do_query


def all_hold(self, model, *arguments, **conditions):
    found = any_holds(self, model, *arguments, **conditions)
    for name, value in conditions.items():
        ids = {one.id for one in any_holds(self, model, **{name: value})}
        found = [one for one in found if one.id in ids]
    return found


MemoryBackend.do_query = all_hold

app = create_app(
    config={
        "SECRET_KEY": os.urandom(16).hex(),
        "SERVER_NAME": ORIGIN.removeprefix("http://"),
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"LOGGING": {"version": 1, "disable_existing_loggers": True}},
        "CANAILLE_OIDC": {
            "ACTIVE_JWKS": [signing_key()],
            # Two access tokens of one second would be the same text, and the end of the first would end the second.
            "USERINFO_MAPPING": {"WEBSITE": "https://example.com/{{ range(1000000000) | random }}"},
        },
    }
)


@app.route("/rotate")
def rotate():
    app.config["CANAILLE_OIDC"]["ACTIVE_JWKS"] = [signing_key()]
    return ""


with app.app_context(), app.backend.instance.session():
    for name, claims in GIVEN["accounts"].items():
        user = models.User(
            user_name=name,
            formatted_name=claims["name"],
            family_name=claims["name"],
            emails=[claims["email"]],
            password="any",
        )
        Backend.instance.save(user)
    for client in GIVEN["clients"]:
        made = models.Client(
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            client_name="shop",
            client_uri=ORIGIN,
            redirect_uris=client["redirect_uris"],
            token_endpoint_auth_method="client_secret_basic",
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
            # Without this it signs with RS512, the strongest algorithm of its key.
            id_token_signed_response_alg="RS256",
            scope=["openid", "email", "profile", "offline_access"],
        )
        Backend.instance.save(made)
        made.audience = [made]
        Backend.instance.save(made)

application = app.wsgi_app

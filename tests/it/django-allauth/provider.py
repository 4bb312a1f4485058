# The provider of django-allauth.
import django_site
from django.conf import settings
from harness import GIVEN, new_key

django_site.configure(
    apps=["django.contrib.messages", "allauth", "allauth.account", "allauth.idp.oidc"],
    middleware=[
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware",
    ],
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    IDP_OIDC_ADAPTER="provider.Adapter",
    IDP_OIDC_PRIVATE_KEY=new_key(),
)

from allauth.idp.oidc.adapter import DefaultOIDCAdapter  # noqa: E402
from allauth.idp.oidc.models import Client  # noqa: E402
from django.urls import include, path  # noqa: E402


class Adapter(DefaultOIDCAdapter):
    def get_user_sub(self, client, user):
        return user.username

    def get_claims(self, purpose, user, client, scopes, email=None, **kwargs):
        return {"sub": user.username, **GIVEN["accounts"][user.username]}


def rotate():
    settings.IDP_OIDC_PRIVATE_KEY = new_key()


urlpatterns = [
    *django_site.paths(rotate),
    path("", include("allauth.idp.urls")),
    path("accounts/", include("allauth.account.urls")),
]
application = django_site.application()
for client in GIVEN["clients"]:
    made = Client(id=client["client_id"], name="shop", skip_consent=True)
    made.set_secret(client["client_secret"])
    made.set_redirect_uris(client["redirect_uris"])
    made.set_grant_types(["authorization_code", "refresh_token"])
    made.set_scopes(["openid", "email", "profile", "offline_access"])
    made.save()

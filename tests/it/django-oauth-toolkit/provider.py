# The provider django-oauth-toolkit.
import django_site
from django.conf import settings
from harness import GIVEN, ORIGIN, new_key

django_site.configure(
    apps=["oauth2_provider"],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": new_key(),
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
        "PKCE_REQUIRED": True,
        "OAUTH2_VALIDATOR_CLASS": "provider.Validator",
        "SCOPES": {"openid": "Sign in", "email": "Email", "profile": "Profile", "offline_access": "Stay"},
    },
)

from django.urls import include, path  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402
from oauth2_provider.settings import oauth2_settings  # noqa: E402


class Validator(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request):
        return {"sub": request.user.username, **GIVEN["accounts"][request.user.username]}


def rotate():
    settings.OAUTH2_PROVIDER["OIDC_RSA_PRIVATE_KEY"] = new_key()
    oauth2_settings.reload()


urlpatterns = [
    *django_site.paths(rotate),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
issuer = f"{ORIGIN}/o"
application = django_site.application()
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

# A Django site around a provider: accounts without passwords, a page that asks who signs in, and what tests change.
import datetime
import os

import django
from django.conf import settings

from harness import GIVEN


def configure(apps, middleware=(), **own):
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        SECRET_KEY=os.urandom(16).hex(),
        ROOT_URLCONF="provider",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *middleware,
        ],
        SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
        # The cost of a password is not what the tests are about.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGIN_URL="/login",
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        **own,
    )
    django.setup()


def ask_who(request):
    from django.contrib.auth import get_user_model, login
    from django.http import HttpResponse, HttpResponseRedirect
    from django.utils.html import escape

    if request.method == "POST":
        user = get_user_model().objects.get(username=request.POST["login"])
        login(request, user, "django.contrib.auth.backends.ModelBackend")
        return HttpResponseRedirect(request.GET["next"])
    action = escape(request.get_full_path())
    return HttpResponse(f'<form method="post" action="{action}"><input type="text" name="login"></form>')


def age(request):
    # Each account signed in a day ago.
    from django.contrib.auth import get_user_model
    from django.http import HttpResponse
    from django.utils import timezone

    yesterday = timezone.now() - datetime.timedelta(days=1)
    get_user_model().objects.update(last_login=yesterday)
    return HttpResponse("")


def paths(rotate):
    # What the site has beside the provider. `rotate` gives the provider a new key.
    from django.http import HttpResponse
    from django.urls import path

    def rotated(request):
        rotate()
        return HttpResponse("")

    return [path("age", age), path("login", ask_who), path("rotate", rotated)]


def application():
    # The site, with its tables and its accounts.
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application

    call_command("migrate", verbosity=0)
    for name in GIVEN["accounts"]:
        get_user_model().objects.create_user(name)
    return get_wsgi_application()

"""A back end that calls twice, with Auth0's client for Python by its defaults: the client retries conflicts automatically.
argv is the domain and a token. Prints the status of what was refused, and what the user is before and after."""

import json
import sys

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

users = ManagementClient(domain=sys.argv[1], token=sys.argv[2]).users


def user():
    return json.loads(users.get("github|ann").json())


for account in ("ann", "bob"):
    users.create(connection="github", user_id=account)
users.identities.link("github|ann", provider="github", user_id="bob")
before = user()
try:
    users.identities.link("github|ann", provider="github", user_id="bob")
    status = None
except ApiError as error:
    status = error.status_code
print(json.dumps([status, before == user()]))

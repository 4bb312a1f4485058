"""The work of a back end, done with Auth0's own client for Python: argv is the domain and the tokens as JSON. Prints
what happened, a line each. Its models refuse answers that are not as Auth0's."""

import json
import sys

import pydantic
from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

DOMAIN, TOKENS = sys.argv[1], json.loads(sys.argv[2])
GOOGLE = "google-oauth2|115015401343387192604"
SMS = "sms|560ebaeef609ee1adaa7c551"
# The client retries each conflict, with the same result.
ONCE = {"max_retries": 0}


def users(token):
    return ManagementClient(domain=DOMAIN, token=TOKENS.get(token, token)).users


def say(what, value):
    print(f"{what}: {json.dumps(plain(value), sort_keys=True)}")


def plain(value):
    """An answer as JSON has it, without its times, and with no more of a picture than its kind."""
    if isinstance(value, pydantic.BaseModel):
        value = json.loads(value.json())
    if isinstance(value, dict):
        rest = {name: plain(inner) for name, inner in value.items() if name not in ("created_at", "updated_at")}
        return {**rest, "picture": rest["picture"].split(":")[0]} if "picture" in rest else rest
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def refused(what, call, *args, **kwargs):
    try:
        answer = call(*args, **kwargs, request_options=ONCE)
    except ApiError as error:
        body = plain(error.body)
        return say(what, [error.status_code, body.get("errorCode"), body["message"]])
    raise AssertionError(f"{what} was not refused: {answer}")


def main():
    backend, john = users("service"), users("john")
    say("created", backend.create(
        connection="google-oauth2", user_id="115015401343387192604", email="your0@email.com", email_verified=True,
        name="John Doe", user_metadata={"color": "red", "size": 7}, app_metadata={"roles": ["Admin"]}))
    say("created", backend.create(
        connection="sms", user_id="560ebaeef609ee1adaa7c551", phone_number="+14258831929", phone_verified=True,
        user_metadata={"color": "blue"}))
    database = backend.create(connection="Username-Password-Authentication", email="your0@email.com").user_id
    provider, user_id = database.split("|")

    say("some fields", backend.get(GOOGLE, fields="user_id,email", include_fields=True))
    change = {"user_metadata": {"color": None, "shape": {"round": True}}, "app_metadata": {}, "nickname": "johnny"}
    say("updated", backend.update(GOOGLE, **change))
    page = backend.list(per_page=1)
    say("pages", [[user.user_id == database or user.user_id for user in page.items] for page in page.iter_pages()])
    q = f'email:"your0@email.com" AND email_verified:true -user_id:"{SMS}"'
    say("searched", [user.user_id for user in backend.list(q=q, search_engine="v3")])
    found = {user.user_id for user in backend.list_users_by_email(email="your0@email.com")}
    assert found == {database, GOOGLE}, found

    say("linked by token", john.identities.link(GOOGLE, link_with=TOKENS["sms"]))
    refused("linked again", john.identities.link, GOOGLE, link_with=TOKENS["sms"])
    refused("the main one", backend.identities.delete, GOOGLE, "google-oauth2", "115015401343387192604")
    say("unlinked", john.identities.delete(GOOGLE, "sms", "560ebaeef609ee1adaa7c551"))
    say("alone", backend.get(SMS))
    refused("a token that is none", john.identities.link, GOOGLE, link_with="none")
    refused("without a token", john.identities.link, GOOGLE, provider="sms", user_id="560ebaeef609ee1adaa7c551")
    refused("by another user", john.identities.delete, SMS, "sms", "560ebaeef609ee1adaa7c551")
    refused("with an invalid token", users("nobody").get, GOOGLE)

    linked = backend.identities.link(GOOGLE, provider=provider, user_id=user_id)
    say("linked by ids", [identity.connection for identity in linked])
    say("unlinked", backend.identities.delete(GOOGLE, provider, user_id))
    refused("an account without a user", backend.identities.link, GOOGLE, provider="sms", user_id="1")
    refused("created twice", backend.create, connection="sms", user_id="560ebaeef609ee1adaa7c551")
    refused("a password", backend.create, connection="sms", password="correct horse")
    refused("a search by name", backend.list, q="name:j*", search_engine="v3")

    for user in (GOOGLE, SMS, database):
        backend.delete(user)
    refused("deleted", backend.get, GOOGLE)


main()

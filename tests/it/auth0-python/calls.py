"""Every call that linking needs, by one version of Auth0's client for Python, as each of four callers: argv is the
major version, the domain, and tokens as JSON. Prints what came of each call, a line each: the same for every client."""

import json
import sys
from types import SimpleNamespace

MAJOR, DOMAIN, TOKENS = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])


def old(token):
    """The calls as versions 3 and 4 name them."""
    if MAJOR == 3:
        from auth0.v3.management import Auth0
    else:
        from auth0.management import Auth0
    client = Auth0(DOMAIN, token)
    users = client.users
    return SimpleNamespace(
        get=users.get,
        by_email=client.users_by_email.search_users_by_email,
        search=lambda q: users.list(q=q)["users"],
        metadata=lambda user, **namespaces: users.update(user, namespaces),
        link=lambda user, **other: users.link_user_account(user, other),
        unlink=users.unlink_user_account,
    )


def new(token):
    """The calls as version 6 names them. Its models refuse answers that are not as Auth0's."""
    from auth0.management import ManagementClient

    users = ManagementClient(domain=DOMAIN, token=token).users
    return SimpleNamespace(
        get=lambda user: plain(users.get(user)),
        by_email=lambda email: plain(users.list_users_by_email(email=email)),
        search=lambda q: plain(list(users.list(q=q, search_engine="v3"))),
        metadata=lambda user, **namespaces: plain(users.update(user, **namespaces)),
        link=lambda user, **other: plain(users.identities.link(user, **other)),
        unlink=lambda *identity: plain(users.identities.delete(*identity)),
    )


def plain(value):
    """An answer as JSON has it."""
    return [plain(inner) for inner in value] if isinstance(value, list) else json.loads(value.json())


USERS = new if MAJOR == 6 else old


def say(what, call, told):
    try:
        outcome = told(call())
    except Exception as error:
        if not hasattr(error, "status_code"):
            raise
        outcome = {"refused": error.status_code}
    print(f"{what}: {json.dumps(outcome, separators=(',', ':'))}")


def user_id(user):
    return user["user_id"]


def ids(users):
    return sorted(map(user_id, users))


def accounts(identities):
    return [f"{identity['provider']}|{identity['user_id']}" for identity in identities]


def metadata(user):
    return {namespace: user[namespace] for namespace in ("user_metadata", "app_metadata")}


def as_service(whose, user, provider, account):
    users = USERS(TOKENS["service"])
    as_whom = f"a service, as the {whose} account"
    say(f"{as_whom}, get", lambda: users.get(user), user_id)
    say(f"{as_whom}, by email", lambda: users.by_email("jane@example.com"), ids)
    merged = {"user_metadata": {"of": whose}, "app_metadata": {"langs": ["en"]}}
    say(f"{as_whom}, metadata", lambda: users.metadata(user, **merged), metadata)
    say(f"{as_whom}, link by ids", lambda: users.link(user, provider=provider, user_id=account), accounts)
    say(f"{as_whom}, unlink", lambda: users.unlink(user, provider, account), accounts)


def as_person(whose, token, sub, link_with, provider, account):
    users = USERS(token)
    as_whom = f"a person, as the {whose} account"
    user = sub
    say(f"{as_whom}, get", lambda: users.get(sub), user_id)
    say(f"{as_whom}, by email", lambda: users.by_email("jane@example.com"), ids)
    own = {"user_metadata": {"of": whose}}
    say(f"{as_whom}, metadata", lambda: users.metadata(user, **own), lambda user: user["user_metadata"])
    say(f"{as_whom}, link by ids", lambda: users.link(user, provider=provider, user_id=account), accounts)
    say(f"{as_whom}, link by both tokens", lambda: users.link(user, link_with=link_with), accounts)
    say(f"{as_whom}, unlink", lambda: users.unlink(user, provider, account), accounts)


def main():
    proofs = TOKENS["proofs"]
    as_person("primary", TOKENS["primary"], "google-oauth2|1", proofs["sms1"], "sms", "1")
    as_person("linked", TOKENS["linked"], "github|2", proofs["sms2"], "sms", "2")
    as_service("primary", "google-oauth2|1", "sms", "1")
    # The service looks up once which user has the linked account.
    holder = USERS(TOKENS["service"]).search('identities.provider:"github" AND identities.user_id:"2"')[0]
    as_service("linked", holder["user_id"], "sms", "2")


main()

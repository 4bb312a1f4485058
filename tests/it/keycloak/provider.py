# Keycloak, which listens on a port of its own. `KEYCLOAK` is the folder of its distribution.
import json
import os
import urllib.parse
import urllib.request

from harness import GIVEN, free_port, program, until_it_answers

PASSWORD = "any"
REALM = "test"


base = f"http://127.0.0.1:{free_port()}"
issuer = f"{base}/realms/{REALM}"


def start():
    port = base.rsplit(":", 1)[1]
    # `sh`, because a ZIP file keeps no permissions in every tool.
    command = ["sh", f"{os.environ['KEYCLOAK']}/bin/kc.sh", "start", "--optimized", "--http-enabled=true"]
    command += ["--http-host=127.0.0.1", f"--http-port={port}", "--hostname-strict=false", "--cache=local"]
    admin = {"KC_BOOTSTRAP_ADMIN_USERNAME": "admin", "KC_BOOTSTRAP_ADMIN_PASSWORD": PASSWORD}
    process = program(command, os.environ | admin)
    until_it_answers(f"{base}/realms/master", process)


def form(url, **fields):
    with urllib.request.urlopen(url, urllib.parse.urlencode(fields).encode()) as response:
        return json.load(response)


def admin(method, path, body=None):
    # A token of the administrator ends after a minute.
    fields = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": PASSWORD}
    token = form(f"{base}/realms/master/protocol/openid-connect/token", **fields)["access_token"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/admin/realms{path}", data, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read() or b"null")


def keys():
    return admin("GET", f"/{REALM}/components?type=org.keycloak.keys.KeyProvider")


def rotate(_query):
    # The key for signatures is replaced by another of a higher priority, and goes.
    before = [key for key in keys() if key["providerId"] == "rsa-generated"]
    config = {"priority": ["200"], "algorithm": ["RS256"]}
    new = {"name": "new", "providerId": "rsa-generated", "config": config}
    admin("POST", f"/{REALM}/components", new | {"providerType": "org.keycloak.keys.KeyProvider"})
    for key in before:
        admin("DELETE", f"/{REALM}/components/{key['id']}")


def logouts(query):
    for client in clients():
        attributes = {"backchannel.logout.url": query["to"][0], "backchannel.logout.session.required": "true"}
        client["attributes"] |= attributes
        admin("PUT", f"/{REALM}/clients/{client['id']}", client)


def clients():
    of_tests = {client["client_id"] for client in GIVEN["clients"]}
    return [client for client in admin("GET", f"/{REALM}/clients") if client["clientId"] in of_tests]


def account(name, claims):
    email = claims.get("email")
    password = {"type": "password", "value": PASSWORD}
    # A profile without these names is asked for them.
    profile = {"firstName": name, "lastName": name}
    verified = claims.get("email_verified", False)
    return {
        **{"id": name, "username": name, "enabled": True, **profile, "credentials": [password]},
        # A user that is imported has no role by default.
        "realmRoles": ["offline_access"],
        **({"email": email, "emailVerified": verified} if email else {}),
    }


def client(given):
    return {
        **{"clientId": given["client_id"], "secret": given["client_secret"], "redirectUris": given["redirect_uris"]},
        # Its own setting would let a client forget PKCE.
        "attributes": {"pkce.code.challenge.method": "S256"},
        "optionalClientScopes": ["offline_access"],
        "defaultClientScopes": ["basic", "profile", "email"],
    }


start()
admin(
    "POST",
    "",
    {
        **{"realm": REALM, "enabled": True, "sslRequired": "none"},
        "users": [account(name, claims) for name, claims in GIVEN["accounts"].items()],
        "clients": [client(given) for given in GIVEN["clients"]],
    },
)
SWITCHES = {"/rotate": rotate, "/logouts": logouts}


def application(environ, start_response):
    SWITCHES[environ["PATH_INFO"]](urllib.parse.parse_qs(environ["QUERY_STRING"]))
    start_response("204 No Content", [])
    return []

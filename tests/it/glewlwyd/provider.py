# Glewlwyd, as Debian's package installs it, behind a proxy with a login page: its own page is a program in JavaScript.
import gzip
import html
import json
import os
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from harness import GIVEN, ORIGIN, free_port, program, until_it_answers

SCHEMA = "/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz"
SCOPES = ["openid", "email", "profile", "offline_access"]
base = f"http://127.0.0.1:{free_port()}"
issuer = f"{ORIGIN}/api/oidc"
# It is deleted with this object, at the end of the process. If the process is killed, a little is left.
folder = tempfile.TemporaryDirectory()


class AsItIs(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


opener = urllib.request.build_opener(AsItIs)


def ask(method, url, body=None, headers=None):
    # The response, whatever its status is.
    request = urllib.request.Request(url, body, headers or {}, method=method)
    try:
        return opener.open(request)
    except urllib.error.HTTPError as response:
        return response


def api(method, path, body=None, cookie=""):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "cookie": cookie}
    response = ask(method, f"{base}/api{path}", data, headers)
    if response.status != 200:
        raise RuntimeError(f"{method} {path}: {response.status} {response.read()}")
    return response


def session(username, password):
    response = api("POST", "/auth/", {"username": username, "password": password})
    return response.headers["set-cookie"]


def database():
    path = f"{folder.name}/database"
    with sqlite3.connect(path) as connection:
        connection.executescript(gzip.open(SCHEMA, "rt").read())
        # It would choose the subjects at random.
        subjects = [("oidc", name, name) for name in GIVEN["accounts"]]
        columns = "gposi_plugin_name, gposi_username, gposi_sub"
        connection.executemany(f"INSERT INTO gpo_subject_identifier ({columns}) VALUES (?, ?, ?)", subjects)
        # What an account has beside its name and email is declared.
        update = "UPDATE g_user_module_instance SET gumi_parameters = json_set(gumi_parameters, '$.data-format.verified', json(?))"
        connection.execute(update, [json.dumps({"multiple": False, "read": True, "write": True})])
    return path


def start():
    settings = {
        **{"port": base.rsplit(":", 1)[1], "bind_address": '"127.0.0.1"', "external_url": f'"{ORIGIN}"'},
        **{"login_url": '"login"', "log_mode": '"console"', "log_level": '"ERROR"'},
    }
    text = pathlib.Path("/etc/glewlwyd/glewlwyd.conf").read_text()
    for name, value in settings.items():
        text = re.sub(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    database_section = f'database = {{ type = "sqlite3", path = "{database()}" }};'
    text = re.sub(r"^@include .*$", database_section, text, flags=re.MULTILINE)
    path = pathlib.Path(folder.name, "glewlwyd.conf")
    path.write_text(text)
    process = program(["glewlwyd", f"--config-file={path}"], os.environ)
    until_it_answers(f"{base}/config", process)


def plugin():
    openssl = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    key = subprocess.run(openssl, capture_output=True, check=True, text=True).stdout
    public = ["openssl", "pkey", "-pubout"]
    public_key = subprocess.run(public, input=key, capture_output=True, check=True, text=True).stdout
    verified = {
        **{"name": "email_verified", "user-property": "verified", "type": "boolean", "mandatory": True},
        **{"boolean-value-true": "1", "boolean-value-false": "0"},
    }
    parameters = {
        **{"iss": issuer, "subject-type": "public", "jwt-type": "rsa", "jwt-key-size": "256"},
        **{"key": key, "cert": public_key, "jwks-show": True},
        **{"access-token-duration": 3600, "refresh-token-duration": 86400, "code-duration": 600},
        **{"refresh-token-rolling": True, "auth-type-code-enabled": True, "auth-type-refresh-enabled": True},
        **{"pkce-allowed": True, "pkce-required": True, "pkce-method-plain-allowed": False},
        **{"name-claim": "mandatory", "email-claim": "mandatory", "claims": [verified]},
        **{"introspection-revocation-allowed": True, "introspection-revocation-allow-target-client": True},
        **{"allowed-scope": SCOPES, "restrict-scope-client-property": ""},
    }
    return {"module": "oidc", "name": "oidc", "display_name": "OIDC", "parameters": parameters, "enabled": True}


def set_up():
    admin = session("admin", "password")
    for name in SCOPES[1:]:
        api("POST", "/scope/", {"name": name, "display_name": name, "password_required": True}, admin)
    for name, claims in GIVEN["accounts"].items():
        user = {
            **{"username": name, "password": "any-password", "enabled": True, "scope": ["g_profile", *SCOPES]},
            **{"name": claims["name"], "email": claims["email"]},
            "verified": "1" if claims.get("email_verified") else "0",
        }
        api("POST", "/user/", user, admin)
    for given in GIVEN["clients"]:
        client = {
            **{"client_id": given["client_id"], "client_secret": given["client_secret"], "name": "shop"},
            **{"enabled": True, "confidential": True, "redirect_uri": given["redirect_uris"], "scope": SCOPES},
            "authorization_type": ["code", "refresh_token"],
            "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"],
        }
        api("POST", "/client/", client, admin)
    api("POST", "/mod/plugin/", plugin(), admin)


def rotate():
    admin = session("admin", "password")
    api("PUT", "/mod/plugin/oidc", plugin(), admin)
    api("PUT", "/mod/plugin/oidc/reset", None, admin)


def log_in(query, form):
    # The person agrees to each scope, and goes back to where the flow was.
    cookie = session(form["login"][0], "any-password")
    api("PUT", f"/auth/grant/{query['client_id'][0]}", {"scope": " ".join(SCOPES)}, cookie)
    back = query["callback_url"][0]
    return [("Location", f"{back}&g_continue"), ("Set-Cookie", cookie)]


def login_page(environ, start_response, body):
    url = f"/login?{environ['QUERY_STRING']}"
    if environ["REQUEST_METHOD"] == "POST":
        query, form = urllib.parse.parse_qs(environ["QUERY_STRING"]), urllib.parse.parse_qs(body.decode())
        start_response("303 See Other", log_in(query, form))
        return []
    start_response("200 OK", [("Content-Type", "text/html")])
    return [f'<form method="post" action="{html.escape(url)}"><input type="text" name="login"></form>'.encode()]


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if path == "/rotate":
        rotate()
        start_response("204 No Content", [])
        return []
    if path == "/login":
        return login_page(environ, start_response, body)
    names = {"HTTP_AUTHORIZATION": "authorization", "HTTP_COOKIE": "cookie", "CONTENT_TYPE": "content-type"}
    headers = {names[name]: value for name, value in environ.items() if name in names and value}
    query = environ["QUERY_STRING"]
    url = base + path + (f"?{query}" if query else "")
    response = ask(environ["REQUEST_METHOD"], url, body or None, headers)
    passed = [(name, value) for name, value in response.headers.items() if name.lower() not in ("connection", "transfer-encoding")]
    start_response(f"{response.status} {response.reason}", passed)
    return [response.read()]


start()
set_up()

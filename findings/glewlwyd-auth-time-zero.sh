#!/usr/bin/env bash
# Glewlwyd 2.7.5 (Debian 12, its plugin for OpenID Connect, its database in SQLite): `auth_time` is 0 in the ID tokens of the
# code flow.
#
# OpenID Connect Core 1.0 §2: `auth_time` is the time when the End-User authentication occurred; §3.1.2.1: with `max_age` it
# is required. One would expect the time at which the person gave the password, a moment ago.
#   - A person signs in with a password, the code is exchanged at once, and `auth_time` is 0.
#   - It is 0 too with `max_age=60`, and `iat` is right.
#
# A client that compares `auth_time` with `max_age` refuses each sign-in. One that takes a number for the presence of the
# claim, or tests it for truth, finds either a person who signed in in 1970 or no claim at all.
#
# What users should do: send no `max_age` to it, and use `prompt=login` for a fresh sign-in. identity-link refuses such a
# token where the age of the sign-in counts.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# The package and the libraries of the same project, without an installation.
apt-get download -qq glewlwyd=2.7.5-3+deb12u1 libulfius2.7=2.7.13-1 liborcania2.3=2.3.2-1 libyder2.0=1.4.19-1 \
  librhonabwy1.1=1.1.11-1 libiddawc1.1=1.1.8-1 libhoel1.4=1.4.27-1 libjansson4=2.14-2 libconfig9=1.5-0.4 \
  liboath0=2.6.7-3.1+deb12u1 libcbor0.8=0.8.0-2+b1 libldap-2.5-0=2.5.13+dfsg-5 \
  libmicrohttpd12=0.9.75-6 libmariadb3=1:10.11.19-0+deb12u1 2>/dev/null
for package in *.deb; do dpkg -x "$package" root; done

cat > ask.py <<'PY'
import atexit, base64, gzip, hashlib, json, pathlib, secrets, socket, sqlite3, subprocess, time
from urllib.error import HTTPError, URLError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

root = pathlib.Path("root")
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
base = f"http://127.0.0.1:{port}"
with sqlite3.connect("database") as connection:
    connection.executescript(gzip.open(root / "usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz", "rt").read())
modules = f'"{root.resolve()}/usr/lib/glewlwyd'
values = {
    "port": port, "external_url": f'"{base}"', "log_mode": '"console"', "log_level": '"ERROR"', "cookie_secure": 0,
    "user_module_path": f'{modules}/user"', "client_module_path": f'{modules}/client"',
    "user_auth_scheme_module_path": f'{modules}/scheme"', "plugin_module_path": f'{modules}/plugin"',
    "api_prefix": '"api"', "login_url": '"login.html"', "hash_algorithm": '"SHA512"',
    "session_key": '"SESSION"', "admin_scope": '"g_admin"', "profile_scope": '"g_profile"',
    "session_expiration": 3600, "database": '{ type = "sqlite3", path = "database" }',
}
text = "".join(f"{name} = {value};\n" for name, value in values.items())
pathlib.Path("glewlwyd.conf").write_text(text)
process = subprocess.Popen([root / "usr/bin/glewlwyd", "--config-file=glewlwyd.conf"], stdout=subprocess.DEVNULL)
atexit.register(process.kill)


class Stay(HTTPRedirectHandler):
    def redirect_request(self, *arguments):
        return None


opener = build_opener(Stay)


def ask(method, path, body=None, **headers):
    request = Request(base + path, body, headers, method=method)
    try:
        return opener.open(request)
    except HTTPError as response:
        return response


def api(method, path, body, cookie=""):
    response = ask(method, f"/api{path}", json.dumps(body).encode(), cookie=cookie, **{"content-type": "application/json"})
    assert response.status == 200, (path, response.status, response.read())
    return response


while process.poll() is None:
    try:
        ask("GET", "/config")
        break
    except URLError:
        time.sleep(0.1)
admin = api("POST", "/auth/", {"username": "admin", "password": "password"}).headers["set-cookie"]
run = lambda *command, **more: subprocess.run(command, capture_output=True, check=True, text=True, **more).stdout
key = run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
public = run("openssl", "pkey", "-pubout", input=key)
callback = "https://www.example.com/callback"
parameters = {
    "iss": f"{base}/api/oidc", "subject-type": "public", "jwt-type": "rsa", "jwt-key-size": "256", "key": key, "cert": public,
    "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600, "auth-type-code-enabled": True,
    "pkce-allowed": True, "allowed-scope": ["openid"],
}
plugin = {"module": "oidc", "name": "oidc", "display_name": "OIDC", "parameters": parameters}
api("PUT", "/scope/openid", {"name": "openid", "display_name": "openid", "password_required": True}, admin)
person = {"username": "ann", "password": "a-password", "enabled": True, "scope": ["g_profile", "openid"]}
api("POST", "/user/", person, admin)
client = {
    "client_id": "shop", "client_secret": "secret", "enabled": True, "confidential": True, "redirect_uri": [callback],
    "authorization_type": ["code"], "token_endpoint_auth_method": ["client_secret_basic"], "scope": ["openid"],
}
api("POST", "/client/", client, admin)
api("POST", "/mod/plugin/", plugin, admin)


def id_token(**more):
    begun = int(time.time())
    cookie = api("POST", "/auth/", {"username": "ann", "password": "a-password"}).headers["set-cookie"]
    api("PUT", "/auth/grant/shop", {"scope": "openid"}, cookie)
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": "shop", "response_type": "code", "redirect_uri": callback, "scope": "openid", "state": "s", "nonce": "n",
        "code_challenge": challenge, "code_challenge_method": "S256", **more,
    }
    back = ask("GET", f"/api/oidc/auth?{urlencode(query)}&g_continue", cookie=cookie).headers["location"]
    code = parse_qs(urlsplit(back).query)["code"][0]
    fields = {"grant_type": "authorization_code", "redirect_uri": callback, "code": code, "code_verifier": verifier}
    basic = base64.b64encode(b"shop:secret").decode()
    answer = ask("POST", "/api/oidc/token", urlencode(fields).encode(), authorization=f"Basic {basic}")
    payload = json.load(answer)["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return f"auth_time {claims['auth_time']}, issued {'now' if begun <= claims['iat'] <= time.time() else claims['iat']}"


print("as usual:", id_token())
print("max_age=60:", id_token(max_age="60"))
PY

LD_LIBRARY_PATH=$(find "$folder/root/usr/lib" -maxdepth 1 -name '*-linux-gnu') python3 ask.py > seen.txt 2> errors.txt || {
  cat errors.txt >&2
  exit 1
}
seen=$(cat seen.txt)
expected='as usual: auth_time 0, issued now
max_age=60: auth_time 0, issued now'
printf '%s\n' "$seen"
if [ "$seen" != "$expected" ]; then
  printf 'expected:\n%s\n' "$expected" >&2
  exit 1
fi

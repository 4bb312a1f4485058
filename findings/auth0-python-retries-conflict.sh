#!/usr/bin/env bash
# auth0-python (PyPI) 6.8.0 and auth0 (npm) 7.1.0: the Python SDK sends a refused link three times, and both turn a
# link that was made into a 409.
#
# A 409 is the server's final word about a request: sent again, it fails again. auth0-python's README lists 408, 429
# and 5XX as what is retried, and the Node.js SDK, which is generated from the same description, retries just these.
# The Python SDK (since 5.0.0) retries a 409 as well: a link of an account that is linked already is three POSTs and
# about three seconds, in which the page waits, and the service's logs and limits count three calls.
#
# Both SDKs also send a POST again after a 5XX. If a gateway in front of the service answers 504 while the service
# makes the link, the second POST meets the first one's result: the caller's code gets a ConflictError for a link that
# stands.
#
# What callers of identity-link should do: pass request_options={"max_retries": 0} to users.identities.link(), and
# after a 409 read the user's identities before they show an error.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund auth0@7.1.0 &
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  auth0-python==6.8.0 httpx==0.28.1
wait "$!"

# Answers each POST with the next status of its list, and the last one for ever; prints how many it got.
cat > service.py <<'PY'
import http.server
import json
import threading


class Service:
    def __init__(self, statuses):
        service = self
        self.statuses, self.posts = statuses, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                status = service.statuses[min(service.posts, len(service.statuses) - 1)]
                service.posts += 1
                body = json.dumps({"statusCode": status, "error": "x", "message": "x"}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/v2"
PY

cat > run.py <<'PY'
import subprocess

from auth0.management import Auth0
from service import Service


def python(url, options):
    try:
        Auth0(base_url=url, token="t").users.identities.link(
            "auth0|1", provider="google-oauth2", user_id="2", request_options=options)
    except Exception as error:
        return type(error).__name__


def node(url, _):
    return subprocess.run(["node", "run.mjs", url], check=True, capture_output=True, text=True).stdout.strip()


for name, client, statuses, options in [
    ("auth0-python", python, [409], None),
    ("auth0-python, max_retries 0", python, [409], {"max_retries": 0}),
    ("auth0 of npm", node, [409], None),
    ("auth0-python, 504 first", python, [504, 409], None),
    ("auth0 of npm, 504 first", node, [504, 409], None),
]:
    service = Service(statuses)
    error = client(service.url, options)
    print(f"{name}: {service.posts} POST, {error}")
PY

cat > run.mjs <<'JS'
import { ManagementClient } from 'auth0';
const client = new ManagementClient({ domain: 'tenant.example', token: 't', baseUrl: process.argv[2] });
const plain = globalThis.fetch;
globalThis.fetch = (url, init) => plain(String(url).replace('https://tenant.example/api/v2', process.argv[2]), init);
try {
  await client.users.identities.link('auth0|1', { provider: 'google-oauth2', user_id: '2' });
} catch (error) {
  console.log(error.constructor.name);
}
JS
PYTHONPATH=python python3 run.py | tee seen.txt

cat > expected.txt <<'TXT'
auth0-python: 3 POST, ConflictError
auth0-python, max_retries 0: 1 POST, ConflictError
auth0 of npm: 1 POST, ConflictError
auth0-python, 504 first: 3 POST, ConflictError
auth0 of npm, 504 first: 2 POST, ConflictError
TXT
diff expected.txt seen.txt
echo "auth0-python 6.8.0 and auth0 7.1.0 still behave so"

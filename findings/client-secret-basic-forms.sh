#!/usr/bin/env bash
# Authlib 1.9.10, requests-oauthlib 2.0.0 (PyPI), openid-client 6.9.0, simple-oauth2 5.1.0 (npm), oauth2 5.0.0 (crates.io),
# golang.org/x/oauth2 v0.36.0: one client secret is sent in four forms by `client_secret_basic`.
#
# RFC 6749 §2.3.1 has a client encode its id and its secret as in a form before Basic joins them. One would expect a
# library to do that, or no library to do it.
#   - Authlib, requests-oauthlib, and simple-oauth2 in its mode `loose` send both as they are.
#   - The others encode them, in three ways: openid-client also the `-`, `_` and `.` that a base64url secret or a
#     UUID has, and with the crate oauth2 the `~`; `*` stays as it is only in the crate.
#
# A provider that decodes reads one secret from all that encode, and another one from those that do not, if the secret has
# a `+` or a `%`. A provider that does not decode knows a secret of letters, digits and `_` from Go, and refuses the very
# same one from openid-client. The answer is `invalid_client` each time, as for a wrong secret.
#
# What users should do: choose secrets of letters and digits only; or send them by `client_secret_post`, which has one
# form. identity-link says in its log which form it sent when a provider refuses it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openid-client@6.9.0 simple-oauth2@5.1.0
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  Authlib==1.9.10 requests==2.34.2 requests-oauthlib==2.0.0

# A token endpoint that prints the credentials of each request, as Basic has them (RFC 7617 §2).
cat > provider.py <<'PY'
import base64
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        scheme, _, value = self.headers.get("authorization", "").partition(" ")
        sent = base64.b64decode(value).decode() if scheme == "Basic" else "no Basic"
        print(f"{self.path[1:]:17} {sent}", flush=True)
        body = b'{"access_token":"t","token_type":"bearer","expires_in":60}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Provider)
print(server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
PY
python3 provider.py > sent.txt 2> port.txt &
provider=$!
trap 'kill "$provider"; rm -rf "$folder"' EXIT
until [ -s port.txt ]; do sleep 0.1; done
export PROVIDER="http://127.0.0.1:$(cat port.txt)" ID='app 1' SECRET='aB-_.~+/=:%!*'

cat > clients.py <<'PY'
import os

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
from authlib.integrations.requests_client import OAuth2Session as Authlib
from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

at, client, secret = (os.environ[name] for name in ("PROVIDER", "ID", "SECRET"))
Authlib(client, secret, token_endpoint_auth_method="client_secret_basic").fetch_token(
    at + "/Authlib", grant_type="client_credentials")
OAuth2Session(client=BackendApplicationClient(client)).fetch_token(
    at + "/requests-oauthlib", client_id=client, client_secret=secret, include_client_id=False)
PY
PYTHONPATH=python python3 clients.py

cat > clients.mjs <<'JS'
import * as oidc from 'openid-client';
import simple from 'simple-oauth2';

const { PROVIDER, ID, SECRET } = process.env;
const metadata = { issuer: PROVIDER, token_endpoint: `${PROVIDER}/openid-client` };
const config = new oidc.Configuration(metadata, ID, undefined, oidc.ClientSecretBasic(SECRET));
oidc.allowInsecureRequests(config);
await oidc.clientCredentialsGrant(config);
for (const [name, options] of [
  ['simple-oauth2', {}],
  ['simple-loose', { credentialsEncodingMode: 'loose' }],
]) {
  const client = new simple.ClientCredentials({
    client: { id: ID, secret: SECRET }, auth: { tokenHost: PROVIDER, tokenPath: `/${name}` }, options,
  });
  await client.getToken({});
}
JS
node clients.mjs

mkdir -p go rust/src
cat > go/go.mod <<'GO'
module clients

go 1.24.0

require golang.org/x/oauth2 v0.36.0
GO
cat > go/main.go <<'GO'
package main

import (
	"context"
	"os"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func main() {
	config := clientcredentials.Config{
		ClientID: os.Getenv("ID"), ClientSecret: os.Getenv("SECRET"),
		TokenURL: os.Getenv("PROVIDER") + "/golang", AuthStyle: oauth2.AuthStyleInHeader,
	}
	if _, err := config.Token(context.Background()); err != nil {
		panic(err)
	}
}
GO
(cd go && GOFLAGS=-mod=mod go run .)

cat > rust/Cargo.toml <<'TOML'
[package]
name = "clients"
edition = "2024"

[dependencies]
oauth2 = { version = "=5.0.0", default-features = false }
TOML
cat > rust/src/main.rs <<'RUST'
use std::{
    env,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use oauth2::{AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, TokenUrl, basic::BasicClient};

fn send(request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let at = request.uri().authority().unwrap().to_string();
    let mut stream = TcpStream::connect(&at)?;
    let credentials = request.headers()["authorization"].to_str().unwrap().to_owned();
    write!(
        stream,
        "POST {} HTTP/1.0\r\nauthorization: {credentials}\r\ncontent-length: 0\r\n\r\n",
        request.uri().path()
    )?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    let body = response.split_once("\r\n\r\n").unwrap().1.as_bytes().to_vec();
    let response = oauth2::http::Response::builder().header("content-type", "application/json");
    Ok(response.body(body).unwrap())
}

fn main() {
    let of = |name| env::var(name).unwrap();
    BasicClient::new(ClientId::new(of("ID")))
        .set_client_secret(ClientSecret::new(of("SECRET")))
        .set_token_uri(TokenUrl::new(of("PROVIDER") + "/oauth2-crate").unwrap())
        .set_auth_type(AuthType::BasicAuth)
        .exchange_client_credentials()
        .request(&send)
        .unwrap();
}
RUST
(cd rust && cargo run --quiet)

LC_ALL=C sort sent.txt | tee sorted.txt
diff sorted.txt - <<'SEEN'
Authlib           app 1:aB-_.~+/=:%!*
golang            app+1:aB-_.~%2B%2F%3D%3A%25%21%2A
oauth2-crate      app+1:aB-_.%7E%2B%2F%3D%3A%25%21*
openid-client     app+1:aB%2D%5F%2E%7E%2B%2F%3D%3A%25%21%2A
requests-oauthlib app 1:aB-_.~+/=:%!*
simple-loose      app 1:aB-_.~+/=:%!*
simple-oauth2     app+1:aB-_.~%2B%2F%3D%3A%25%21%2A
SEEN

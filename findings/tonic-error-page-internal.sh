#!/usr/bin/env bash
# tonic 0.14.9 (crates.io), @grpc/grpc-js 1.14.4 (npm) and grpcio 1.85.3 (PyPI): a proxy's error page is INTERNAL for
# tonic, and UNAVAILABLE for the others.
#
# A response without grpc-status comes from something in front of the server. gRPC's documents map its HTTP status:
# 429, 502, 503 and 504 to UNAVAILABLE, 401 to UNAUTHENTICATED, 404 to UNIMPLEMENTED. All three clients do so if the
# response has no body. But
#   - tonic reads a body first, as messages. The `<` of a page is no flag of a message, so the call ends with INTERNAL
#     and "received message with invalid compression flag: 60", for each HTTP status;
#   - the pages of proxies have bodies. A client that repeats UNAVAILABLE while servers restart then repeats for its
#     colleagues in other languages, and not in Rust; and a person who reads the text looks for compression.
#
# What callers of identity-link should do: let the proxy answer gRPC without a body, or with grpc-status in the header.
# In Rust, take INTERNAL with that text for the HTTP status that it names. identity-link's own responses to what is no
# gRPC have no body.
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.4
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  grpcio==1.85.3
mkdir -p rust/src
cat > rust/Cargo.toml <<'TOML'
[package]
name = "client"
edition = "2024"

[dependencies]
tokio = { version = "1", features = ["macros", "rt"] }
tonic = { version = "=0.14.9", default-features = false, features = ["channel", "codegen"] }
tonic-prost = "=0.14.9"
TOML
cat > rust/src/main.rs <<'RUST'
use tonic::{Request, client::Grpc, transport::Endpoint};
use tonic_prost::ProstCodec;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = format!("http://127.0.0.1:{}", arguments.next().unwrap());
    for path in arguments {
        let channel = Endpoint::from_shared(address.clone()).unwrap().connect_lazy();
        let mut client = Grpc::new(channel);
        client.ready().await.unwrap();
        let codec = ProstCodec::<(), ()>::default();
        let called = client.unary(Request::new(()), path.parse().unwrap(), codec).await;
        println!("tonic {path} {:?}", called.unwrap_err().code());
    }
}
RUST
cargo build --quiet --manifest-path rust/Cargo.toml

# Answers /STATUS/page and /STATUS/empty as a proxy does.
cat > server.mjs <<'JS'
import { createServer } from "node:http2";
const server = createServer();
server.on("stream", (stream, headers) => {
  const [, status, body] = headers[":path"].split("/");
  stream.respond({ ":status": Number(status), "content-type": "text/html" });
  stream.end(body === "page" ? "<html><body>Service Unavailable</body></html>" : "");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
JS
cat > client.mjs <<'JS'
import grpc from "@grpc/grpc-js";
const [port, ...paths] = process.argv.slice(2);
const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
const same = (bytes) => bytes;
for (const path of paths) {
  await new Promise((next) =>
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), (error) => {
      console.log("grpc-js", path, grpc.status[error.code]);
      next();
    }),
  );
}
client.close();
JS
cat > client.py <<'PY'
import sys

import grpc

port, *paths = sys.argv[1:]
channel = grpc.insecure_channel("127.0.0.1:" + port)
for path in paths:
    try:
        channel.unary_unary(path)(b"")
    except grpc.RpcError as error:
        print("grpcio", path, error.code().name)
PY

mkfifo said
node server.mjs >said &
server=$!
read -r port <said
paths=(/503/empty /503/page /429/page /401/page /404/page)
{
  rust/target/debug/client "$port" "${paths[@]}"
  node client.mjs "$port" "${paths[@]}"
  PYTHONPATH=python python3 client.py "$port" "${paths[@]}"
} | tee seen.txt

diff - seen.txt <<'EXPECTED'
tonic /503/empty Unavailable
tonic /503/page Internal
tonic /429/page Internal
tonic /401/page Internal
tonic /404/page Internal
grpc-js /503/empty UNAVAILABLE
grpc-js /503/page UNAVAILABLE
grpc-js /429/page UNAVAILABLE
grpc-js /401/page UNAUTHENTICATED
grpc-js /404/page UNIMPLEMENTED
grpcio /503/empty UNAVAILABLE
grpcio /503/page UNAVAILABLE
grpcio /429/page UNAVAILABLE
grpcio /401/page UNAUTHENTICATED
grpcio /404/page UNIMPLEMENTED
EXPECTED

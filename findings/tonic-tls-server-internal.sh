#!/usr/bin/env bash
# tonic 0.14.9 (crates.io) and @grpc/grpc-js 1.14.1 (npm) beside grpcio 1.76.0 (PyPI): a server that speaks TLS, called
# without TLS, is INTERNAL or UNKNOWN to one client and UNAVAILABLE to the
# others.
#
# A client that forgets TLS sends HTTP/2 in clear text; the server answers with an alert of TLS and closes. No call was
# begun. gRPC's document of status codes has UNAVAILABLE for a server that cannot be reached. grpcio and grpc-js say
# so, which their retry policies repeat. tonic says INTERNAL ("h2 protocol error: http2 error") or UNKNOWN ("transport
# error"), by how the server closes the connection. Both read like a fault of the server: no policy repeats them, an alert
# on INTERNAL fires, and no word hints at TLS. In all cases the cause is one setting of the client.
#
# What users should do: while no call of a connection has succeeded, take INTERNAL and UNKNOWN for a connection that cannot be made,
# and look at the setting of TLS first. identity-link's clients say so in the error.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 1 -subj /CN=localhost 2>/dev/null
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check grpcio==1.76.0
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.1
cat > serve.py <<'PYTHON'
import ssl
import socket

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
context.set_alpn_protocols(["h2"])
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    connection, _ = listener.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        connection.close()
PYTHON
python3 serve.py > port &
server=$!
until [ -s port ]; do sleep 0.1; done
target=127.0.0.1:$(cat port)

cat > call.py <<'PYTHON'
import sys

import grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    try:
        channel.unary_unary("/package.Service/Call")(b"", timeout=10)
    except grpc.RpcError as error:
        print("grpcio:", error.code().name)
PYTHON
cat > call.mjs <<'JAVASCRIPT'
import { Client, credentials, status } from "@grpc/grpc-js";

const client = new Client(process.argv[2], credentials.createInsecure());
const none = () => Buffer.alloc(0);
client.makeUnaryRequest("/package.Service/Call", none, none, {}, { deadline: Date.now() + 10_000 }, (error) => {
  console.log("grpc-js:", status[error.code]);
  client.close();
});
JAVASCRIPT
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "without-tls"
edition = "2024"

[dependencies]
http = "1"
tokio = { version = "1", features = ["macros", "rt"] }
tonic = { version = "=0.14.9", default-features = false, features = ["channel", "codegen"] }
TOML
cat > src/main.rs <<'RUST'
use std::{env, error::Error};

use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Endpoint,
};

/// Messages without content.
#[derive(Default)]
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(Some(()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let target = env::args().nth(1).ok_or("no target")?;
    let mut client = Grpc::new(Endpoint::from_shared(format!("http://{target}"))?.connect_lazy());
    client.ready().await?;
    let path = http::uri::PathAndQuery::from_static("/package.Service/Call");
    match client.unary(Request::new(()), path, Empty).await {
        Ok(_) => println!("tonic: a response"),
        Err(status) if matches!(status.code(), Code::Internal | Code::Unknown) => {
            println!("tonic: INTERNAL or UNKNOWN");
        }
        Err(status) => println!("tonic: {:?}", status.code()),
    }
    Ok(())
}
RUST

{
    python/bin/python call.py "$target"
    node call.mjs "$target"
    cargo run --quiet -- "$target"
} > seen
cat seen
diff - seen <<'SEEN'
grpcio: UNAVAILABLE
grpc-js: UNAVAILABLE
tonic: INTERNAL or UNKNOWN
SEEN

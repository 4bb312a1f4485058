#!/usr/bin/env bash
# h2 0.4.20 (crates.io), which tonic and hyper use for HTTP/2: a client counts empty DATA frames over the whole life of a
# connection, and ends it after about a hundred of them, however many calls it made and however long that took.
#
# An empty DATA frame is valid (RFC 9113 §6.1). Some servers and proxies send one in each response, before the trailers:
# Apache httpd's mod_http2 does so for gRPC. Here a server made with Python's h2 4.3.0 sends one byte, an empty DATA frame
# and trailers. A client with h2 0.4.20 gets about a hundred responses one after the other; then the connection ends with
# ENHANCE_YOUR_CALM, which the client itself has sent, and the calls in flight fail. Node.js's client gets all responses.
# Without the empty frames both get all of them.
#
# What users of identity-link should do: not put a proxy that sends them between the service and clients in Rust; its
# page about proxies says which one does.
set -euo pipefail

folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target packages h2==4.3.0 2>/dev/null
cat > server.py <<'PY'
import asyncio
import sys

import h2.config
import h2.connection
import h2.events

with_empty_frames = sys.argv[1] == "empty"


async def serve(reader, writer):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                stream = event.stream_id
                connection.send_headers(stream, [(":status", "200")])
                connection.send_data(stream, b"x")
                if with_empty_frames:
                    connection.send_data(stream, b"")
                connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        writer.write(connection.data_to_send())
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
PY
mkdir -p client/src
cat > client/Cargo.toml <<'TOML'
[package]
name = "client"
edition = "2024"

[dependencies]
bytes = "1"
h2 = "=0.4.20"
http = "1"
tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
TOML
cat > client/src/main.rs <<'RUST'
#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).unwrap();
    let stream = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let ended = tokio::spawn(connection);
    let mut complete = 0;
    for _ in 0..1000 {
        match call(sender.clone()).await {
            Ok(()) => complete += 1,
            Err(_) => break,
        }
    }
    drop(sender);
    println!("{complete} {}", match ended.await.unwrap() {
        Ok(()) => "the connection stays".to_owned(),
        Err(error) => format!("{:?}", error.reason().unwrap()),
    });
}

async fn call(sender: h2::client::SendRequest<bytes::Bytes>) -> Result<(), h2::Error> {
    let mut sender = sender.ready().await?;
    let request = http::Request::post("http://service.test/call").body(()).unwrap();
    let (response, _) = sender.send_request(request, true)?;
    let mut body = response.await?.into_body();
    while let Some(data) = body.data().await {
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    body.trailers().await?;
    Ok(())
}
RUST
cargo build --quiet --manifest-path client/Cargo.toml
cat > client.mjs <<'JS'
import { connect } from "node:http2";

const session = connect(`http://127.0.0.1:${process.argv[2]}`);
let complete = 0;
for (let call = 0; call < 1000; call += 1) {
  await new Promise((resolve, reject) => {
    const stream = session.request({ ":method": "POST", ":path": "/call" });
    stream.on("data", () => {}).on("end", resolve).on("error", reject).end();
  });
  complete += 1;
}
session.close();
console.log(`${complete} the connection stays`);
JS

# Each client makes at most 1000 calls, one after the other, on one connection.
for frames in no-empty empty; do
  PYTHONPATH=packages python3 server.py "$frames" > port &
  server=$!
  until [ -s port ]; do :; done
  echo "$frames h2 $(client/target/debug/client "$(< port)")"
  echo "$frames node $(node client.mjs "$(< port)")"
  kill "$server"
  server=
  rm port
done > seen
cat seen
diff - seen <<'SEEN'
no-empty h2 1000 the connection stays
no-empty node 1000 the connection stays
empty h2 100 ENHANCE_YOUR_CALM
empty node 1000 the connection stays
SEEN
echo "as stated"

#!/usr/bin/env bash
# grpcio 1.85.3 (PyPI) with h2 0.4.20 (crates.io): no call works on a channel to several addresses, unless it names an
# authority.
#
# `ipv4:10.0.0.1:50051,10.0.0.2:50051` is the form of gRPC for a channel to several servers without DNS, and the channel
# connects to them. A reader expects each call to have a server's address as its `:authority`, or a name. It has the whole
# list, comma and ports included, which is no authority (RFC 3986 §3.2). Servers on Node.js's http2 and on grpc-go take it
# for one. Those on h2, which are hyper's, tonic's and axum's, reset each stream with PROTOCOL_ERROR (RFC 9113 §8.3.1),
# and the client sees INTERNAL with a text that names neither the list nor the authority.
#
# What callers of identity-link should do: set the option `grpc.default_authority` of such a channel.
set -euo pipefail

folder=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check grpcio==1.85.3

mkdir src go
cat > Cargo.toml <<'TOML'
[package]
name = "server"
edition = "2024"

[dependencies]
bytes = "1"
h2 = "=0.4.20"
http = "1"
tokio = { version = "1", features = ["macros", "net", "rt"] }
TOML
cat > src/main.rs <<'RUST'
use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::net::TcpListener;

/// Answers each call with an empty message.
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(socket).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                let head = Response::builder().header("content-type", "application/grpc");
                let mut body = respond.send_response(head.body(()).unwrap(), false).unwrap();
                body.send_data(Bytes::from_static(&[0; 5]), false).unwrap();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                body.send_trailers(trailers).unwrap();
            }
        });
    }
}
RUST
cat > server.js <<'JS'
const server = require('node:http2').createServer();
server.on('stream', (stream) => {
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
JS
cat > go/go.mod <<'MOD'
module server

go 1.24
MOD
cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	answer := func(_ any, stream grpc.ServerStream) error { return stream.SendMsg(&emptypb.Empty{}) }
	panic(grpc.NewServer(grpc.UnknownServiceHandler(answer)).Serve(listener))
}
GO
cargo build --quiet
(cd go && export GOPATH=$folder/gopath GOFLAGS=-mod=mod &&
  go get google.golang.org/grpc@v1.85.0 2> /dev/null && go build -o ../go-server .)

cat > client.py <<'PY'
import sys
import grpc

name, port = sys.argv[1], open(sys.argv[2]).readline().strip()
one, two = f"127.0.0.1:{port}", f"ipv4:127.0.0.1:{port},127.0.0.1:{port}"
named = [("grpc.default_authority", "identity")]
for what, target, options in [("one address", one, []), ("two addresses", two, []), ("and a name", two, named)]:
    try:
        grpc.insecure_channel(target, options).unary_unary("/s.S/M")(b"", timeout=30)
        print(f"{name}: {what}: OK")
    except grpc.RpcError as error:
        print(f"{name}: {what}: {error.code().name}")
PY
: > seen.txt
try() {
  "${@:2}" > "port-$1" &
  servers+=($!)
  until [ -s "port-$1" ]; do sleep 0.1; done
  venv/bin/python client.py "$1" "port-$1" >> seen.txt
}
try node node server.js
try go ./go-server
try h2 target/debug/server

cat seen.txt
cat > expected.txt <<'TXT'
node: one address: OK
node: two addresses: OK
node: and a name: OK
go: one address: OK
go: two addresses: OK
go: and a name: OK
h2: one address: OK
h2: two addresses: INTERNAL
h2: and a name: OK
TXT
diff expected.txt seen.txt
echo "as before: h2 refuses each call of grpcio on a channel to several addresses that names no authority"

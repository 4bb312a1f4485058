#!/usr/bin/env bash
# grpcio 1.85.3 (PyPI), @grpc/grpc-js 1.14.7 (npm) and grpc-go 1.85.0: a client's retry policy does not read RetryInfo.
#
# `google.rpc.RetryInfo` is the standard detail of a status with which a server says after which delay the same call may
# succeed (google/rpc/error_details.proto), and a retry policy in the service config is how the clients of gRPC repeat a
# refused call. A reader expects the one to obey the other. It does not: the policy repeats the call after its own
# backoff, here after 20 ms, while the server said a second, so a server at its limit gets all attempts at once.
#
# What a policy obeys is the trailer `grpc-retry-pushback-ms`, which only the proposal A6 of gRPC describes. A negative
# value there means: do not repeat it.
#
# What servers should do: send both, as identity-link does. What callers of others should do: set a backoff that is as
# long as the delays of the server.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check grpcio==1.85.3
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @grpc/grpc-js@1.14.7

# Refuses the first attempt of each call, in the form that its path names, and accepts the others.
cat > server.js <<'JS'
const http2 = require('node:http2');
const field = (number, bytes) => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
const code = Buffer.from([8, 8]);
// A google.rpc.RetryInfo with a delay of a second, in a google.rpc.Status.
const info = field(1, Buffer.from([8, 1]));
const any = Buffer.concat([field(1, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')), field(2, info)]);
const details = Buffer.concat([code, field(3, any)]).toString('base64');
const forms = {
  RetryInfo: { 'grpc-status-details-bin': details },
  pushback: { 'grpc-retry-pushback-ms': '1000' },
  negative: { 'grpc-retry-pushback-ms': '-1' },
};
const attempts = {};
const server = http2.createServer();
server.on('stream', (stream, { ':path': path }) => {
  const head = { ':status': 200, 'content-type': 'application/grpc' };
  const [, , form, client] = path.split('/');
  stream.resume();
  const times = (attempts[`${client}, ${form}`] ??= []);
  times.push(performance.now());
  if (times.length === 1) {
    return stream.respond({ ...head, 'grpc-status': '8', ...forms[form] }, { endStream: true });
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.alloc(5));
});
server.listen(0, '127.0.0.1', () => require('fs').writeFileSync('port', String(server.address().port)));
process.on('SIGTERM', () => {
  for (const client of ['grpcio', 'grpc-js', 'grpc-go']) {
    for (const form of Object.keys(forms)) {
      const [first, second] = attempts[`${client}, ${form}`];
      const when = second === undefined ? 'never' : second - first < 1000 ? 'before the second is over' : 'after a second';
      console.log(`${client}, ${form}: repeated ${when}`);
    }
  }
  process.exit();
});
JS
# One call in each form.
export POLICY='{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.02s",
  "maxBackoff": "0.02s", "backoffMultiplier": 1, "retryableStatusCodes": ["RESOURCE_EXHAUSTED"]}}]}'
cat > client.py <<'PY'
import os, sys
import grpc
channel = grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}", [("grpc.service_config", os.environ["POLICY"])])
for form in ["RetryInfo", "pushback", "negative"]:
    try:
        channel.unary_unary(f"/s.S/{form}/grpcio")(b"", timeout=30)
    except grpc.RpcError:
        pass
PY
cat > client.js <<'JS'
const grpc = require('@grpc/grpc-js');
const options = { 'grpc.service_config': process.env.POLICY };
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure(), options);
const same = (bytes) => bytes;
const call = (form) => new Promise((resolve) => {
  const deadline = Date.now() + 30000;
  client.makeUnaryRequest(`/s.S/${form}/grpc-js`, same, same, Buffer.alloc(0), { deadline }, resolve);
});
(async () => {
  for (const form of ['RetryInfo', 'pushback', 'negative']) await call(form);
  client.close();
})();
JS
mkdir go
cat > go/go.mod <<'MOD'
module client

go 1.24
MOD
cat > go/main.go <<'GO'
package main

import (
	"context"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

func main() {
	conn, err := grpc.NewClient("127.0.0.1:"+os.Args[1],
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(os.Getenv("POLICY")))
	if err != nil {
		panic(err)
	}
	for _, form := range []string{"RetryInfo", "pushback", "negative"} {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		_ = conn.Invoke(ctx, "/s.S/"+form+"/grpc-go", &emptypb.Empty{}, &emptypb.Empty{})
		cancel()
	}
}
GO
export GOPATH=$folder/gopath GOFLAGS=-mod=mod
(cd go && go get google.golang.org/grpc@v1.85.0 2> /dev/null && go build -o ../client .)

node server.js > seen.txt &
server=$!
until [ -s port ]; do sleep 0.1; done
port=$(< port)
venv/bin/python client.py "$port"
node client.js "$port"
./client "$port"
kill -TERM "$server"
wait "$server"

cat seen.txt
cat > expected.txt <<'TXT'
grpcio, RetryInfo: repeated before the second is over
grpcio, pushback: repeated after a second
grpcio, negative: repeated never
grpc-js, RetryInfo: repeated before the second is over
grpc-js, pushback: repeated after a second
grpc-js, negative: repeated never
grpc-go, RetryInfo: repeated before the second is over
grpc-go, pushback: repeated after a second
grpc-go, negative: repeated never
TXT
diff expected.txt seen.txt
echo "as before: a retry policy obeys grpc-retry-pushback-ms, and not RetryInfo"

#!/usr/bin/env bash
# @grpc/proto-loader (npm) 0.8.1 with @grpc/grpc-js 1.14.7: a plain object for a Struct, a Date for a Timestamp and a
# misspelt enum value go out as empty messages and zeros, without an error.
#
# Most Node.js clients of a gRPC service are made by this pair. It checks some values before it sends them, so it is
# trusted to check all: a text where a message belongs is refused. An object is not. For Struct, Timestamp and
# FieldMask there is no conversion: the library looks for the message's own fields (`fields`, `seconds`, `paths`) in
# the object, finds none, and sends the message *present and empty*. Likewise
#   - an enum value that is not spelt exactly goes out as 0, "unspecified";
#   - a text that is no number goes out as 0 in an int64 field, and a field that is optional counts as given;
#   - a field spelt as in the .proto file (user_metadata) is dropped, unless the option `keepCase` is set.
#
# What callers of identity-link should do: build Structs in full ({ fields: { lang: { stringValue: 'en' } } }),
# because an update whose mask names `user_metadata` and whose Struct arrives empty erases it; try a change with
# `validate_only` first and compare the answer; or use a generator with typed messages (@bufbuild/protobuf).
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @grpc/proto-loader@0.8.1 @grpc/grpc-js@1.14.7 protobufjs@7.6.6

cat > echo.proto <<'PROTO'
syntax = "proto3";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
enum Mode { MODE_UNSPECIFIED = 0; MODE_MERGE = 1; }
message Update {
  google.protobuf.Struct user_metadata = 1;
  google.protobuf.FieldMask mask = 2;
  google.protobuf.Timestamp since = 3;
  Mode mode = 4;
  optional int64 version = 5;
}
service Echo { rpc Send(Update) returns (Update); }
PROTO

cat > run.js <<'JS'
const grpc = require('@grpc/grpc-js');
const { Echo } = grpc.loadPackageDefinition(require('@grpc/proto-loader').loadSync('echo.proto', { longs: String }));
const server = new grpc.Server();
server.addService(Echo.service, { Send: (call, done) => done(null, call.request) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (_, port) => {
  const client = new Echo(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const updates = [
    { userMetadata: { fields: { lang: { stringValue: 'en' } } } },
    { userMetadata: { lang: 'en' } },
    { user_metadata: { fields: { lang: { stringValue: 'en' } } } },
    { userMetadata: 'lang=en' },
    { mask: ['userMetadata'] },
    { since: new Date('2026-01-02T03:04:05Z') },
    { mode: 'MODE_MERGE' },
    { mode: 'MERGE' },
    { version: 'v7' },
  ];
  for (const update of updates) {
    const got = await new Promise(resolve => {
      const said = (error, answer) => (error ? `refused with code ${error.code}` : JSON.stringify(answer));
      client.Send(update, (error, answer) => resolve(said(error, answer)));
    });
    console.log(`${JSON.stringify(update)} arrives as ${got}`);
  }
  client.close();
  server.forceShutdown();
});
JS
node run.js | tee seen.txt

cat > expected.txt <<'TXT'
{"userMetadata":{"fields":{"lang":{"stringValue":"en"}}}} arrives as {"userMetadata":{"fields":{"lang":{"stringValue":"en"}}}}
{"userMetadata":{"lang":"en"}} arrives as {"userMetadata":{}}
{"user_metadata":{"fields":{"lang":{"stringValue":"en"}}}} arrives as {}
{"userMetadata":"lang=en"} arrives as refused with code 13
{"mask":["userMetadata"]} arrives as {"mask":{}}
{"since":"2026-01-02T03:04:05.000Z"} arrives as {"since":{}}
{"mode":"MODE_MERGE"} arrives as {"mode":1}
{"mode":"MERGE"} arrives as {}
{"version":"v7"} arrives as {"version":"0"}
TXT
diff expected.txt seen.txt
echo "@grpc/proto-loader 0.8.1 still behaves so"

#!/usr/bin/env bash
# protobuf (PyPI) 7.36.2 with google.golang.org/protobuf 1.36.12 and @bufbuild/protobuf (npm) 2.17.0: in Python,
# reading a key that a Struct does not have adds it to the Struct, and the message that is sent on breaks other
# readers.
#
# Python registers Struct as a MutableMapping, so metadata["theme"] of a Struct is taken for a dict's. A missing
# key raises ValueError, not KeyError, and is in the Struct afterwards, with a Value of no kind;
# `metadata["address"]["zip"]` adds one level deeper, and `metadata.fields["theme"].string_value` adds and raises
# nothing. There is no get(). `"theme" in metadata` alone adds nothing.
#
# A program that reads a user's metadata, changes one key and sends the whole Struct back writes every key that it
# has looked for. What becomes of such a Value depends on the reader: Python's JSON says null, Go's protojson and
# @bufbuild/protobuf refuse to write the whole message as JSON.
#
# What callers of identity-link should do: turn a Struct into a dict first (json_format.MessageToDict) and build
# the new one from the dict. identity-link stores a Value of no kind as null: the key then exists, and in a merge
# the primary's null stands where the secondary's value would have been kept.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @bufbuild/protobuf@2.17.0 &
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  protobuf==7.36.2
mkdir go
cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

func main() {
	bytes, err := os.ReadFile("sent.bin")
	if err != nil {
		panic(err)
	}
	var metadata structpb.Struct
	if err := proto.Unmarshal(bytes, &metadata); err != nil {
		panic(err)
	}
	fmt.Printf("Go, AsMap: %v\n", metadata.AsMap())
	if _, err := protojson.Marshal(&metadata); err != nil {
		fmt.Println("Go, protojson: refused")
	}
}
GO
(cd go && go mod init example && go get google.golang.org/protobuf@v1.36.12 && go build -o ../go-reader .) \
  2>go.txt || { cat go.txt; exit 1; }
wait "$!"

cat > run.py <<'PY'
import json
from collections.abc import MutableMapping

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

metadata = Struct()
metadata.update({"lang": "en", "address": {"city": "Oslo"}})
print(f"mapping: {isinstance(metadata, MutableMapping)}, with get(): {hasattr(metadata, 'get')}")


def show(what, read):
    try:
        outcome = repr(read())
    except Exception as error:
        outcome = type(error).__name__
    print(f"{what}: {outcome}, keys {sorted(metadata)}, of address {sorted(metadata['address'])}")


show("'theme' in metadata", lambda: "theme" in metadata)
show("metadata['theme']", lambda: metadata["theme"])
show("'theme' in metadata", lambda: "theme" in metadata)
show("metadata.fields['font'].string_value", lambda: metadata.fields["font"].string_value)
show("metadata['address']['zip']", lambda: metadata["address"]["zip"])
sent = metadata.SerializeToString(deterministic=True)
open("sent.bin", "wb").write(sent)
print(f"Python, MessageToDict: {json.dumps(MessageToDict(Struct.FromString(sent)), sort_keys=True)}")
PY

cat > run.mjs <<'JS'
import fs from 'node:fs';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
const metadata = fromBinary(StructSchema, fs.readFileSync('sent.bin'));
try {
  console.log(`@bufbuild/protobuf, toJson: ${JSON.stringify(toJson(StructSchema, metadata))}`);
} catch (error) {
  console.log('@bufbuild/protobuf, toJson: refused');
}
JS
{
  PYTHONPATH=python python3 run.py
  ./go-reader
  node run.mjs
} | tee seen.txt

cat > expected.txt <<'TXT'
mapping: True, with get(): False
'theme' in metadata: False, keys ['address', 'lang'], of address ['city']
metadata['theme']: ValueError, keys ['address', 'lang', 'theme'], of address ['city']
'theme' in metadata: True, keys ['address', 'lang', 'theme'], of address ['city']
metadata.fields['font'].string_value: '', keys ['address', 'font', 'lang', 'theme'], of address ['city']
metadata['address']['zip']: ValueError, keys ['address', 'font', 'lang', 'theme'], of address ['city', 'zip']
Python, MessageToDict: {"address": {"city": "Oslo", "zip": null}, "font": null, "lang": "en", "theme": null}
Go, AsMap: map[address:map[city:Oslo zip:<nil>] font:<nil> lang:en theme:<nil>]
Go, protojson: refused
@bufbuild/protobuf, toJson: refused
TXT
diff expected.txt seen.txt
echo "The three libraries still behave so"

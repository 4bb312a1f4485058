#!/usr/bin/env bash
# protobuf 7.36.2 (PyPI), protobuf-java-util 4.36.2 (Maven), google.golang.org/protobuf 1.36.12, @bufbuild/protobuf
# 2.17.0 (npm) and prost-reflect 0.16.5 (crates.io): JSON that has one field under both its names is an error for three
# of them, and the last value for two.
#
# protobuf's JSON has two names for a field, userId and user_id, and each parser accepts both. A caller that lays
# overrides in one spelling over defaults in the other sends both: the keys differ, so neither its language nor a JSON
# library sees a double. That each parser of protobuf would see it is a fair guess, but
#   - Go, Java and JavaScript refuse it; Python and Rust take the value that comes last, whichever name it has: the
#     order of the keys in the text decides. JavaScript did so too in 2.10.2;
#   - who refuses a field twice need not refuse a name twice: Java takes the last value of one name, and Python, which
#     refuses that, takes the last of two names.
#
# What callers of identity-link should do: use one spelling. identity-link refuses a field under both its names, and a
# name that comes twice, and says at which place.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @bufbuild/protobuf@2.17.0 &
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action ignore --target python \
  protobuf==7.36.2
wait "$!"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>example</groupId>
  <artifactId>example</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.google.protobuf</groupId>
      <artifactId>protobuf-java-util</artifactId>
      <version>4.36.2</version>
    </dependency>
  </dependencies>
</project>
XML
mvn --quiet --batch-mode dependency:copy-dependencies -DoutputDirectory=java >mvn.txt 2>&1 ||
  { cat mvn.txt; exit 1; }

# google.protobuf.Field, which each library brings along, has the field type_url.
texts=('{"typeUrl":"a","type_url":"b"}' '{"type_url":"b","typeUrl":"a"}' '{"typeUrl":"a","typeUrl":"b"}')

cat > run.py <<'PY'
import sys

from google.protobuf.json_format import Parse, ParseError
from google.protobuf.type_pb2 import Field

for text in sys.argv[1:]:
    try:
        print("Python:", text, Parse(text, Field()).type_url)
    except ParseError:
        print("Python:", text, "refused")
PY

cat > Run.java <<'JAVA'
import com.google.protobuf.Field;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;

class Run {
  public static void main(String[] texts) {
    for (String text : texts) {
      Field.Builder read = Field.newBuilder();
      try {
        JsonFormat.parser().merge(text, read);
        System.out.println("Java: " + text + " " + read.getTypeUrl());
      } catch (InvalidProtocolBufferException e) {
        System.out.println("Java: " + text + " refused");
      }
    }
  }
}
JAVA

mkdir go
cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/typepb"
)

func main() {
	for _, text := range os.Args[1:] {
		read := &typepb.Field{}
		if err := protojson.Unmarshal([]byte(text), read); err != nil {
			fmt.Println("Go:", text, "refused")
		} else {
			fmt.Println("Go:", text, read.TypeUrl)
		}
	}
}
GO
(cd go && go mod init example && go get google.golang.org/protobuf@v1.36.12 && go build -o ../go-reader .) \
  2>go.txt || { cat go.txt; exit 1; }

cat > run.mjs <<'JS'
import { fromJsonString } from '@bufbuild/protobuf';
import { FieldSchema } from '@bufbuild/protobuf/wkt';
for (const text of process.argv.slice(2)) {
  let read = 'refused';
  try {
    read = fromJsonString(FieldSchema, text).typeUrl;
  } catch {}
  console.log(`JavaScript: ${text} ${read}`);
}
JS

mkdir -p rust/src
cat > rust/Cargo.toml <<'TOML'
[package]
name = "reader"
version = "0.1.0"
edition = "2021"

[dependencies]
prost-reflect = { version = "=0.16.5", features = ["serde"] }
serde_json = "=1.0.145"

[workspace]
TOML
cat > rust/src/main.rs <<'RUST'
use prost_reflect::{DescriptorPool, DynamicMessage};

fn main() {
    let field = DescriptorPool::global().get_message_by_name("google.protobuf.Field").unwrap();
    for text in std::env::args().skip(1) {
        let mut json = serde_json::Deserializer::from_str(&text);
        match DynamicMessage::deserialize(field.clone(), &mut json) {
            Ok(read) => {
                println!("Rust: {text} {}", read.get_field_by_name("type_url").unwrap().as_str().unwrap());
            }
            Err(_) => println!("Rust: {text} refused"),
        }
    }
}
RUST
cargo build --quiet --manifest-path rust/Cargo.toml --target-dir built

{
  ./go-reader "${texts[@]}"
  java -cp 'java/*' Run.java "${texts[@]}"
  PYTHONPATH=python python3 run.py "${texts[@]}"
  node run.mjs "${texts[@]}"
  built/debug/reader "${texts[@]}"
} | tee seen.txt

cat > expected.txt <<'TXT'
Go: {"typeUrl":"a","type_url":"b"} refused
Go: {"type_url":"b","typeUrl":"a"} refused
Go: {"typeUrl":"a","typeUrl":"b"} refused
Java: {"typeUrl":"a","type_url":"b"} refused
Java: {"type_url":"b","typeUrl":"a"} refused
Java: {"typeUrl":"a","typeUrl":"b"} b
Python: {"typeUrl":"a","type_url":"b"} b
Python: {"type_url":"b","typeUrl":"a"} a
Python: {"typeUrl":"a","typeUrl":"b"} refused
JavaScript: {"typeUrl":"a","type_url":"b"} refused
JavaScript: {"type_url":"b","typeUrl":"a"} refused
JavaScript: {"typeUrl":"a","typeUrl":"b"} refused
Rust: {"typeUrl":"a","type_url":"b"} b
Rust: {"type_url":"b","typeUrl":"a"} a
Rust: {"typeUrl":"a","typeUrl":"b"} b
TXT
diff expected.txt seen.txt
echo "The five libraries of protobuf still behave so"

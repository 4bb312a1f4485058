#!/usr/bin/env bash
# protobuf-java-util 4.36.2 (Maven), protobuf 7.36.2 (PyPI), google.golang.org/protobuf 1.36.12 and
# @bufbuild/protobuf 2.17.0 (npm): one whole number in a Struct is printed as four texts, and what Java and Python
# print as JSON is no integer any more.
#
# A Struct's numbers are doubles, as JavaScript's are, and protobuf defines one JSON form for it. So a customer's
# number below 2^53 is taken for safe in metadata. But
#   - Java's JsonFormat prints 7654321.0, and from ten million on 7.654321E7: ids of a test that are short show no
#     exponent. Python's MessageToJson prints 7654321.0. Go's protojson and toJsonString of npm print 7654321;
#   - a Go program that reads that JSON into an integer field refuses what Java and Python have printed;
#   - the text that a program makes of the value, for a query or a URL, is 7654321.0 in Java and Python, and
#     7.654321e+06 in Go, which begins with the exponent earlier than Java.
#
# What callers of identity-link should do: keep ids in metadata as text. identity-link stores whole numbers as
# integers, but a Struct of its responses has doubles: turn the value into an integer type first where it has to be
# a number.
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
mkdir go
cat > go/main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

// Reads the JSON that another language has printed.
func read(name string, text string) {
	var metadata struct{ ID int64 }
	if err := json.Unmarshal([]byte(text), &metadata); err != nil {
		fmt.Printf("Go, an int64 of %s of %s: refused\n", text, name)
	} else {
		fmt.Printf("Go, an int64 of %s of %s: %d\n", text, name, metadata.ID)
	}
}

func main() {
	if len(os.Args) > 1 {
		read(os.Args[1], os.Args[2])
		return
	}
	for _, number := range []int64{1, 7654321, 76543210, 1000000000000000} {
		metadata, err := structpb.NewStruct(map[string]any{"id": number})
		if err != nil {
			panic(err)
		}
		printed, _ := protojson.Marshal(metadata)
		fmt.Printf("Go: JSON %s, text %v\n", printed, metadata.AsMap()["id"])
	}
}
GO
(cd go && go mod init example && go get google.golang.org/protobuf@v1.36.12 && go build -o ../go-reader .) \
  2>go.txt || { cat go.txt; exit 1; }

cat > run.py <<'PY'
from google.protobuf.json_format import MessageToJson
from google.protobuf.struct_pb2 import Struct

for number in [1, 7654321, 76543210, 10**15]:
    metadata = Struct()
    metadata["id"] = number
    print(f"Python: JSON {MessageToJson(metadata, indent=None)}, text {metadata['id']}")
PY

cat > Run.java <<'JAVA'
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import com.google.protobuf.util.JsonFormat;

class Run {
  public static void main(String[] args) throws Exception {
    for (long number : new long[] {1, 7654321, 76543210, 1000000000000000L}) {
      Value value = Value.newBuilder().setNumberValue(number).build();
      Struct metadata = Struct.newBuilder().putFields("id", value).build();
      String json = JsonFormat.printer().omittingInsignificantWhitespace().print(metadata);
      System.out.println("Java: JSON " + json + ", text " + metadata.getFieldsOrThrow("id").getNumberValue());
    }
  }
}
JAVA

cat > run.mjs <<'JS'
import { fromJson, toJsonString } from '@bufbuild/protobuf';
import { StructSchema } from '@bufbuild/protobuf/wkt';
for (const id of [1, 7654321, 76543210, 10 ** 15]) {
  const metadata = fromJson(StructSchema, { id });
  console.log(`JavaScript: JSON ${toJsonString(StructSchema, metadata)}, text ${metadata.fields.id.kind.value}`);
}
JS
{
  java -cp 'java/*' Run.java
  PYTHONPATH=python python3 run.py
  ./go-reader
  node run.mjs
} | tee seen.txt
for language in Java Python JavaScript; do
  ./go-reader "$language" "$(sed -n "s/^$language: JSON \(.*7[.]*654.*\), text.*/\1/p" seen.txt | head -1)"
done | tee -a seen.txt

cat > expected.txt <<'TXT'
Java: JSON {"id":1.0}, text 1.0
Java: JSON {"id":7654321.0}, text 7654321.0
Java: JSON {"id":7.654321E7}, text 7.654321E7
Java: JSON {"id":1.0E15}, text 1.0E15
Python: JSON {"id": 1.0}, text 1.0
Python: JSON {"id": 7654321.0}, text 7654321.0
Python: JSON {"id": 76543210.0}, text 76543210.0
Python: JSON {"id": 1000000000000000.0}, text 1000000000000000.0
Go: JSON {"id":1}, text 1
Go: JSON {"id":7654321}, text 7.654321e+06
Go: JSON {"id":76543210}, text 7.654321e+07
Go: JSON {"id":1000000000000000}, text 1e+15
JavaScript: JSON {"id":1}, text 1
JavaScript: JSON {"id":7654321}, text 7654321
JavaScript: JSON {"id":76543210}, text 76543210
JavaScript: JSON {"id":1000000000000000}, text 1000000000000000
Go, an int64 of {"id":7654321.0} of Java: refused
Go, an int64 of {"id": 7654321.0} of Python: refused
Go, an int64 of {"id":7654321} of JavaScript: 7654321
TXT
diff expected.txt seen.txt
echo "The four libraries of protobuf still behave so"

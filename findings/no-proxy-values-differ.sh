#!/usr/bin/env bash
# hyper-util 0.1.21 (crates.io), golang.org/x/net 0.44.0 (Go) and Python 3's urllib: one value of NO_PROXY sends one
# request through the proxy in some programs and around it in others.
#
# Operators set HTTPS_PROXY and NO_PROXY once for all services of a machine or a pod. No document defines NO_PROXY, and
# the three read it like this, for requests to an issuer of tokens:
#   - `.issuer.test` is the domain and all names below it for hyper-util and Python, and only the names below it for Go;
#   - `*.issuer.test` is the names below it for Go, and nothing at all for hyper-util and Python;
#   - `issuer.test:8443` is this port for Go and Python, and nothing at all for hyper-util;
#   - `10.0.0.0/8` is a range for hyper-util and Go, and nothing at all for Python.
# What is nothing at all is left aside without a word. The service then asks the proxy for an internal issuer, which the
# proxy cannot reach, and its neighbour with the same variables works.
#
# What operators of identity-link should do: write a bare name, `issuer.test`, which all three read alike, and no range
# where Python runs beside it. identity-link refuses a value that its reader would leave aside.
set -euo pipefail

folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
mkdir -p rust/src go
cat > rust/Cargo.toml <<'TOML'
[package]
name = "reader"
edition = "2024"

[dependencies]
http = "1"
hyper-util = { version = "=0.1.21", features = ["client-proxy"] }
TOML
cat > rust/src/main.rs <<'RUST'
use hyper_util::client::proxy::matcher::Matcher;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let exceptions = arguments.next().unwrap();
    let matcher = Matcher::builder().https("http://proxy.test:3128").no(exceptions.as_str()).build();
    let way = |url: String| if matcher.intercept(&url.parse().unwrap()).is_some() { "proxy" } else { "direct" };
    println!("{}", arguments.map(way).collect::<Vec<_>>().join(" "));
}
RUST
cargo build --quiet --manifest-path rust/Cargo.toml
cat > go/go.mod <<'MOD'
module reader

go 1.23

require golang.org/x/net v0.44.0
MOD
cat > go/main.go <<'GO'
package main

import (
	"fmt"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

func main() {
	config := httpproxy.Config{HTTPSProxy: "http://proxy.test:3128", NoProxy: os.Args[1]}
	way := config.ProxyFunc()
	var ways []string
	for _, text := range os.Args[2:] {
		target, _ := url.Parse(text)
		if proxy, _ := way(target); proxy == nil {
			ways = append(ways, "direct")
		} else {
			ways = append(ways, "proxy")
		}
	}
	fmt.Println(strings.Join(ways, " "))
}
GO
(cd go && GOFLAGS=-mod=mod GOPATH="$folder/gopath" go build -o reader . 2>/dev/null)
cat > reader.py <<'PY'
import os
import sys
import urllib.parse
import urllib.request

os.environ["no_proxy"] = sys.argv[1]
bypassed = [urllib.request.proxy_bypass_environment(urllib.parse.urlsplit(url).netloc) for url in sys.argv[2:]]
print(*["direct" if it else "proxy" for it in bypassed])
PY

urls=(https://issuer.test/ https://a.issuer.test/ https://issuer.test:8443/ https://10.0.0.7/)
printf '%-18s %-10s %s\n' "NO_PROXY" "reader" "issuer.test, a.issuer.test, issuer.test:8443, 10.0.0.7" > seen
for value in issuer.test .issuer.test '*.issuer.test' issuer.test:8443 10.0.0.0/8; do
  printf '%-18s %-10s %s\n' "$value" hyper-util "$(rust/target/debug/reader "$value" "${urls[@]}")" >> seen
  printf '%-18s %-10s %s\n' "$value" Go "$(go/reader "$value" "${urls[@]}")" >> seen
  printf '%-18s %-10s %s\n' "$value" Python "$(python3 reader.py "$value" "${urls[@]}")" >> seen
done
cat seen
diff seen - <<'EXPECTED'
NO_PROXY           reader     issuer.test, a.issuer.test, issuer.test:8443, 10.0.0.7
issuer.test        hyper-util direct direct direct proxy
issuer.test        Go         direct direct direct proxy
issuer.test        Python     direct direct direct proxy
.issuer.test       hyper-util direct direct direct proxy
.issuer.test       Go         proxy direct proxy proxy
.issuer.test       Python     direct direct direct proxy
*.issuer.test      hyper-util proxy proxy proxy proxy
*.issuer.test      Go         proxy direct proxy proxy
*.issuer.test      Python     proxy proxy proxy proxy
issuer.test:8443   hyper-util proxy proxy proxy proxy
issuer.test:8443   Go         proxy proxy direct proxy
issuer.test:8443   Python     proxy proxy direct proxy
10.0.0.0/8         hyper-util proxy proxy proxy direct
10.0.0.0/8         Go         proxy proxy proxy direct
10.0.0.0/8         Python     proxy proxy proxy proxy
EXPECTED

#!/bin/sh
# Writes the bill of materials (CycloneDX, JSON) of the binary for production: `deploy/image/sbom.sh FILE`.
# It needs cargo-cyclonedx, and asks no network that cargo does not ask. The file is the same for the same
# Cargo.lock and the same SOURCE_DATE_EPOCH, which is 0 without one.
set -eu
case $1 in /*) file=$1 ;; *) file=$PWD/$1 ;; esac
cd "$(dirname "$0")/../.."
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-0}"

# The tool writes a file beside the manifest of each crate of the workspace. That of the service counts.
name=sbom-$$
remove() { find . -name "$name*.json" -not -path './target/*' -delete; }
trap remove EXIT
cargo cyclonedx --quiet --format json --spec-version 1.5 --no-default-features --no-build-deps \
  --target "$(uname -m)-unknown-linux-gnu" --override-filename "$name"
mv "$name.json" "$file"

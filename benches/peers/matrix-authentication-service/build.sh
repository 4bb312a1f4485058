#!/bin/sh
# Builds matrix-authentication-service 1.22.0 (MAS) with its release profile, and the policy that it
# loads. A build that was interrupted goes on. The pages for browsers are not built: the admin API
# renders none, so an empty list of their files is enough.
set -eu
commit=f28451c4e536add8f77940c90556958e5cb23c47
opa=1.13.1
git init --quiet sources
git -C sources fetch --quiet --depth 1 \
  https://github.com/element-hq/matrix-authentication-service "$commit"
git -C sources checkout --quiet "$commit"
echo '{}' >manifest.json
GOBIN=$PWD go install "github.com/open-policy-agent/opa@v$opa"
PATH=$PWD:$PATH make -B -C sources/policies policy.wasm
cd sources
# Else sqlx checks the statements in a database, and the version is sought among the tags, which a
# clone of one commit lacks.
SQLX_OFFLINE=true VERGEN_GIT_DESCRIBE=v1.22.0 cargo build --locked --release --bin mas-cli

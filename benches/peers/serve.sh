#!/bin/sh
# Serves a peer, such as better-auth, at the versions that its lock file pins. The benchmark
# `ceiling` runs this with --peers. The packages go to a temporary folder, and stay there for later
# runs. If the peer has a script build.sh, it builds what npm does not have.
#
# usage: serve.sh PEER ARGUMENTS-OF-ITS-SERVER
set -eu
peer=$1
shift
here=$(dirname "$(realpath "$0")")
folder=${TMPDIR:-/tmp}/identity-link-peers/$peer
mkdir -p "$folder"
cp "$here/$peer"/* "$folder"
cd "$folder"
if ! cmp -s package-lock.json installed.lock; then
  npm ci --no-audit --no-fund >npm.log 2>&1 || { cat npm.log >&2; exit 1; }
  if [ -e build.sh ]; then
    sh build.sh >build.log 2>&1 || { cat build.log >&2; exit 1; }
  fi
  cp package-lock.json installed.lock
fi
NODE_ENV=production exec node server.mjs "$@"

#!/bin/sh
# Serves a peer, such as better-auth, at the versions that its folder pins. The benchmark `ceiling`
# runs this with --peers. Each peer has two scripts: build.sh gets what the peer needs, and start.sh
# becomes its server. Both run in a temporary folder, which stays there for later runs.
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
cat "$here/$peer"/* >wanted
if ! cmp -s wanted built; then
  sh build.sh >build.log 2>&1 || { cat build.log >&2; exit 1; }
  mv wanted built
fi
exec sh start.sh "$@"

#!/bin/sh
# Serves MAS with users to link. The only argument is the URL of an empty database. This process
# becomes MAS itself, because the benchmark measures its CPU. Another one makes the users, and ends
# MAS if that fails.
#
# MAS runs without its worker, which may be a process of its own, and whose listener keeps one of
# the connections to the database.
set -eu
node configure.mjs "$1"
{ node populate.mjs || kill $$; } &
RUST_LOG=warn exec sources/target/release/mas-cli server --config config.json --no-worker

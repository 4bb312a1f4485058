#!/bin/sh
# Installs AuthHero, at the versions of the lock file, and builds its storage adapter,
# @authhero/kysely-adapter 12.4.0, from the sources of AuthHero's release 9.6.1. The adapters that
# npm had when this was written do not fit that release.
set -eu
npm ci --no-audit --no-fund
commit=d46a40fda183b520c57f48007d47c03c435f619f
rm -rf sources
git init --quiet sources
git -C sources fetch --quiet --depth 1 https://github.com/markusahlstrand/authhero "$commit"
git -C sources checkout --quiet "$commit" -- packages/kysely
node_modules/.bin/esbuild sources/packages/kysely/src/index.ts --bundle --platform=node --format=esm \
  --packages=external --outfile=kysely-adapter.mjs --log-level=error
rm -rf sources

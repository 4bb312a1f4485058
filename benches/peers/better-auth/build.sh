#!/bin/sh
# Installs Better Auth, at the versions of the lock file.
set -eu
npm ci --no-audit --no-fund

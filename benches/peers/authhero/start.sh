#!/bin/sh
NODE_ENV=production exec node server.mjs "$@"

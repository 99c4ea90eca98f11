#!/bin/bash
# The pages in headless Chromium against the mock server.
set -u
cd "$(dirname "$0")" || exit 1
. support/needs.sh
exec node --test --test-concurrency=1 --test-reporter=spec cases/*.test.mjs

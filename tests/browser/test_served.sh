#!/bin/bash
# The pages in headless Chromium against the program's own server over a written data directory.
set -u
cd "$(dirname "$0")" || exit 1
. support/needs.sh
exec node served.mjs

#!/bin/bash
# The console in headless Chromium against the program itself, with its engine.
set -u
cd "$(dirname "$0")" || exit 1
. support/needs.sh
exec node console_served.mjs

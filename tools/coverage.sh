#!/bin/sh
# Unit tests with coverage; lines covered by room.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh coverage
ctest --test-dir build/coverage -L unit -j "$(nproc)" --output-on-failure
python3 tools/coverage.py build/coverage

#!/bin/sh
# Every test: both compilers without warnings, lint, threads under TSan, all else under ASan and UBSan, faults on the release build.
# The last lines are ctest's own.
set -eu
cd "$(dirname "$0")/.."
jobs=$(nproc)
tools/models/get-model.sh tiny.en silero-v6.2.0
[ -d tests/browser/node_modules/playwright-core ] || npm ci --ignore-scripts --silent --prefix tests/browser
tools/build.sh release
tools/build.sh clang
tools/python/setup.sh >/dev/null
tools/servers/setup.sh minio >/dev/null
[ -d tools/clients/node_modules/@aws-sdk ] || npm ci --ignore-scripts --silent --prefix tools/clients
if [ -z "${SKIP_LINT:-}" ]; then
    tools/lint.sh
fi
tools/build.sh tsan
ctest --test-dir build/tsan -R threads -j "$jobs" --output-on-failure
tools/build.sh asan
ctest --test-dir build/asan -j "$jobs" --output-on-failure

#!/bin/sh
# tools/build.sh PRESET [TARGET...]: configures once and builds; prints only what went wrong.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
mkdir -p build
log=build/$preset.log
if [ ! -f "build/$preset/build.ninja" ]; then
    echo "configuring $preset"
    cmake --preset "$preset" >"$log" 2>&1 || { tail -40 "$log" >&2; exit 3; }
fi
echo "building $preset"
ninja -C "build/$preset" "$@" >"$log" 2>&1 || { grep -E 'error|FAILED|undefined' -A 3 "$log" | head -60 >&2; tail -5 "$log" >&2; exit 3; }

#!/bin/sh
# Runs every fuzz target for SECONDS (default 60) from its seeds. A crash stays in build/fuzz/crashes.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh fuzz
mkdir -p build/fuzz/crashes
failed=0
for target in build/fuzz/tests/fuzz_*; do
    [ -x "$target" ] && [ ! -d "$target" ] || continue
    name=$(basename "$target" | sed 's/^fuzz_//')
    mkdir -p "build/fuzz/corpus/$name"
    echo "fuzz $name"
    "$target" -max_total_time="${SECONDS_EACH:-60}" -timeout=20 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix=build/fuzz/crashes/ "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" || failed=1
done
exit $failed

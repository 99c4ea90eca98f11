#!/usr/bin/env bash
# The search benchmark: the same passages and questions to tidemill's index and to @orama/orama, one after the other in the same run, then the table.
#   PASSAGES=382559    how many passages (the peer needs 5 GB for the full number)
#   QUESTIONS=10       how many questions of each class the peer is asked; ours answers all 4,050, three times
#   BUILD_DIR          where bench_search is or is to be built (build/bench)
#   OUT                a folder for the data and results (a temporary one, removed at the end)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=${BUILD_DIR:-$root/build/bench}
if [ -z "${OUT:-}" ]; then
    OUT=$(mktemp -d)
    trap 'rm -rf "$OUT"' EXIT
fi
mkdir -p "$OUT/index"

if [ ! -x "${BENCH:-$build/tests/bench_search}" ]; then
    (cd "$root" && cmake --preset bench -B "$build" >/dev/null && ninja -C "$build" bench_search >/dev/null)
fi
bench=${BENCH:-$build/tests/bench_search}
cc -O2 -std=c17 -o "$OUT/generate" "$here/generate.c" -lm
(cd "$here" && npm ci --silent --no-audit --no-fund 2>/dev/null)
"$OUT/generate" "$OUT" "${PASSAGES:-382559}"

index=$OUT/index/passages.sqlite
{
    "$bench" build "$OUT" "$index"
    cat "$index" >/dev/null
    for question in the history '"of the"' zzyzx; do "$bench" first "$index" "$question"; done
    "$bench" queries "$index" "$OUT"
    "$bench" add "$OUT" "$index"
} >"$OUT/tidemill.jsonl"

{
    node --max-old-space-size=16000 "$here/orama.mjs" all "$OUT" "$OUT/orama.saved" "${QUESTIONS:-10}"
    [ ! -s "$OUT/orama.saved" ] || node --max-old-space-size=16000 "$here/orama.mjs" first "$OUT/orama.saved" the
} >"$OUT/orama.jsonl"

python3 "$here/report.py" "$OUT/tidemill.jsonl" "$OUT/orama.jsonl"

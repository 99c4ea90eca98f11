#!/usr/bin/env bash
# The feed benchmark: one feed of 10,000 items to tidemill and to xml2js, one after the other in the same run, five times each; then the table.
#   BUILD_DIR   where bench_feed is or is to be built (build/bench)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=${BUILD_DIR:-$root/build/bench}
bench=${BENCH_PROGRAM:-$build/tests/bench_feed}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

if [ ! -x "$bench" ]; then
    (cd "$root" && cmake --preset bench -B "$build" >/dev/null && ninja -C "$build" bench_feed >/dev/null)
fi
(cd "$here" && npm ci --silent --no-audit --no-fund)
"$bench" --write >"$out/feed.xml"
for _ in 1 2 3 4 5; do
    "$bench" >>"$out/tidemill"
    node "$here/peer.js" "$out/feed.xml" >>"$out/xml2js"
done
python3 - "$out" <<'PYTHON'
import json, statistics, sys

rows = {}
for name in ("tidemill", "xml2js"):
    runs = [json.loads(line) for line in open(f"{sys.argv[1]}/{name}")]
    rows[name] = {key: statistics.median(run[key] for run in runs) for key in ("wall_ms", "cpu_ms", "peak_growth_kib", "items", "bytes")}
ours, peer = rows["tidemill"], rows["xml2js"]
print(f"feed of {ours['items']:.0f} items, {ours['bytes'] / 1e6:.1f} MB; medians of five runs")
print("| | tidemill | xml2js 0.6.2 | ratio |")
print("|---|---|---|---|")
for key, what, scale in (("wall_ms", "wall, ms", 1), ("cpu_ms", "processor, ms", 1), ("peak_growth_kib", "memory grown by, MiB", 1024)):
    print(f"| {what} | {ours[key] / scale:.0f} | {peer[key] / scale:.0f} | {peer[key] / ours[key]:.1f} |")
ok = ours["cpu_ms"] <= 300 and ours["peak_growth_kib"] <= 32 * 1024
print("ceilings (0.3 s, 32 MiB):", "kept" if ok else "BROKEN")
sys.exit(0 if ok else 1)
PYTHON

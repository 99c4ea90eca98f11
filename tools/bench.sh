#!/bin/sh
# Every benchmark beside its peer, one after the other, so that none disturbs another. BENCH="search speech feed run serve store flow sync" picks some.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh bench tidemill benches
tools/models/get-model.sh tiny.en silero-v6.2.0
echo "machine: $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(awk '/MemTotal/ {printf "%.0f GB", $2/1e6}' /proc/meminfo), $(. /etc/os-release && echo "$PRETTY_NAME")"
for name in ${BENCH:-feed run serve store flow sync search speech}; do
    echo
    echo "== $name"
    case $name in
    search) tests/bench/search/run.sh ;;
    speech) tests/bench/speech/run.sh ;;
    feed) tests/bench/feed/run.sh ;;
    serve) TIDEMILL=build/bench/tidemill BUILD_DIR=build/bench python3 tests/bench/bench_serve.py ;;
    flow) tests/bench/flow/run.sh ;;
    sync)
        tools/servers/setup.sh minio >/dev/null
        tools/servers/setup.sh rclone >/dev/null
        python3 tests/bench/sync/bench_sync.py build/bench/tidemill
        ;;
    store) build/bench/tests/bench_store_list ;;
    run) python3 tests/bench/run/bench_nothing_new.py build/bench ;;
    *) echo "no benchmark is named $name" >&2; exit 2 ;;
    esac
done

#!/bin/sh
# The state-machine benchmarks, one after the other. FLOW="transitions express open ended map" picks some.
#   BUILD_DIR   where tidemill and bench_flow_load are (build/bench)
set -u
cd "$(dirname "$0")/../../.."
BUILD_DIR=${BUILD_DIR:-$PWD/build/bench}
export BUILD_DIR
tools/python/setup.sh >/dev/null || exit 3
status=0
for name in ${FLOW:-transitions express map open ended}; do
    echo
    echo "-- $name"
    python3 "tests/bench/flow/bench_$name.py" || status=1
done
exit $status

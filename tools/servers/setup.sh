#!/bin/sh
# Builds a server or peer of the tests from Go's modules, once, and prints the folder of the program. Quick when it is there.
#
#   tools/servers/setup.sh minio      an S3 server, for the tests (about two minutes and 500 MB of downloads and objects)
#   tools/servers/setup.sh rclone     the peer of the sync benchmarks
#
# The result is .cache/servers-<name>-<hash of the module>/bin. Go comes from the machine; where that is older than what the modules
# need, it fetches a newer one for itself, as a module, checked like any other.
set -eu
export LC_ALL=C

toolchain=1.26.8 # fetched where the machine's own Go is older than `least`
least=26         # Go 1.<least> builds both modules
limit=1500       # seconds that one build may take

fail() {
    echo "servers: $1" >&2
    exit 3
}

name=${1:-}
case $name in
minio) package=github.com/minio/minio ;;
rclone) package=. ;;
*) echo "usage: tools/servers/setup.sh minio|rclone" >&2; exit 2 ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache
hash=$(cd "$here/$name" && cat go.mod go.sum *.go 2>/dev/null | sha256sum | cut -c1-12)
folder=$cache/servers-$name-$hash
[ ! -x "$folder/bin/$name" ] || { echo "$folder/bin"; exit 0; }

mkdir -p "$cache"
# Two that start at once: one builds, the other waits.
exec 9>"$cache/servers-$name.lock"
flock 9
[ ! -x "$folder/bin/$name" ] || { echo "$folder/bin"; exit 0; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { # run COMMAND...: quiet, within the limit; the lock stays here
    timeout "$limit" "$@" >"$log" 2>&1 9>&-
}

go=$(command -v go || true)
[ -n "$go" ] || [ ! -x /usr/local/go/bin/go ] || go=/usr/local/go/bin/go
[ -n "$go" ] || fail "$name is built with Go, which is not installed: tools/setup.sh test installs it"
export GOTOOLCHAIN=local GOWORK=off GOFLAGS=-buildvcs=false CGO_ENABLED=0
unset GOROOT GOBIN 2>/dev/null || true
[ -n "${HOME:-}" ] || export HOME="$cache/home" # where Go keeps what it fetched

has() { # has GO: is it new enough?
    minor=$("$1" env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
    [ "${minor:-0}" -ge "$least" ]
}

newer=$cache/go-$toolchain
if ! has "$go" && [ ! -x "$newer/bin/go" ]; then
    echo "servers: fetching Go $toolchain" >&2
    module=golang.org/toolchain@v0.0.1-go$toolchain.$("$go" env GOOS)-$("$go" env GOARCH)
    # Outside of our modules, whose go.mod an old Go does not understand.
    (cd / && { run "$go" mod download "$module" || run "$go" mod download "$module"; }) || {
        tail -20 "$log" >&2
        fail "could not fetch Go $toolchain"
    }
    # A module's files come without the right to run, and are not to be written. Another call may do the same at the same time.
    mkdir "$newer.$$"
    cp -R "$("$go" env GOMODCACHE)/$module/." "$newer.$$/"
    chmod -R u+w "$newer.$$"
    find "$newer.$$/bin" "$newer.$$/pkg/tool" -type f -exec chmod +x {} +
    mv -T "$newer.$$" "$newer" 2>/dev/null || rm -rf "$newer.$$"
fi
has "$go" || go=$newer/bin/go
has "$go" || fail "$go does not run"

cd "$here/$name"
echo "servers: building $name (a few minutes, once)" >&2
# The network may be gone for a moment: what was fetched is kept, and the second try goes on from there.
run "$go" list -deps "$package" || run "$go" list -deps "$package" || {
    tail -20 "$log" >&2
    fail "could not fetch the modules of $name; is Go's module proxy reachable?"
}
mkdir -p "$folder/bin"
run "$go" build -p 2 -trimpath -ldflags "-s -w" -o "$folder/bin/$name.new" "$package" || {
    tail -20 "$log" >&2
    fail "could not build $name within $limit seconds"
}
mv "$folder/bin/$name.new" "$folder/bin/$name"
echo "$folder/bin"

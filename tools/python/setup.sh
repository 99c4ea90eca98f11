#!/bin/sh
# Makes the Python environment of the tests under .cache/python-<hash of requirements.txt> and prints its folder. Quick when it is there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
hash=$(sha256sum "$here/requirements.txt" | cut -c1-12)
folder=$root/.cache/python-$hash
if [ ! -e "$folder/ready" ]; then
    mkdir -p "$root/.cache"
    # Two that start at once: one makes it, the other waits.
    exec 9>"$root/.cache/python.lock"
    flock 9
    if [ ! -e "$folder/ready" ]; then
        rm -rf "$folder"
        log=$(mktemp)
        if ! { python3 -m venv "$folder" && "$folder/bin/python" -m pip install --disable-pip-version-check -r "$here/requirements.txt"; } >"$log" 2>&1; then
            tail -20 "$log" >&2
            echo "setup: could not make the Python environment" >&2
            exit 3
        fi
        rm -f "$log"
        : >"$folder/ready"
    fi
fi
echo "$folder"

#!/usr/bin/env bash
# The transcription benchmark: our engine and whisper-cli in turns, same model, threads and audio.
#   RUNS=3 THREADS=2 MINUTES=5   how often, on how many processors, how much speech
#   MODELS="tiny.en base"        those that are not in the cache are left out
#   BUILD_DIR                    where bench_transcribe is or is to be built (build/bench)
#   OUT                          a folder for audio and results (a temporary one, removed at the end)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
build=${BUILD_DIR:-$root/build/bench}
cache=${TIDEMILL_CACHE:-$root/.cache}
if [ -z "${OUT:-}" ]; then
    OUT=$(mktemp -d)
    trap 'rm -rf "$OUT"' EXIT
fi
command -v ffmpeg >/dev/null || { echo "needs the ffmpeg program" >&2; exit 2; }
if [ ! -x "${BENCH:-$build/tests/bench_transcribe}" ]; then
    (cd "$root" && cmake --preset bench -B "$build" >/dev/null && ninja -C "$build" bench_transcribe >/dev/null)
fi
"$root/tools/third-party/build-whisper.sh" --cli
vad=$cache/models/ggml-silero-v6.2.0.bin
[ -r "$vad" ] || vad=$cache/models/ggml-silero-v5.1.2.bin
python3 "$here/make_audio.py" "$cache/third-party/samples/jfk.wav" "$OUT" --minutes "${MINUTES:-5}"
for model in ${MODELS:-tiny.en base}; do
    file=$cache/models/ggml-$model.bin
    if [ ! -r "$file" ]; then
        echo "model $model is not in the cache: left out"
        continue
    fi
    python3 "$here/compare.py" --ours "${BENCH:-$build/tests/bench_transcribe}" \
        --peer "$("$root/tools/third-party/build-whisper.sh" --prefix)/bin/whisper-cli" \
        --model "$file" --vad "$vad" --folder "$OUT" --runs "${RUNS:-3}" --threads "${THREADS:-2}" --json "$OUT/$model.json"
done

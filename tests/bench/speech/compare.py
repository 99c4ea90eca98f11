#!/usr/bin/env python3
"""Runs our transcription and whisper-cli in turns on the same audio, and prints medians, ratios and word error rates.

    compare.py --ours PROGRAM --peer WHISPER_CLI --model FILE --vad FILE --folder FOLDER [--runs 3] [--threads 2] [--json OUT]

FOLDER is what make_audio.py made. Wall time means something on a quiet machine only; processor seconds with one thread hold on a busy one too (more threads
wait for one another, and waiting costs processor time). Peak memory is the process's own.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import time

NUMBERS = {"3": "three", "9": "nine", "10": "ten", "3000": "three thousand"}


def words_of(text):
    text = re.sub(r"\[[^\]]*\]|\([^)]*\)", " ", text.lower())
    text = re.sub(r"[^a-z0-9 ]+", " ", text.replace("'", "").replace("3,000", "3000").replace("catalogue", "catalog").replace("bour", "bor"))
    return " ".join(NUMBERS.get(w, w) for w in text.split()).split()


def errors(wanted, got):
    """Word errors: the least number of words to put in, take out and change (Levenshtein)."""
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(got, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (word != other))
    return row[-1]


def text_of_srt(path):
    with open(path, encoding="utf-8") as source:
        lines = source.read().split("\n")
    return " ".join(l for l in lines if l and not l.isdigit() and "-->" not in l)


def run(command):
    before, begin = os.times(), time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, high_water(process.pid))
        time.sleep(0.02)
    wall, after = time.monotonic() - begin, os.times()
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"wall": wall, "cpu": cpu, "peak_mb": peak / 1024}


def high_water(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as source:
            return next((int(l.split()[1]) for l in source if l.startswith("VmHWM")), 0)
    except OSError:
        return 0


def main():
    parser = argparse.ArgumentParser()
    for name in ("ours", "peer", "model", "vad", "folder"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json")
    options = parser.parse_args()
    with open(os.path.join(options.folder, "text.txt"), encoding="utf-8") as source:
        wanted = words_of(source.read())
    out, threads = os.path.join(options.folder, "out"), str(options.threads)
    report = []
    for name in ("dense", "pauses"):
        audio = os.path.join(options.folder, name + ".wav")
        sides = {
            "tidemill": [options.ours, options.model, options.vad, audio, threads, out + ".tidemill.srt"],
            "whisper-cli": [options.peer, "-m", options.model, "-f", audio, "-t", threads, "-l", "en", "-np", "-osrt", "-of",
                            out + ".whisper-cli"],
        }
        samples = {side: [] for side in sides}
        for _ in range(options.runs):
            for side, command in sides.items():
                samples[side].append(run(command))
        row = {"audio": name, "model": os.path.basename(options.model), "threads": options.threads}
        for side, command in sides.items():
            row[side] = {key: statistics.median(s[key] for s in samples[side]) for key in ("wall", "cpu", "peak_mb")}
            got = words_of(text_of_srt(f"{out}.{side}.srt"))
            row[side]["wer"] = errors(wanted, got) / len(wanted)
        report.append(row)
        ours, peer = row["tidemill"], row["whisper-cli"]
        print(f"{name}, {row['model']}, {threads} threads, {options.runs} runs in turns (medians)")
        print(f"  {'':14}{'tidemill':>12}{'whisper-cli':>14}{'ratio':>9}")
        for key, label, form in (("wall", "wall s", ".2f"), ("cpu", "processor s", ".2f"), ("peak_mb", "peak MB", ".0f"), ("wer", "word errors", ".1%")):
            ratio = f"{ours[key] / peer[key]:.3f}" if peer[key] and key != "wer" else ""
            print(f"  {label:14}{ours[key]:>12{form}}{peer[key]:>14{form}}{ratio:>9}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as target:
            json.dump(report, target, indent=1)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What `tidemill serve` costs: resident memory idle and in use, and the time of its usual answers, over 20 sites of 1,000 episodes.

    TIDEMILL=build/bench/tidemill BUILD_DIR=build/bench python3 tests/bench/bench_serve.py

Prints one line a figure. docs/benchmarks/serve.md has them with their ceilings."""
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
from serve_support import Data, episode, site_config, srt, temporary, write  # noqa: E402

SITES, EPISODES, INDEXED = 20, 1000, 100
WORDS = "elephant river music stone window garden letter market summer bridge candle forest".split()


def rows():
    made = []
    for number in range(1, EPISODES + 1):
        row = episode(number, f"Episode {number} about {WORDS[number % 12]}")
        row["publishedAt"] = f"{2000 + number // 366}-{number % 12 + 1:02d}-{number % 28 + 1:02d}T08:00:00.000Z"
        made.append(row)
    return made


def make(folder):
    data = Data(folder)
    for number in range(SITES):
        site_id = "site-" + "abcdefghijklmnopqrst"[number]
        data.site(site_config(site_id, domain=f"{site_id}.example.org"), rows(), {})
    for row in rows():
        write(data.files("site-a", "audio/example-cast", row["fileKey"] + ".mp3"), b"not listened to")
    for number, row in enumerate(rows()[:INDEXED]):
        lines = [" ".join(WORDS[(number * 7 + k * 5 + i) % 12] for i in range(12)) + "." for k in range(150)]
        write(data.files("site-a", "transcripts/example-cast", row["fileKey"] + ".srt"), srt(lines))
    data.index()


def resident(process):
    text = open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii").read()
    return int(re.search(r"^Rss:\s+(\d+)", text, re.M).group(1)) / 1024


def measure(connection, name, method, path, body=None, rounds=200, **headers):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        size = len(answer.read())
        times.append((time.perf_counter() - start) * 1000)
        assert answer.status in (200, 206, 304), (path, answer.status)
    times.sort()
    print(f"{name:34} slowest {times[-1]:8.2f} ms   p50 {statistics.median(times):7.2f} ms   {size} bytes")


def main():
    with temporary() as folder:
        make(folder)
        start = time.perf_counter()
        process = subprocess.Popen([os.environ["TIDEMILL"], "serve", "--data", folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = process.stdout.readline()
        print(f"start, to the first answer possible {(time.perf_counter() - start) * 1000:8.2f} ms")
        host, port = line.split("//")[1].strip().rsplit(":", 1)
        print(f"resident, idle                      {resident(process):8.2f} MiB")
        connection = http.client.HTTPConnection(host, int(port))
        site = "/sites/site-a/"
        measure(connection, "home page", "GET", "/")
        measure(connection, "episode page with its passage", "GET", site + "episode/7?start=60000")
        measure(connection, "search", "POST", site + "api/search", {"query": "elephant river", "limit": 25})
        print(f"resident, one site in use           {resident(process):8.2f} MiB")
        measure(connection, "list of 20 sites", "GET", "/api/sites")
        measure(connection, "manifest of 1,000 episodes, gzip", "GET", site + "episode-manifest/full-episode-manifest.json", **{"Accept-Encoding": "gzip"})
        measure(connection, "feed of 1,000 episodes", "GET", site + "feed.xml", rounds=50)
        print(f"resident, all 20 sites in use       {resident(process):8.2f} MiB")
        process.terminate()
        process.wait()


main()

#!/usr/bin/env python3
"""An unattended run whose records meet a full disk, or that is killed at each of its calls to the file system: what it knows is whole afterwards, and the next
start does the work.

All calls below the folder of the records are counted in an undisturbed run; each is then failed with ENOSPC, and used to kill the process that makes it (the
watcher or the pipeline; preload_fault.c), before the call and in the middle of a write.
"""

import json
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

PLAIN = os.path.join(p.SOURCE, "build", "clang")
SHIM = os.path.join(PLAIN, "preload_fault.so")
NIGHT = 1767322800000  # 2026-01-02T03:00:00Z
HOUR = 3600000


def look(data, now, environment=None):
    """A start by the timer; its exit status and what it said."""
    result = data.call("podcast", "automate", "run", "--at", "03:00", "--json", "--skip-audio-processing", "--allow-private-addresses", expect=None,
                       environment={"TIDEMILL_FIXED_MS": str(now), "TZ": "UTC", **(environment or {})})
    return result.returncode, result.stdout


def records(data):
    """Every record that is there, whole."""
    folder = os.path.join(data.folder, "automation-logs")
    found = {}
    for name in os.listdir(folder):
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found[name] = json.load(file)
    path = os.path.join(folder, "ingestion-pipeline-runs.md")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert text.startswith("# Ingestion Pipeline Run History\n\n") and text.count("# Ingestion Pipeline") == 1, text
        assert text.count("\n## ") == text.count("\n---\n"), text
    return found


def prepare(folder, server):
    path = p.make_audio(os.path.join(server.root, "one.mp3"))
    server.write("feed.xml", p.feed("Harbour Radio", [p.item(1, "One", f"{server.url}/one.mp3", os.path.getsize(path))]))
    start = p.Data(os.path.join(folder, "start"), program=os.path.join(PLAIN, "tidemill_fixed"))
    start.add(server.url + "/feed.xml")
    # One night that went well: its records are what may be damaged.
    assert look(start, NIGHT - 24 * HOUR)[0] == 0
    return start


def shim(data, **plan):
    environment = {"LD_PRELOAD": SHIM, "TIDEMILL_FAULT_UNDER": os.path.join(os.path.realpath(data.folder), "automation-logs")}
    environment.update({"TIDEMILL_FAULT_" + key.upper(): str(value) for key, value in plan.items()})
    return environment


def check(start, plan, folder):
    data = start.copy(os.path.join(folder, "one"))
    status, _ = look(data, NIGHT, shim(data, **plan))
    found = records(data)
    failures = found["last-pipeline-run.json"]["consecutiveFailures"]
    assert failures in (0, 1), found
    # Four hours later: the work is done, by this start or by the disturbed one.
    again, said = look(data, NIGHT + 4 * HOUR)
    while '"elsewhere"' in said:  # the pipeline of a killed watcher is still ending in order
        again, said = look(data, NIGHT + 4 * HOUR)
    found = records(data)
    last = found["last-pipeline-run.json"]
    assert again == 0 and json.loads(said)["outcome"] in ("success", "not-due"), (plan, status, said)
    assert last["lastSuccessTimestamp"] >= NIGHT and last["consecutiveFailures"] == 0, (plan, status, last)
    assert not found["automation-state.json"]["open"], (plan, found)
    assert look(data, NIGHT + 5 * HOUR)[0] == 0
    shutil.rmtree(data.folder)
    return status


def test_each_call_fails_or_kills():
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        start = prepare(folder, server)
        counted = start.copy(os.path.join(folder, "counted"))
        counts = os.path.join(folder, "counts")
        assert look(counted, NIGHT, shim(counted, count=counts))[0] == 0
        with open(counts, encoding="ascii") as lines:
            calls = {name: int(number) for name, number in (line.split() for line in lines if line.strip())}
        assert calls["rename"] >= 4 and calls["sync"] >= 4, calls
        statuses = []
        for number in range(1, calls["any"] + 1):
            for action in ("kill", "half"):
                statuses.append(check(start, {"nth": number, "action": action}, folder))
        for number in range(1, calls["any"] + 1, 3):
            statuses.append(check(start, {"nth": number, "action": "fail", "errno": "ENOSPC"}, folder))
            statuses.append(check(start, {"nth": number, "action": "fail", "errno": "ENOSPC", "persist": 1}, folder))
        killed = sum(status == -9 for status in statuses)
        print(f"{calls['any']} calls; {len(statuses)} disturbed runs, {killed} watchers killed")
        assert killed >= calls["any"] // 2, statuses
        server.close()


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    if not os.path.exists(SHIM) or not os.path.exists(os.path.join(PLAIN, "tidemill_fixed")):
        p.skip("build/clang is not there (a preloaded library and a sanitizer do not go together)")
    p.run_tests(sys.modules[__name__])

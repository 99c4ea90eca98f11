#!/usr/bin/env python3
"""A disk that is full in the middle of each phase: a clear line, nothing half-written, and the next run makes it whole, byte for byte as an undisturbed one.

The nth write, sync, rename or creation below the data directory fails with ENOSPC, and every later one too (preload_fault.c). All call numbers of an undisturbed
run are counted first; twelve of each kind, spread over the run, are tried. The same calls are then used to kill the program at exactly that point.
"""

import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

PLAIN = os.path.join(p.SOURCE, "build", "clang")
SHIM = os.path.join(PLAIN, "preload_fault.so")
EACH = int(os.environ.get("TIDEMILL_FAULTS_EACH", "6"))
KINDS = ("write", "sync", "rename", "create", "folder")


def prepare(folder, server):
    items = []
    for number, name in enumerate(("one.mp3", "two.ogg"), 1):
        path = p.make_audio(os.path.join(server.root, name))
        items.append(p.item(number, f"Episode {number}", f"{server.url}/{name}", os.path.getsize(path)))
    server.write("feed.xml", p.feed("Harbour Radio", items))
    start = p.Data(os.path.join(folder, "start"), program=os.path.join(PLAIN, "tidemill_fixed"))
    start.add(server.url + "/feed.xml")
    start.model = p.scripted_model(folder)
    return start


def copy(start, name):
    return start.copy(os.path.join(os.path.dirname(start.folder), name))


def shim(data, **plan):
    environment = {"LD_PRELOAD": SHIM, "TIDEMILL_FAULT_UNDER": os.path.realpath(data.folder)}
    environment.update({"TIDEMILL_FAULT_" + key.upper(): str(value) for key, value in plan.items()})
    return environment


def count_calls(start):
    data = copy(start, "counted")
    counts = os.path.join(os.path.dirname(start.folder), "counts")
    data.run("--download-jobs", "1", environment=shim(data, count=counts))
    with open(counts, encoding="ascii") as lines:
        rows = dict(line.split() for line in lines if line.strip())
    wanted = data.tree()
    shutil.rmtree(data.folder)
    return {kind: int(rows[kind]) for kind in KINDS}, wanted


def points(total):
    """Call numbers spread over the run, the first and the last among them."""
    if total <= EACH:
        return range(1, total + 1)
    return sorted({1 + round(i * (total - 1) / (EACH - 1)) for i in range(EACH)})


def whole_again(data, wanted, what):
    report = data.run("--download-jobs", "1", expect=0)
    assert not p.errors(report), (what, report)
    got = data.tree()
    differing = [name for name in sorted(set(got) | set(wanted)) if got.get(name) != wanted.get(name)]
    assert not differing, f"{what}: {differing}"


def test_every_phase_meets_a_full_disk():
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        start = prepare(folder, server)
        counts, wanted = count_calls(start)
        assert all(counts[kind] for kind in ("write", "sync", "rename", "create")), counts
        said = 0
        for kind in KINDS:
            for nth in points(counts[kind]):
                what = f"{kind} {nth} of {counts[kind]}"
                data = copy(start, "full")
                result = data.call(*data.RUN, "--download-jobs", "1", "--json", expect=None,
                                   environment=shim(data, call=kind, nth=nth, persist=1))
                assert result.returncode in (0, 1, 3), (what, result)
                text = result.stdout + result.stderr
                if result.returncode:
                    assert "No space left" in text or "full" in text, (what, text)
                    said += 1
                whole_again(data, wanted, what)
                shutil.rmtree(data.folder)
        print(f"calls of an undisturbed run: {counts}; {said} runs said that the disk is full")
        assert said
        server.close()


def test_killed_at_the_nth_call():
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        start = prepare(folder, server)
        counts, wanted = count_calls(start)
        killed = 0
        for kind in ("write", "sync", "rename"):
            for nth in points(counts[kind]):
                what = f"killed at {kind} {nth} of {counts[kind]}"
                data = copy(start, "killed")
                action = "half" if kind == "write" and nth % 2 else "kill"
                result = data.call(*data.RUN, "--download-jobs", "1", expect=None, environment=shim(data, call=kind, nth=nth, action=action))
                killed += result.returncode == -9
                whole_again(data, wanted, what)
                shutil.rmtree(data.folder)
        print(f"{killed} runs were killed")
        assert killed
        server.close()


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    if not os.path.exists(SHIM) or not os.path.exists(os.path.join(PLAIN, "tidemill_fixed")):
        p.skip("the unsanitized build (build/clang) is not there; `make test` makes it")
    p.run_tests(sys.modules[__name__])

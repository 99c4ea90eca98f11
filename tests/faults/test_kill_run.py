#!/usr/bin/env python3
"""`podcast run` killed with SIGKILL at random moments, then run again, gives byte for byte the same files as an undisturbed run.

The wall clock stands still (tidemill_fixed), for the file keys hold the time. The seed is printed; TIDEMILL_KILL_SEED repeats a run.
"""

import os
import random
import shutil
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

KILLS = 20


def plain_program():
    """Kills need no sanitizer, and without one the twenty rounds take a tenth of the time."""
    plain = os.path.join(p.SOURCE, "build", "clang", "tidemill_fixed")
    return plain if os.path.exists(plain) else p.FIXED


def prepare(folder, server):
    names = ["one.mp3", "two.m4a", "three.ogg", "four.mp3"]
    items = []
    for number, name in enumerate(names, 1):
        p.make_audio(os.path.join(server.root, name), repeat=4)
        items.append(p.item(number, f"Episode {number}", f"{server.url}/{name}", os.path.getsize(os.path.join(server.root, name))))
    server.write("feed.xml", p.feed("Harbour Radio", items))
    server.write("other.xml", p.feed("Second Show", [p.item(9, "Only one", server.url + "/one.mp3?second", guid="x")]))
    data = p.Data(os.path.join(folder, "start"), program=plain_program())
    data.add(server.url + "/feed.xml")
    data.add(server.url + "/other.xml")
    data.model = p.scripted_model(folder)
    data.install_vad()
    return data


def run_whole(data):
    report = data.run("--jobs", "2", expect=0)
    assert not p.errors(report), p.errors(report)
    return report


def kill_after(data, seconds):
    process = data.start(*data.RUN, "--jobs", "2")
    time.sleep(seconds)
    ended = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()
    return not ended


def test_killed_runs_end_with_the_same_bytes():
    seed = int(os.environ.get("TIDEMILL_KILL_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        start = prepare(folder, server)
        whole = start.copy(os.path.join(folder, "whole"))
        began = time.monotonic()
        run_whole(whole)
        length = time.monotonic() - began
        wanted = whole.tree()
        assert sum(name.endswith(".srt") for name in wanted) == 5, sorted(wanted)
        assert sum(name.endswith(".sqlite") for name in wanted) == 2, sorted(wanted)
        hit = 0
        for round_number in range(KILLS):
            killed = start.copy(os.path.join(folder, f"killed-{round_number}"))
            moments = [chance.uniform(0, length) for _ in range(1 + round_number % 2)]
            hit += any([kill_after(killed, moment) for moment in moments])
            run_whole(killed)
            got = killed.tree()
            differing = [name for name in sorted(set(wanted) | set(got)) if wanted.get(name) != got.get(name)]
            assert not differing, f"killed at {moments} of {length:.2f} s: {differing}"
            again = killed.run()
            assert again["nothingNew"], again
            shutil.rmtree(killed.folder)
        print(f"{hit} of {KILLS} rounds were killed before their end; an undisturbed run took {length:.2f} s")
        assert hit >= KILLS // 2, "too few kills hit a running process"
        server.close()


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

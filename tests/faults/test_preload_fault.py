#!/usr/bin/env python3
"""Proves that the preloaded faults happen as they are told to, with a small script as the program."""
import errno
import os
import signal
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
LIBRARY = os.path.join(SOURCE, "build", "clang", "preload_fault.so")  # of the build without sanitizers

PROGRAM = """
import os, sys
def step(what, *args):
    try:
        return what(*args)
    except OSError as why:
        print(what.__name__, why.errno)
for i in range(3):
    part, name = f"part{i}", f"name{i}"
    fd = step(os.open, part, os.O_WRONLY | os.O_CREAT, 0o644)
    if fd is None:
        continue
    step(os.write, fd, b"0123456789")
    step(os.fsync, fd)
    os.close(fd)
    step(os.rename, part, name)
"""


def run(folder, **plan):
    environment = {"PATH": os.environ["PATH"], "LD_PRELOAD": LIBRARY, "TIDEMILL_FAULT_UNDER": folder}
    environment.update({"TIDEMILL_FAULT_" + key.upper(): str(value) for key, value in plan.items()})
    return subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, env=environment, text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def content(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in sorted(os.listdir(folder))}


def main():
    if not os.path.exists(LIBRARY):
        print(f"skipped: {LIBRARY} was not built")
        return 77
    if b"__asan" in open(LIBRARY, "rb").read() or b"__tsan" in open(LIBRARY, "rb").read():
        print("skipped: a library built with a sanitizer cannot be preloaded into a program without")
        return 77
    whole = {f"name{i}": b"0123456789" for i in range(3)}
    with tempfile.TemporaryDirectory() as outside:
        counts = os.path.join(outside, "counts")
        with tempfile.TemporaryDirectory() as folder:
            done = run(folder, count=counts)
            assert done.returncode == 0 and done.stdout == "", done
            assert content(folder) == whole
            told = dict(line.split() for line in open(counts))
            assert told == {"write": "3", "sync": "3", "rename": "3", "create": "3", "truncate": "0", "remove": "0",
                            "folder": "0", "link": "0", "any": "12"}, told
    with tempfile.TemporaryDirectory() as folder:
        done = run(folder, call="write", nth=2)
        assert done.stdout == f"write {errno.ENOSPC}\n", done
        assert content(folder) == {**whole, "name1": b""}
    with tempfile.TemporaryDirectory() as folder:
        done = run(folder, call="sync", nth=2, errno="EIO", persist=1)
        assert done.stdout == f"fsync {errno.EIO}\n" * 2, done
    with tempfile.TemporaryDirectory() as folder:
        done = run(folder, call="create", nth=1, errno=errno.EACCES)
        assert done.stdout == f"open {errno.EACCES}\n", done
        assert sorted(content(folder)) == ["name1", "name2"]
    with tempfile.TemporaryDirectory() as folder:
        done = run(folder, nth=8, action="kill")  # the eighth of all: the second rename
        assert done.returncode == -signal.SIGKILL, done
        assert content(folder) == {"name0": b"0123456789", "part1": b"0123456789"}
    with tempfile.TemporaryDirectory() as folder:
        done = run(folder, call="write", nth=3, action="half")
        assert done.returncode == -signal.SIGKILL, done
        assert content(folder) == {**{k: whole[k] for k in ("name0", "name1")}, "part2": b"01234"}
    print("faults happen as told")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The engine on a disk that is full, that cannot be written, whose pages are damaged: a clear state, never a wrong answer.

While nothing can be written, calls that would write are refused with ServiceUnavailable and /healthz says 503; what was confirmed before stays; when there is room again the
engine goes on by itself, without a restart. A damaged database keeps the server from starting with a clear line, or gives errors for what cannot be read. The faults come
from preload_fault.c, and once from a real file system that is full where one can be mounted.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import flow_load as f  # noqa: E402

PAGE = 4096
DAMAGES = int(os.environ.get("TIDEMILL_FAULTS_EACH", "6")) * 6
KINDS = ("chain", "pause", "inline", "spread", "sides", "again", "work", "token", "sync", "failing")
pause = threading.Event()  # never set: pauses between two looks


class Preloaded:
    """A disk that fails when told, by the preloaded library."""

    def __init__(self, folder, error):
        self.data = os.path.join(folder, "data")
        os.mkdir(self.data)
        self.log_path = os.path.join(folder, "log")
        self.gate = os.path.join(folder, "gate")
        self.environment = {"LD_PRELOAD": f.shim(), "TIDEMILL_FAULT_UNDER": os.path.realpath(self.data), "TIDEMILL_FAULT_WHILE": self.gate,
                            "TIDEMILL_FAULT_ERRNO": error}

    def fill(self):
        with open(self.gate, "w", encoding="ascii"):
            pass

    def free(self):
        os.unlink(self.gate)

    def close(self):
        pass


class Sound:
    """A disk without faults."""

    def __init__(self, data):
        self.data, self.environment, self.log_path = data, {}, data + ".log"


class Small:
    """A file system of a few megabytes, with a file that takes what is left."""

    def __init__(self, folder, _error):
        self.log_path = os.path.join(folder, "log")
        self.root = os.path.join(folder, "small")
        os.mkdir(self.root)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.root], check=True, stderr=subprocess.DEVNULL)
        self.data = os.path.join(self.root, "data")
        os.mkdir(self.data)
        self.ballast = os.path.join(self.root, "ballast")
        self.environment = {}

    def fill(self):
        with open(self.ballast, "wb", buffering=0) as out:
            for size in (1 << 20, PAGE):
                try:
                    while True:
                        out.write(bytes(size))
                except OSError:
                    pass

    def free(self):
        os.unlink(self.ballast)

    def close(self):
        subprocess.run(["umount", self.root], check=True)


def until(what, seconds=60):
    """Asks until it is so."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, f"not within {seconds} s: {what.__name__}"
        pause.wait(0.1)


class Scene:
    """A server with executions of all kinds, some of them open when the disk fails."""

    def __init__(self, disk):
        self.disk = disk
        self.functions = f.Lambda(random.Random(5), self.token)
        self.tokens = []
        self.server = f.Server(f.plain_program(), disk.data, "--lambda-endpoint", self.functions.url, environment=disk.environment)
        self.server.log_path = disk.log_path
        self.server.start()
        self.activity = self.server.call("CreateActivity", name="work")["activityArn"]
        definitions = f.machines(self.activity)
        definitions["sync"] = f.parent(f.arn("stateMachine", "inline"))
        for name, definition in definitions.items():
            self.server.call("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=f.ROLE)
        self.known = {}
        self.number = 0

    def token(self, token, output):
        self.tokens.append((token, output))

    def start(self, kind, filler=0):
        self.number += 1
        n = self.number
        given = {"n": n, "items": [n + i for i in f.ITEMS], "count": 0, "seconds": 2, "until": "2026-01-01T00:00:00Z"}
        if filler:
            given["filler"] = "x" * filler
        told = self.server.call("StartExecution", stateMachineArn=f.arn("stateMachine", kind), name=f"{kind}-{n}", input=json.dumps(given))
        self.known[told["executionArn"]] = (kind, n)
        return told["executionArn"]

    def take(self):
        told = self.server.call("GetActivityTask", activityArn=self.activity, workerName="w")
        return told["taskToken"], json.loads(told["input"])

    def ended(self):
        """All have ended, the work of activities and tokens answered meanwhile."""
        for execution, (kind, _) in self.known.items():
            if self.server.call("DescribeExecution", executionArn=execution)["status"] != "RUNNING":
                continue
            if kind == "work" and any(e["type"] == "ActivityScheduled" for e in self.server.history(execution)[-1:]):
                token, given = self.take()
                self.server.call("SendTaskSuccess", taskToken=token, output=json.dumps({"value": 3 * given["n"], "number": 1}))
            while self.tokens:
                token, output = self.tokens.pop()
                try:
                    self.server.call("SendTaskSuccess", taskToken=token, output=json.dumps(output))
                except f.Refused as refused:
                    assert refused.code == "TaskTimedOut", refused
            return False
        return True

    def check(self):
        for execution, (kind, n) in self.known.items():
            told = self.server.call("DescribeExecution", executionArn=execution)
            status, output = f.wanted(kind, n)
            assert told["status"] == status, (execution, told)
            assert (json.loads(told["output"]) if status == "SUCCEEDED" else told["error"]) == output, (execution, told)
            events = self.server.history(execution)
            f.check_history(events, status)
            keys = [key for key, _ in f.results_of(events)]
            assert len(keys) == len(set(keys)), (execution, keys)

    def refused(self, operation, **request):
        """An operation that cannot be carried out while nothing can be written."""
        try:
            told = self.server.call(operation, **request)
        except f.Refused as refused:
            assert (refused.status, refused.code) == (503, "ServiceUnavailable"), f"{operation}: {refused.status} {refused}"
            assert refused.message, operation
            return True
        return told

    def start_refused(self):
        """True when a start is refused as it should be; else it was confirmed."""
        try:
            self.start("chain", 20000)
        except f.Refused as refused:
            assert (refused.status, refused.code) == (503, "ServiceUnavailable"), f"{refused.status} {refused}"
            return True
        return False

    def close(self):
        if self.server.process.poll() is None:
            self.server.kill()
        self.functions.close()


def fails_while_full(disk, whole):
    """What holds while nothing can be written. `whole`: not a byte can be written; else a log of the database may have some room left."""
    scene = Scene(disk)
    server = scene.server
    try:
        for kind in KINDS:
            scene.start(kind)
        done = scene.start("chain")
        until(lambda: server.call("DescribeExecution", executionArn=done)["status"] == "SUCCEEDED")
        before = server.history(done)
        token, given = scene.take()
        disk.fill()
        confirmed = 0
        while not scene.start_refused():
            confirmed += 1
            assert confirmed < 2000, "the disk is never full"
        assert not whole or not confirmed, "an execution was confirmed on a disk that cannot be written"
        status, told = server.health()
        assert status == 503 and told["status"] == "failing" and told["engine"] not in ("ok", None), told
        big = json.dumps({"filler": "y" * 200000})
        assert scene.refused("SendTaskSuccess", taskToken=token, output=big) is True
        assert scene.refused("CreateStateMachine", name="other", definition=json.dumps({**f.machines(scene.activity)["chain"], "Comment": "z" * 300000}),
                             roleArn=f.ROLE) is True
        if whole:
            assert scene.refused("StopExecution", executionArn=next(iter(scene.known))) is True
            assert scene.refused("CreateActivity", name="other") is True
        # What is known can be read.
        assert server.history(done) == before
        assert server.call("DescribeExecution", executionArn=done)["status"] == "SUCCEEDED"
        pause.wait(2.5)  # timers come due meanwhile
        assert server.call("DescribeExecution", executionArn=done)["status"] == "SUCCEEDED"
        disk.free()
        until(lambda: server.health()[1]["engine"] == "ok")
        assert server.call("DescribeExecution", executionArn=f.arn("execution", "work", f"work-{given['n']}"))["status"] == "RUNNING"
        try:
            server.call("SendTaskSuccess", taskToken=token, output=json.dumps({"value": 3 * given["n"], "number": 1}))
        except f.Refused as refused:
            assert refused.code == "TaskTimedOut", refused  # its four seconds may be over
        after = scene.start("chain")
        until(scene.ended, 120)
        assert after in scene.known
        scene.check()
        assert [row["name"] for row in server.call("ListStateMachines")["stateMachines"]].count("other") == 0
        answers = everything(server)
        server.stop()
        server.start()
        assert everything(server) == answers, "after a restart the answers are others"
        assert server.stop() == 0
        return confirmed
    except BaseException:
        print(server.told())
        raise
    finally:
        scene.close()


def in_scratch(kind, error, whole):
    with tempfile.TemporaryDirectory(prefix="tidemill-disk-") as folder:
        disk = kind(folder, error)
        try:
            return fails_while_full(disk, whole)
        finally:
            disk.close()


def test_full_disk():
    in_scratch(Preloaded, "ENOSPC", True)


def test_read_only_disk():
    in_scratch(Preloaded, "EROFS", True)


def test_disk_with_faults():
    in_scratch(Preloaded, "EIO", True)


def test_full_file_system():
    try:
        confirmed = in_scratch(Small, None, False)
        print(f"     {confirmed} executions still found room in the log")
    except (subprocess.CalledProcessError, FileNotFoundError):
        print("     not run: nothing can be mounted here")


def test_does_not_start_where_nothing_can_be_written():
    for error in ("ENOSPC", "EROFS"):
        with tempfile.TemporaryDirectory(prefix="tidemill-disk-") as folder:
            disk = Preloaded(folder, error)
            server = f.Server(f.plain_program(), disk.data, environment=disk.environment)
            disk.fill()
            assert server.start(expect=False) == 3, server.told()
            assert server.told().strip(), "it did not say why"
            disk.free()
            server.start()
            assert server.health()[0] == 200
            assert server.stop() == 0


# ---- damaged pages ----

READS = ("InternalFailure", "ServiceUnavailable")


def ask(server, operation, **request):
    """The answer, or the error of a server that cannot read."""
    try:
        return server.call(operation, **request)
    except f.Refused as refused:
        return {"refused": refused.code, "status": refused.status}


def ask_pages(server, operation, key, **request):
    rows, token = [], None
    while True:
        answer = ask(server, operation, **request, **({"nextToken": token} if token else {}))
        if "refused" in answer:
            return answer
        rows += answer[key]
        token = answer.get("nextToken")
        if not token:
            return rows


def everything(server, names=None):
    """All that can be asked, by question. `names` are those of the first time, so that the same is asked."""
    told = {}
    told["machines"] = ask_pages(server, "ListStateMachines", "stateMachines")
    told["activities"] = ask_pages(server, "ListActivities", "activities")
    machines = names["machines"] if names else [row["stateMachineArn"] for row in told["machines"]]
    executions = list(names["executions"]) if names else []
    for machine in machines:
        told["describe", machine] = ask(server, "DescribeStateMachine", stateMachineArn=machine)
        for status in (None, "SUCCEEDED", "FAILED", "RUNNING"):
            rows = ask_pages(server, "ListExecutions", "executions", stateMachineArn=machine, **({"statusFilter": status} if status else {}))
            told["list", machine, status] = rows
            if not names and status is None:
                executions += [row["executionArn"] for row in rows]
    for execution in executions:
        told["execution", execution] = ask(server, "DescribeExecution", executionArn=execution)
        told["history", execution] = ask_pages(server, "GetExecutionHistory", "events", executionArn=execution, maxResults=1000)
        told["machine of", execution] = ask(server, "DescribeStateMachineForExecution", executionArn=execution)
        told["runs", execution] = ask_pages(server, "ListMapRuns", "mapRuns", executionArn=execution)
    if names is None:
        told["names"] = {"machines": machines, "executions": executions}
    return told


def make_data(folder):
    """A data directory with ended and waiting executions, small and large ones; what the server says about it."""
    data = os.path.join(folder, "whole")
    os.mkdir(data)
    scene = Scene(Sound(data))
    try:
        for _ in range(6):
            for kind in ("chain", "sides", "inline", "spread", "failing"):
                scene.start(kind)
        for size in (5000, 30000, 100000):
            scene.start("failing", size)
        until(scene.ended, 120)
        for _ in range(10):
            scene.server.call("StartExecution", stateMachineArn=f.arn("stateMachine", "sleeping"), input=json.dumps({"filler": "w" * 3000}))
        told = everything(scene.server)
        assert scene.server.stop() == 0
    finally:
        scene.close()
    return data, told


def damage(path, chance):
    """Overwrites pages of the database; what was done."""
    pages = os.path.getsize(path) // PAGE
    how = chance.choice(("zeros", "noise", "half", "other"))
    some = sorted(chance.sample(range(pages), chance.choice((1, 1, 3, max(1, pages // 10)))))
    with open(path, "r+b") as file:
        for page in some:
            file.seek(page * PAGE)
            old = file.read(PAGE)
            if how == "zeros":
                new = bytes(PAGE)
            elif how == "noise":
                new = chance.randbytes(PAGE)
            elif how == "half":  # a write that was torn
                new = old[:PAGE // 2] + bytes(PAGE // 2)
            else:
                file.seek(chance.randrange(pages) * PAGE)
                new = file.read(PAGE)
            file.seek(page * PAGE)
            file.write(new)
    return f"{how} in pages {some[:8]} of {pages}"


def same(before, after):
    if isinstance(after, dict) and "refused" in after:
        return after["refused"] in READS and after["status"] in (500, 503)
    return before == after


def test_damaged_pages_give_errors_and_no_wrong_answers():
    seed = int(os.environ.get("TIDEMILL_KILL_SEED", random.randrange(1 << 30)))
    print(f"     seed {seed}, {DAMAGES} databases are damaged")
    chance = random.Random(seed)
    refused, errors, clean = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="tidemill-damage-") as folder:
        data, before = make_data(folder)
        wrong = []
        for number in range(DAMAGES):
            copy = os.path.join(folder, "damaged")
            shutil.copytree(data, copy, ignore=shutil.ignore_patterns("run"))
            what = damage(os.path.join(copy, "state", "flow.db"), chance)
            server = f.Server(f.plain_program(), copy)
            status = server.start(expect=False)
            if status is not None:
                assert status == 3, f"{what}: it ended with {status}\n{server.told()}"
                assert "flow.db" in server.told() or "execution" in server.told(), f"{what}: {server.told()}"
                refused += 1
            else:
                after = everything(server, before["names"])
                found = [key for key in after if not same(before[key], after[key])]
                wrong += [(number, what, key, str(before[key])[:300], str(after[key])[:300]) for key in found]
                told = sum(isinstance(value, dict) and "refused" in value for value in after.values())
                errors += told > 0
                clean += not told and not found
                server.kill()
            os.unlink(server.log_path)
            shutil.rmtree(copy)
        assert not wrong, "\n".join(map(str, wrong[:6])) + f"\n{len(wrong)} wrong answers"
    print(f"     {refused} did not start, {errors} answered errors, {clean} answered all as before")
    assert refused and errors


def test_newer_schema_is_refused():
    with tempfile.TemporaryDirectory(prefix="tidemill-newer-") as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        server = f.Server(f.plain_program(), data)
        server.start()
        assert server.stop() == 0
        # In the log only: pages of the file carry checksums, which Python's SQLite does not write.
        script = "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('PRAGMA user_version=4711'); os._exit(0)"
        subprocess.run([sys.executable, "-c", script, os.path.join(data, "state", "flow.db")], check=True)
        assert server.start(expect=False) == 3
        assert "newer tidemill" in server.told(), server.told()


if __name__ == "__main__":
    if not f.plain_program() or not f.shim():
        print("skipped: the program without a sanitizer and the preloaded library (build/clang) are not there; `make test` makes them")
        sys.exit(77)
    f.run_tests(globals())

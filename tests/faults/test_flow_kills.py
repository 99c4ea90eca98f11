#!/usr/bin/env python3
"""The engine killed with SIGKILL at random instants under load, started again on the same data directory each time, and asked what it knows.

After each start: no execution that was confirmed is lost; none that was seen ended is another one now; every history is whole, in order, and goes on where it was;
no task whose result is in a history ran again. At the end every execution has ended with the output that it has to have. ROUNDS says how often it is killed (60; ROUNDS=1000 is
the whole test); the seed is printed, TIDEMILL_KILL_SEED repeats a run's choices.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import flow_load as f  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "60"))
OPEN_MOST = 120  # executions open at a time: more would only make each check longer
RECHECKED = 25   # ended executions looked at again after each start
DRAIN_SECONDS = 240
KINDS = ["chain"] * 5 + ["pause"] * 4 + ["inline"] * 2 + ["spread", "sides", "sides", "again", "again", "work", "work", "work", "token", "token", "sync", "failing", "sleeping"]


def digest(events):
    return hashlib.sha256(json.dumps(events, sort_keys=True).encode()).hexdigest()


class Known:
    """What the test knows of one execution."""

    def __init__(self, kind, n, name):
        self.kind, self.n, self.name = kind, n, name
        self.arn = None          # once confirmed
        self.confirmed_ended = False
        self.events = []         # as last read; of one that ended
        self.digest = None       # ... only this is kept
        self.end = None          # (status, output, error, stop date) once seen

    @property
    def open(self):
        return self.end is None


class Load:
    def __init__(self, server, chance, functions):
        self.server, self.functions = server, functions
        self.chance = chance
        self.lock = threading.Lock()
        self.known = {}       # name: Known
        self.begun = []       # asked for, not confirmed
        self.answers = {}     # name of an execution: numbers of confirmed answers to its activity's work
        self.faults = []
        self.stopping = threading.Event()
        self.running = threading.Event()  # the load: on between a start and its kill
        self.done = threading.Event()
        self.number = 0
        self.counts = {"starts": 0, "again": 0, "down": 0, "answers": 0, "repeated": 0, "late": 0, "tokens": 0, "stops": 0, "synchronous": 0}
        self.tokens = []
        self.token_ready = threading.Condition()
        self.threads = []

    def fault(self, text):
        with self.lock:
            self.faults.append(text)

    def prepare(self):
        self.activity = self.server.call("CreateActivity", name="work")["activityArn"]
        definitions = f.machines(self.activity)
        definitions["sync"] = f.parent(f.arn("stateMachine", "inline"))
        for name, definition in definitions.items():
            self.server.call("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=f.ROLE)
        self.server.call("CreateStateMachine", name="quick", definition=json.dumps(definitions["chain"]), roleArn=f.ROLE, type="EXPRESS")

    # ---- who loads ----

    def spawn(self, work):
        def guarded():
            while not self.stopping.is_set():
                if not self.server.up.wait(0.5):
                    continue
                try:
                    work()
                except f.Down:
                    with self.lock:
                        self.counts["down"] += 1
                except Exception as fault:  # noqa: BLE001 - told at the end of the round
                    self.fault(f"{work.__name__}: {type(fault).__name__}: {fault}")
        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        self.threads.append(thread)

    def input(self, kind, n):
        until = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 0.3)) + f".{int(time.time() * 1000 + 300) % 1000:03d}Z"
        more = {"chain": {"count": 0}, "pause": {"until": until, "seconds": n % 3}}.get(kind, {})
        return json.dumps({"n": n, "items": [n + i for i in f.ITEMS], **more})

    def start_one(self):
        if not self.running.wait(0.2):
            return
        with self.lock:
            if sum(1 for one in self.known.values() if one.open) >= OPEN_MOST:
                full = True
            else:
                full = False
                self.number += 1
                kind = self.chance.choice(KINDS)
                one = Known(kind, self.number, f"{kind}-{self.number}")
                one.input = self.input(kind, one.n)
                one.tried = 0
                self.known[one.name] = one
        if full:
            self.stopping.wait(0.05)
            return
        self.confirm(one)
        if one.n % 7 == 0:  # asked twice: the same execution
            self.confirm(one)
        if one.n % 23 == 0:
            self.synchronous(one.n)
        if one.kind == "sleeping":
            self.end(one)

    def confirm(self, one):
        one.tried += 1
        try:
            told = self.server.call("StartExecution", stateMachineArn=f.arn("stateMachine", one.kind), name=one.name, input=one.input)
        except f.Refused as refused:
            if refused.code != "ExecutionAlreadyExists" or one.tried == 1:
                raise AssertionError(f"{one.name}: {refused}") from refused
            told = {"executionArn": f.arn("execution", one.kind, one.name)}
        with self.lock:
            if one.tried == 1:
                self.counts["starts"] += 1
            else:
                self.counts["again"] += 1
            if one.arn and one.arn != told["executionArn"]:
                self.faults.append(f"{one.name} has two names: {one.arn}, {told['executionArn']}")
            one.arn = told["executionArn"]

    def end(self, one):
        self.server.call("StopExecution", executionArn=one.arn, error="Stopped", cause="by the test")
        one.confirmed_ended = True
        with self.lock:
            self.counts["stops"] += 1

    def synchronous(self, n):
        told = self.server.call("StartSyncExecution", stateMachineArn=f.arn("stateMachine", "quick"), input=self.input("chain", n))
        if told["status"] != "SUCCEEDED" or json.loads(told["output"]) != f.wanted("chain", n)[1]:
            self.fault(f"a synchronous execution answered {told}")
        with self.lock:
            self.counts["synchronous"] += 1

    def work(self):
        told = self.server.call("GetActivityTask", activityArn=self.activity, workerName="worker")
        if not told.get("taskToken"):
            return
        given = json.loads(told["input"])
        with self.lock:
            self.number += 1
            number = self.number
        if number % 5 == 0:
            return  # a worker that is never heard of again
        if number % 3 == 0:
            self.alive(told["taskToken"])
        self.answer(told["taskToken"], {"value": 3 * given["n"], "number": number}, given["name"], number % 4 == 0)

    def alive(self, token):
        try:
            self.server.call("SendTaskHeartbeat", taskToken=token)
        except f.Refused as refused:
            if refused.code != "TaskTimedOut":
                raise

    def answer(self, token, output, name, twice):
        try:
            self.server.call("SendTaskSuccess", taskToken=token, output=json.dumps(output))
        except f.Refused as refused:
            if refused.code != "TaskTimedOut":
                raise
            with self.lock:
                self.counts["late"] += 1
            return
        with self.lock:
            self.counts["answers"] += 1
            self.answers.setdefault(name, []).append(output["number"])
        if not twice:
            return
        try:
            self.server.call("SendTaskSuccess", taskToken=token, output=json.dumps({"value": "second", "number": 0}))
            self.fault(f"{name}: a second answer to the same work was taken")
        except f.Refused as refused:
            if refused.code != "TaskTimedOut":
                raise
            with self.lock:
                self.counts["repeated"] += 1

    def token_told(self, token, output):
        with self.token_ready:
            self.tokens.append((token, output))
            self.token_ready.notify()

    def answer_tokens(self):
        with self.token_ready:
            if not self.tokens:
                self.token_ready.wait(0.2)
            if not self.tokens:
                return
            token, output = self.tokens.pop(0)
        try:
            self.server.call("SendTaskSuccess", taskToken=token, output=json.dumps(output))
            with self.lock:
                self.counts["tokens"] += 1
        except f.Refused as refused:
            if refused.code != "TaskTimedOut":
                raise
        except f.Down:
            self.token_told(token, output)
            raise

    # ---- what is checked ----

    def check_all(self, full=False):
        """What the server knows against what the test knows. The load stands still."""
        with self.lock:
            every = list(self.known.values())
        for one in every:
            if not one.arn:
                self.confirm(one)
            if one.kind == "sleeping" and not one.confirmed_ended:
                self.end_again(one)
        ended = [one for one in every if not one.open]
        looked = [one for one in every if one.open]
        looked += ended if full else random.Random(self.chance.random()).sample(ended, min(RECHECKED, len(ended)))
        for one in looked:
            self.check(one, full)

    def end_again(self, one):
        try:
            self.end(one)
        except f.Refused:
            one.confirmed_ended = True  # what it answered is told by its status

    def check(self, one, full):
        told = self.server.call("DescribeExecution", executionArn=one.arn)
        end = None if told["status"] == "RUNNING" else (told["status"], told.get("output"), told.get("error"), told["stopDate"])
        if one.end:
            assert end == one.end, f"{one.name} had ended with {one.end}, now {end}"
        if one.confirmed_ended:
            assert end and end[0] == "ABORTED", f"{one.name} was stopped and is {told['status']}"
        page = self.chance.choice((1, 2, 3, 7, 1000)) if one.n % 11 == 0 or full and one.n % 41 == 0 else 1000
        events = self.server.history(one.arn, page)
        if events and not end and events[-1]["type"] in f.ENDS:  # it ended between the two questions
            return self.check(one, full)
        self.check_events(one.name, one.events, events, end[0] if end else "RUNNING" if one.open else None)
        if one.n % 13 == 0 and end:
            assert list(reversed(self.server.history(one.arn, 5, True))) == events, f"{one.name}: backwards its history is another"
        if one.digest:
            assert digest(events) == one.digest, f"{one.name}: it had ended, and its history has changed"
        one.events = events
        if end:
            status, output = f.wanted(one.kind, one.n)
            assert end[0] == status, f"{one.name} ended with {end}"
            got = json.loads(end[1]) if status == "SUCCEEDED" else end[2]
            assert got == output, f"{one.name} ended with {got}, not {output}"
            self.check_answers(one)
            one.digest, one.events = digest(events), []
            with self.lock:
                one.end = end
        return None

    def check_answers(self, one):
        with self.lock:
            confirmed = list(self.answers.get(one.name, []))
        assert len(confirmed) <= 1, f"{one.name}: answers {confirmed} were all taken"
        recorded = [json.loads(event["activitySucceededEventDetails"]["output"])["number"] for event in one.events if event["type"] == "ActivitySucceeded"]
        if confirmed:
            assert recorded == confirmed, f"{one.name}: answer {confirmed} was taken, {recorded} is in the history"

    def check_events(self, name, before, events, status):
        try:
            f.check_history(events, status or "RUNNING")
        except AssertionError as fault:
            raise AssertionError(f"{name}: {fault}") from fault
        assert events[:len(before)] == before, f"{name}: what its history said has changed"
        self.check_results(name, events)

    def check_results(self, name, events):
        results = list(f.results_of(events))
        keys = [key for key, _ in results]
        assert len(set(keys)) == len(keys), f"{name}: two results of one task: {keys}"
        with self.functions.lock:
            for key, number in results:
                calls = self.functions.calls.get(key, {})
                assert number in calls, f"{name}: nobody answered {number} for {key}"
                if "/token/" in key:
                    continue  # the answer to a token may overtake a call that is under way
                later = [other for other, life in calls.items() if other != number and life >= calls[number]]
                assert not later, f"{name}: {key} has the result of call {number} of {calls}: it ran again after its result was recorded"
                self.functions.sealed.setdefault(key, self.server.begun)

    def check_children(self):
        """Executions that others started: all ended, whole, each counted once."""
        count = 0
        for kind in ("inline",):
            for row in self.server.pages("ListExecutions", "executions", stateMachineArn=f.arn("stateMachine", kind), maxResults=1000):
                if row["name"] not in self.known:
                    count += self.check_child(row)
        for one in self.known.values():
            if one.kind != "spread":
                continue
            for run in self.server.pages("ListMapRuns", "mapRuns", executionArn=one.arn):
                told = self.server.call("DescribeMapRun", mapRunArn=run["mapRunArn"])
                assert told["status"] == "SUCCEEDED" and told["executionCounts"]["succeeded"] == len(f.ITEMS), told
                rows = list(self.server.pages("ListExecutions", "executions", mapRunArn=run["mapRunArn"], maxResults=1000))
                assert len(rows) == len(f.ITEMS), f"{one.name}: {len(rows)} children of {len(f.ITEMS)} items"
                count += sum(self.check_child(row) for row in rows)
        return count

    def check_child(self, row):
        assert row["status"] == "SUCCEEDED", row
        self.check_events(row["executionArn"], [], self.server.history(row["executionArn"]), "SUCCEEDED")
        return 1

    def check_lists(self):
        """Each list has every execution once, and none that nobody asked for."""
        for kind in sorted({one.kind for one in self.known.values()}):
            names = [row["name"] for row in self.server.pages("ListExecutions", "executions", stateMachineArn=f.arn("stateMachine", kind), maxResults=100)]
            ours = {one.name for one in self.known.values() if one.kind == kind}
            assert len(names) == len(set(names)) and ours <= set(names), f"{kind}: the list lacks {sorted(ours - set(names))[:5]}"
            assert kind == "inline" or set(names) == ours, f"{kind}: nobody asked for {sorted(set(names) - ours)[:5]}"

    def raise_faults(self):
        with self.lock:
            assert not self.faults, self.faults[:5]
        with self.functions.lock:
            assert not self.functions.broken, f"ran again after their results were recorded: {self.functions.broken[:5]}"


def drain(load):
    end = time.monotonic() + DRAIN_SECONDS
    while any(one.open for one in load.known.values()):
        assert time.monotonic() < end, f"still open: {sorted(one.name for one in load.known.values() if one.open)[:10]}"
        load.check_all()
        load.raise_faults()
        load.stopping.wait(0.5)


def report(load, rounds, began, most):
    kinds = {}
    for one in load.known.values():
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    again = sum(len(calls) > 1 for calls in load.functions.calls.values())
    print(f"{rounds} kills in {time.monotonic() - began:.0f} s; {len(load.known)} executions {kinds}; at a kill up to {most} were open")
    print(f"{load.counts}; {len(load.functions.calls)} counted tasks, {again} of them made again after a kill")


def test_killed_at_random_instants_nothing_is_lost_or_done_twice():
    seed = int(os.environ.get("TIDEMILL_KILL_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}, {ROUNDS} rounds", flush=True)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="tidemill-kills-") as folder:
        functions = f.Lambda(random.Random(seed + 1))
        server = f.Server(f.plain_program(), os.path.join(folder, "data"), "--lambda-endpoint", functions.url)
        os.mkdir(server.data)
        load = Load(server, random.Random(seed + 2), functions)
        functions.on_token = load.token_told
        server.start()
        try:
            run(load, server, chance)
        except BaseException:
            print(server.told())
            raise
        finally:
            load.stopping.set()
            if server.process.poll() is None:
                server.kill()
            for thread in load.threads:
                thread.join(timeout=5)
            functions.close()


def strike(load, server, chance):
    """A life that ends at its nth write or sync, or in the middle of that write; 1 if it came so far."""
    plan = {"UNDER": os.path.realpath(server.data), "CALL": chance.choice(("any", "write", "sync")), "NTH": str(chance.randrange(1, 1500)),
            "ACTION": chance.choice(("kill", "half"))}
    status = server.start(expect=False, environment={"LD_PRELOAD": f.shim(), **{"TIDEMILL_FAULT_" + key: value for key, value in plan.items()}})
    if status is None:
        load.running.set()
        try:
            status = server.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            pass
        load.running.clear()
        server.kill()
    assert status in (None, -9), f"{plan}: it ended with {status}: {server.told()}"
    return status is not None


def run(load, server, chance):
    load.prepare()
    for work in (load.start_one, load.start_one, load.start_one, load.work, load.work, load.answer_tokens):
        load.spawn(work)
    began, most, struck = time.monotonic(), 0, 0
    for number in range(1, ROUNDS + 1):
        load.running.set()
        load.done.wait(chance.choice((chance.uniform(0, 0.1), chance.uniform(0.1, 0.6), chance.uniform(0.6, 1.5))))  # the instant is what is tested
        most = max(most, sum(one.open for one in list(load.known.values())))
        server.kill()
        load.running.clear()
        if number % 6 == 0:
            server.start_and_kill(chance.uniform(0, 0.04))
        if number % 3 == 0 and f.shim():
            struck += strike(load, server, chance)
        server.start()
        load.check_all()
        load.raise_faults()
        assert server.health()[1]["engine"] == "ok", server.health()
        if number % 50 == 0:
            print(f"round {number}: {len(load.known)} executions, {time.monotonic() - began:.0f} s", flush=True)
    drain(load)
    load.check_all(full=True)
    load.check_lists()
    children = load.check_children()
    load.raise_faults()
    report(load, ROUNDS, began, most)
    print(f"{struck} more lives ended at a write or sync of their own, or in the middle of a write")
    print(f"{children} executions were started by others; all ended once, with what they had to end with")
    server.stop()
    server.start()
    load.check_all(full=True)


if __name__ == "__main__":
    if not f.plain_program():
        print("skipped: the program without a sanitizer (build/clang or build/release) is not there; `make test` makes it")
        sys.exit(77)
    test_killed_at_random_instants_nothing_is_lost_or_done_twice()
    print("ok   test_killed_at_random_instants_nothing_is_lost_or_done_twice")

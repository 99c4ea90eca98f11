#!/usr/bin/env python3
"""tidemill flow: by itself, through a running server, and as docs/flow.md has it."""

import json
import os
import re
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

PAGE = os.path.join(p.SOURCE, "docs", "flow.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)

WORKS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "Next": "B"},
                                    "B": {"Type": "Task", "Resource": "arn:tidemill:task:tidemill.echo", "End": True}}}
FAILS = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
WAITS = {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 100000, "End": True}}}
BAD = '{\n  "StartAt": "A",\n  "States": {\n    "A": {"Type": "Pass", "Next": "Nowhere"}\n  }\n}\n'


class World:
    """A data directory with the definitions beside it; with a server on it or without one."""

    def __init__(self, served):
        self.scratch, self.served = p.Scratch(), served

    def __enter__(self):
        folder = self.scratch.__enter__()
        self.data = p.Data(os.path.join(folder, "data"))
        for name, definition in (("works", WORKS), ("fails", FAILS), ("waits", WAITS)):
            self.write(name + ".asl.json", json.dumps(definition))
        self.process = None
        if self.served:
            self.process = self.data.start("serve", "--listen", "127.0.0.1:0")
            assert self.process.stdout.readline().startswith("listening on"), self.process.stderr.read()
        return self

    def __exit__(self, *error):
        if self.process:
            self.process.terminate()
            self.process.communicate()
        self.scratch.__exit__(*error)

    def write(self, name, text):
        with open(os.path.join(self.data.folder, name), "w", encoding="utf-8") as out:
            out.write(text)


def both_ways(test):
    """The same whether a server answers or the command runs the engine."""
    def run():
        for served in (False, True):
            with World(served) as world:
                test(world, world.data)
    run.__name__ = test.__name__
    return run


@both_ways
def test_an_execution_from_start_to_end(world, data):
    assert "made: arn:aws:states:us-east-1:000000000000:stateMachine:works" in data.call("flow", "create", "works", "works.asl.json").stdout
    assert data.call("flow", "start", "works", "--input", '{"n": 7}', "--name", "one", "--wait").stdout == '{"n":7}\n'
    shown = data.json("flow", "show", "works/one")
    assert (shown["status"], shown["output"]) == ("SUCCEEDED", '{"n":7}'), shown
    assert [one["name"] for one in data.json("flow", "list", "works")] == ["one"]
    assert data.json("flow", "list", "works", "--status", "FAILED") == []
    events = data.json("flow", "history", "works/one")
    assert [event["id"] for event in events] == list(range(1, len(events) + 1)) and events[-1]["type"] == "ExecutionSucceeded", events
    assert data.json("flow", "history", "works/one", "--reverse") == events[::-1]
    assert data.call("flow", "wait", shown["executionArn"]).stdout == '{"n":7}\n'
    lines = data.call("flow", "history", "works/one").stdout.splitlines()
    assert len(lines) == len(events) and "TaskSucceeded" in lines[-3], lines


@both_ways
def test_failures_say_why(world, data):
    data.call("flow", "create", "fails", "fails.asl.json")
    result = data.call("flow", "start", "fails", "--name", "one", "--wait", expect=1)
    assert "one: FAILED: Broken" in result.stderr and "on purpose" in result.stderr, result.stderr
    assert "State Machine Does Not Exist" in data.call("flow", "start", "nobody", expect=1).stderr
    assert "Execution Does Not Exist" in data.call("flow", "show", "fails/two", expect=1).stderr
    assert "--input" in data.call("flow", "start", "fails", "--input", "{", expect=2).stderr


@both_ways
def test_an_execution_is_stopped(world, data):
    data.call("flow", "create", "waits", "waits.asl.json")
    data.call("flow", "start", "waits", "--name", "long")
    assert data.json("flow", "show", "waits/long")["status"] == "RUNNING"
    data.call("flow", "stop", "waits/long", "--error", "Enough", "--cause", "no longer wanted")
    shown = data.json("flow", "show", "waits/long")
    assert (shown["status"], shown["error"], shown["cause"]) == ("ABORTED", "Enough", "no longer wanted"), shown
    data.call("flow", "redrive", "waits/long")
    assert data.json("flow", "show", "waits/long")["redriveCount"] == 1


@both_ways
def test_a_machine_is_brought_up_to_date(world, data):
    data.call("flow", "create", "m", "works.asl.json")
    assert data.call("flow", "create", "m", "fails.asl.json").stdout.startswith("brought up to date: ")
    assert json.loads(data.json("flow", "show", "m")["definition"]) == FAILS
    assert "is there already, and is STANDARD" in data.call("flow", "create", "m", "works.asl.json", "--express", expect=1).stderr
    world.write("bad.asl.json", BAD)
    result = data.call("flow", "create", "m", "bad.asl.json", expect=1)
    assert "Invalid State Machine Definition" in result.stderr and "tidemill flow check bad.asl.json" in result.stderr, result.stderr


@both_ways
def test_an_express_machine_answers_at_once(world, data):
    data.call("flow", "create", "quick", "works.asl.json", "--express")
    assert data.call("flow", "start", "quick", "--input", '{"n": 1}', "--wait").stdout == '{"n":1}\n'


@both_ways
def test_a_state_is_tried(world, data):
    tried = data.json("flow", "test", "works.asl.json", "A", "--input", '{"n": 1}')
    assert (tried["status"], tried["nextState"], tried["output"]) == ("SUCCEEDED", "B", '{"n": 1}'), tried
    tried = data.json("flow", "test", "works.asl.json", "B", "--mock", '{"errorOutput": {"error": "E"}}', expect=1)
    assert (tried["status"], tried["error"]) == ("FAILED", "E"), tried
    assert data.json("flow", "test", "works.asl.json", "B", "--input", "[5]")["output"] == "[5]"
    world.write("mock.json", '{"any": ["thing"]}')
    assert data.json("flow", "test", "works.asl.json", "B", "--mock", "@mock.json")["output"] == '{"any": ["thing"]}'


def test_faults_are_printed_as_a_compiler_does():
    with World(False) as world:
        world.write("bad.asl.json", BAD)
        result = world.data.call("flow", "check", "works.asl.json", "bad.asl.json", expect=1)
        assert result.stdout == "bad.asl.json:1:1: error: Workflow has no terminal state [MISSING_END_STATE]\n" \
            "bad.asl.json:4:35: error: Missing 'Next' target: Nowhere [MISSING_TRANSITION_TARGET]\n", result.stdout
        told = world.data.json("flow", "check", "bad.asl.json", expect=1)
        assert [(one["file"], one["line"], one["column"], one["severity"]) for one in told] \
            == [("bad.asl.json", 1, 1, "error"), ("bad.asl.json", 4, 35, "error")], told
        assert "absent.json" in world.data.call("flow", "check", "absent.json", expect=1).stderr
        assert world.data.call("flow", "check", "works.asl.json").stdout == "1 definition: no faults\n"


def test_what_was_started_goes_on_with_the_next_owner():
    with World(False) as world:
        world.write("slow.asl.json", json.dumps({"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": True}}}))
        world.data.call("flow", "create", "slow", "slow.asl.json")
        result = world.data.call("flow", "start", "slow", "--name", "one", "--input", "[1]")
        assert "no server runs here" in result.stderr, result.stderr
        assert world.data.call("flow", "wait", "slow/one").stdout == "[1]\n"


def test_the_data_directory_has_one_owner():
    with World(True) as world:
        socket = os.path.join(world.data.folder, "run", "tidemill.sock")
        os.rename(socket, socket + ".away")
        result = world.data.call("flow", "list", expect=3)
        os.rename(socket + ".away", socket)
        assert str(world.process.pid) in result.stderr, result.stderr


def test_the_pages_commands_run():
    with open(PAGE, encoding="utf-8") as page:
        fences = FENCE.findall(page.read())
    machine, mocks = [body for kind, body in fences if kind == "json"]
    ran = []
    with World(False) as world:
        world.write("hello.asl.json", machine)
        world.write("mocks.json", mocks)
        world.write("bad.asl.json", BAD)
        for line in "\n".join(body for kind, body in fences if kind == "").splitlines():
            words = shlex.split(line.split("  #")[0])
            if not words:
                continue
            fails = "bad.asl.json" in words or "--retry-count" in words
            ran.append((words[2], world.data.call(*words[1:], expect=1 if fails else 0).stdout))
    said = dict(ran)
    assert len(ran) >= 12, ran
    assert said["start"] == '{"sent":true}\n', said["start"]
    assert "FAILED" in said["test"], said["test"]


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])

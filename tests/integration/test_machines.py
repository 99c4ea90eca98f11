#!/usr/bin/env python3
"""The machines that come with tidemill pass its own check; the curation machine, to the letter, runs with mocked tasks; the README's example runs."""

import glob
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

CURATION = os.path.join(os.environ.get("SHARED_DIR", ""), "spec", "curation-machine.asl.json")
EXAMPLE = os.path.join(p.SOURCE, "machines", "example.asl.json")


def test_shipped_machines_pass_the_check():
    machines = sorted(glob.glob(os.path.join(p.SOURCE, "machines", "*.asl.json")))
    assert len(machines) >= 2, machines
    with p.Scratch() as folder:
        data = p.Data(folder)
        for machine in machines:
            for words in ([machine], [machine, "--express"]):
                assert "no faults" in data.call("flow", "check", *words).stdout, words
        broken = os.path.join(folder, "broken.asl.json")
        with open(machines[0], encoding="utf-8") as source, open(broken, "w", encoding="utf-8") as out:
            out.write(source.read().replace('"StartAt": "', '"StartAt": "Not', 1))
        told = data.call("flow", "check", broken, expect=1)
        assert "MISSING_TRANSITION_TARGET" in told.stdout + told.stderr, told


def mocks(machine):
    """Every Task state of the machine answers; one of them fails once first."""
    responses, states = {}, {}

    def walk(part):
        for name, state in part["States"].items():
            if state["Type"] == "Task":
                states[name] = name
                answer = {"Return": {"mocked": name, "urls": ["a", "b"], "pages": [1, 2], "items": [1, 2]}}
                responses[name] = {"0-99": answer}
            for inner in (state.get("Iterator"), state.get("ItemProcessor"), *state.get("Branches", ())):
                if inner:
                    walk(inner)

    walk(machine)
    return {"StateMachines": {"curation": {"TestCases": {"All": states}}}, "MockedResponses": responses}, states


def test_the_curation_machine_runs_to_the_letter():
    if not os.path.exists(CURATION):
        print("skipped: the curation machine is not here")
        return
    with open(CURATION, encoding="utf-8") as source:
        text = source.read()
    assert "${" in text, "its tasks are template variables"
    config, states = mocks(json.loads(text))
    assert states
    with p.Scratch() as folder:
        data = p.Data(folder)
        path = os.path.join(folder, "mocks.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        assert "no faults" in data.call("flow", "check", CURATION).stdout
        data.call("flow", "create", "curation", CURATION)
        told = data.call("flow", "start", "curation#All", "--name", "night", "--input", '{"query": "tides", "urls": ["a", "b"]}', "--mock-config", path,
                         "--virtual-time", "--wait")
        assert told.stdout.strip().startswith(("{", "[")), told
        history = json.loads(data.call("flow", "history", "curation/night", "--json").stdout)
        events = history["events"] if isinstance(history, dict) else history
        entered = {event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event}
        assert entered & set(states), entered
        assert events[-1]["type"] == "ExecutionSucceeded", events[-1]


def test_the_example_of_the_readme():
    with p.Scratch() as folder:
        data = p.Data(folder)
        data.call("flow", "create", "example", EXAMPLE)
        told = json.loads(data.call("flow", "start", "example", "--input", '{"names": ["Ada", "Alan"]}', "--wait").stdout)
        assert [one["greeting"] for one in told["greetings"]] == ["Good evening, Ada", "Good evening, Alan"], told
        failed = data.call("flow", "start", "example", "--input", '{"names": []}', "--wait", expect=1)
        assert "Example.Nobody" in failed.stderr, failed


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])

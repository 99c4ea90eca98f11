#!/usr/bin/env python3
"""Definitions and data that were made to hurt: bounded in memory, ended with the right error, and the others go on meanwhile.

The ceilings of seconds are generous: they tell what is bounded from what is not, and measure nothing.
"""

import json
import os
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import flow_load as f  # noqa: E402

SECONDS = 180
MEMORY_MOST = 1 << 30
KIB = 1024
pause = threading.Event()  # never set: pauses between two looks
LEAF = {"Type": "Pass", "End": True}


class Place:
    """A server whose memory is watched while it runs."""

    def __init__(self, *more):
        self.folder = tempfile.TemporaryDirectory(prefix="tidemill-hostile-")
        data = os.path.join(self.folder.name, "data")
        os.mkdir(data)
        self.server = f.Server(f.plain_program(), data, *more)
        self.server.start()
        self.count, self.most = 0, 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        ended = self.server.process.poll() is not None
        if not ended:
            self.server.kill()
        told = self.server.told()
        self.folder.cleanup()
        if kind:
            print(told)
            return
        assert not ended, told
        assert self.most < MEMORY_MOST, f"{self.most >> 20} MiB of memory"

    def machine(self, definition, refused=None):
        """The machine's ARN; with `refused` the error that the definition has to meet (or none)."""
        self.count += 1
        text = definition if isinstance(definition, str) else json.dumps(definition)
        try:
            made = self.server.call("CreateStateMachine", name=f"m{self.count}", definition=text, roleArn=f.ROLE)["stateMachineArn"]
        except f.Refused as fault:
            assert refused and fault.code in refused, f"{fault.code}: {fault.message[:300]}"
            return None
        finally:
            self.look()
        assert not refused or None in refused, "it was taken"
        return made

    def start(self, machine, given=None):
        return self.server.call("StartExecution", stateMachineArn=machine, input=given if isinstance(given, str) else json.dumps({} if given is None else given))["executionArn"]

    def look(self):
        self.most = max(self.most, self.server.memory())

    def end(self, execution, seconds=SECONDS):
        until = time.monotonic() + seconds
        while True:
            self.look()
            told = self.server.call("DescribeExecution", executionArn=execution)
            if told["status"] != "RUNNING":
                return told
            assert time.monotonic() < until, f"it has not ended after {seconds} s"
            pause.wait(0.02)

    def run(self, definition, given=None):
        return self.end(self.start(self.machine(definition), given))

    def others_go_on(self, executions):
        """A small execution that was started later than others ends before the last of them."""
        small = self.end(self.start(self.machine(f.machine("A", A={"Type": "Pass", "Next": "B"}, B=LEAF))))
        assert small["status"] == "SUCCEEDED"
        last = max((self.end(one) for one in executions), key=lambda told: told["stopDate"])
        assert small["stopDate"] < last["stopDate"], "the small one had to wait for all of the large ones"


INVALID = ("InvalidDefinition", "ValidationException")


def nested(depth, before, behind):
    """So many states within each other, as a text."""
    head = "".join(f'{{"StartAt":"s{i}","States":{{"s{i}":{before}' for i in range(depth))
    return head + json.dumps(f.machine("S", S=LEAF)) + (behind + "}}") * depth


def test_depth():
    with Place() as place:
        place.machine('{"StartAt":"S","States":' * 20000, INVALID)
        place.machine("[" * 500000, INVALID)
        place.machine('{"a":' * 100000 + "1" + "}" * 100000, INVALID)
        for depth in (8, 20, 40, 100, 1000):
            parallel = place.machine(nested(depth, '{"Type":"Parallel","End":true,"Branches":[', "]}"), (*INVALID, None))
            each = place.machine(nested(depth, '{"Type":"Map","End":true,"ItemProcessor":', "}"), (*INVALID, None))
            rules = place.machine('{"StartAt":"S","States":{"S":{"Type":"Choice","Default":"E","Choices":[{"Next":"E",' + '"Not":{' * depth + '"Variable":"$.a","IsNull":true'
                                  + "}" * depth + '}]},"E":{"Type":"Succeed"}}}', (*INVALID, None))
            place.machine('{"StartAt":"S","States":{"S":{"Type":"Pass","End":true,"Parameters":' + '{"a":' * depth + "1" + "}" * depth + "}}}", (*INVALID, None))
            assert parallel and each or depth > 20, f"{depth} levels are refused"
            if parallel:
                assert place.end(place.start(parallel))["status"] == "SUCCEEDED"
            if each:
                assert place.end(place.start(each, [[[[[]]]]]))["status"] in ("SUCCEEDED", "FAILED")
            if rules:
                assert place.end(place.start(rules, {"a": 1}))["status"] in ("SUCCEEDED", "FAILED")
        some = place.machine(f.machine("S", S=LEAF))
        for text in ("[" * 100000 + "]" * 100000, '{"a":' * 40000 + "1" + "}" * 40000):
            try:
                place.start(some, text)
            except f.Refused as refused:
                assert refused.code == "InvalidExecutionInput", refused
            else:
                raise AssertionError("an input of tens of thousands of levels was taken")
        deep = "[" * 90 + "]" * 90
        assert place.end(place.start(some, deep))["status"] == "SUCCEEDED"


def test_data_deeper_than_can_be_read_back():
    """What an execution cannot be loaded from would stop the engine at the next start."""
    count = {"n.$": "States.MathAdd($.n, 1)", "most.$": "$.most"}
    ends = {"C": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThanPath": "$.most", "Next": "A"}], "Default": "W"},
            "W": {"Type": "Wait", "Seconds": 2, "Next": "E"}, "E": {"Type": "Succeed"}}
    deeper = f.machine("A", A={"Type": "Pass", "Parameters": {**count, "a": {"x.$": "$.a"}}, "Next": "C"}, **ends)
    variables = f.machine("First", First={"Type": "Pass", "Assign": {"x": 1}, "Next": "A"},
                          A={"Type": "Pass", "Parameters": count, "Assign": {"x.$": "States.Array($x)"}, "Next": "C"}, **ends)
    with Place() as place:
        executions = []
        for machine in (place.machine(deeper), place.machine(variables)):
            for most in (*range(85, 105), 300, 1200):
                executions.append(place.start(machine, {"n": 0, "a": 1, "most": most}))
        some = place.machine(f.machine("W", W={"Type": "Wait", "Seconds": 2, "End": True}))
        for depth in range(90, 104):
            try:
                executions.append(place.start(some, "[" * depth + "]" * depth))
            except f.Refused as refused:
                assert refused.code == "InvalidExecutionInput", refused
        place.others_go_on(executions[:1])
        place.server.kill()
        place.server.start()
        ends = [place.end(execution) for execution in executions]
        assert {end["status"] for end in ends} == {"SUCCEEDED", "FAILED"}
        assert place.server.health()[0] == 200, place.server.health()


def row_of(count, comment=0):
    states = {f"s{i}": {"Type": "Pass", "Next": f"s{i + 1}"} for i in range(count - 1)}
    states[f"s{count - 1}"] = LEAF
    made = {"StartAt": "s0", "States": states}
    if comment:
        made["Comment"] = "c" * max(0, comment - len(json.dumps(made)) - 15)
    return made


def test_definitions_of_a_megabyte():
    with Place() as place:
        whole = json.dumps(row_of(9000, 1 << 20))
        assert 1 << 20 >= len(whole) > (1 << 20) - 50, len(whole)
        machines = [place.machine(whole) for _ in range(5)]
        ends = [place.end(place.start(one)) for one in machines]
        assert {end["status"] for end in ends} == {"SUCCEEDED"}, ends
        place.machine(json.dumps(row_of(100, (1 << 20) + 100)), INVALID)
        place.machine(json.dumps({**row_of(10), "States": {f"{i:x}": {"Type": "Fail"} for i in range(20000)}, "StartAt": "0"}), INVALID)
        rules = [{"Variable": "$.a", "NumericEquals": i, "Next": "E"} for i in range(12000)]
        many = f.machine("S", S={"Type": "Choice", "Choices": rules, "Default": "E"}, E={"Type": "Succeed"})
        assert place.run(many, {"a": -1})["status"] == "SUCCEEDED"


def test_cycles_end_at_the_limit_of_events():
    cycle = f.machine("A", A={"Type": "Pass", "Next": "B"}, B={"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "C"}], "Default": "A"},
                      C={"Type": "Succeed"})
    with Place() as place:
        machine = place.machine(cycle)
        executions = [place.start(machine) for _ in range(20)]
        place.others_go_on(executions)
        for execution in executions[:3]:
            told = place.end(execution)
            assert told["status"] == "FAILED" and told["error"] == "States.Runtime" and "25000" in told["cause"], told
            events = place.server.history(execution)
            f.check_history(events, "FAILED")
            assert len(events) == 25000, len(events)
        caught = f.machine("M", M={"Type": "Parallel", "Branches": [cycle], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "M"}], "End": True})
        told = place.run(caught)
        assert told["status"] == "FAILED" and "25000" in told["cause"], told  # nothing catches it


def test_express_cycles_end_after_five_minutes():
    """Their history has no limit of events; time runs a hundred times as fast here."""
    cycle = f.machine("A", A={"Type": "Pass", "Next": "B"}, B={"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "C"}], "Default": "A"},
                      C={"Type": "Succeed"})
    with Place("--time-scale", "100") as place:
        for name, more in (("forever", {}), ("own", {"TimeoutSeconds": 100})):
            machine = place.server.call("CreateStateMachine", name=name, definition=json.dumps({**cycle, **more}), roleArn=f.ROLE, type="EXPRESS")["stateMachineArn"]
            for _ in range(3):
                place.server.call("StartExecution", stateMachineArn=machine)
            told = place.server.call("StartSyncExecution", stateMachineArn=machine)
            assert told["status"] == "TIMED_OUT", told
            assert 90 <= told["stopDate"] - told["startDate"] <= (400 if name == "forever" else 200), told
        place.look()


def test_paths_and_patterns_that_explode():
    wide = {"a": [{"a": [{"a": [{"a": [1] * 6}] * 6}] * 6}] * 6}
    text = "a" * 2000
    filters = ["$..*..*..*..*", "$..a..a..a..a..a", "$[*][*]..[*]..[*]", "$..[?(@..a)]", "$..[?(@..*)]..[?(@..*)]", "$.a[?(@.a[?(@.a[?(@.a)])])]",
               "$..[?(@.a =~ /(1+)+x/)]", "$..['a','a','a','a']..['a','a','a','a']..['a','a','a','a']"]
    patterns = ["(a+)+$x", "(a|a)*b", "(a|aa)+b", "(a*)*b", "a?" * 200 + "a" * 200, "(((a{1,30}){1,30}){1,30}){1,30}", ".*.*.*.*.*.*.*b"]
    with Place() as place:
        started = []
        for path in filters:
            for field in ("InputPath", "OutputPath"):
                machine = place.machine(f.machine("S", S={**LEAF, field: path}), (*INVALID, None))
                started += [place.start(machine, wide)] if machine else []
        for pattern in patterns:
            machine = place.machine(f.machine("S", S={**LEAF, "InputPath": f"$.texts[?(@ =~ /{pattern}/)]"}), (*INVALID, None))
            started += [place.start(machine, {"texts": [text] * 20})] if machine else []
        machine = place.machine(f.machine("S", S={"Type": "Choice", "Choices": [{"Variable": "$.text", "StringMatches": "*a" * 500 + "*b", "Next": "E"}], "Default": "E"},
                                          E={"Type": "Succeed"}))
        started += [place.start(machine, {"text": "a" * 200000}) for _ in range(5)]
        for execution in started:
            told = place.end(execution)
            assert told["status"] == "SUCCEEDED" or told["error"] in ("States.Runtime", "States.DataLimitExceeded"), told


def test_states_that_compute_without_measure():
    """Each of thousands of expressions is within its bounds; all of a state together are not. The loop is the others' too."""
    numbers, text = list(range(30000)), "a" * 200000

    def every(expression, count=10000):
        return f.machine("S", S={**LEAF, "Parameters": {f"y{i}.$": expression for i in range(count)}})

    def rules(rule):
        return f.machine("S", S={"Type": "Choice", "Choices": [{**rule, "Next": "E"}] * 9000, "Default": "E"}, E={"Type": "Succeed"})

    cases = [(every("States.ArrayContains($.x, 'a')"), numbers), (every("States.ArrayUnique($.x)", 500), numbers),
             (every("States.ArrayLength(States.Array(States.JsonToString($)))"), numbers), (every("$..nothing"), numbers),
             (every("States.ArrayLength(States.Array(States.Format('{}{}', $.x, $.x)))", 8000), text), (every("States.ArrayLength(States.StringSplit($.x, 'a'))"), text),
             (every("States.ArrayLength(States.Array(States.Hash($.x, 'SHA-512')))"), text[:10000]), (rules({"Variable": "$.x[?(@ == 'a')]", "IsPresent": True}), numbers)]
    with Place() as place:
        executions = [place.start(place.machine(definition), {"x": value}) for definition, value in cases]
        place.others_go_on([*executions, place.start(place.machine(f.machine("W", W={"Type": "Wait", "Seconds": 3, "End": True})))])
        for execution in executions:
            told = place.end(execution)
            assert told["status"] == "FAILED" and told["error"] == "States.Runtime", str(told)[:400]


def endless(state, assign=None):
    first = {"Type": "Pass", "Next": "S", **({"Assign": assign} if assign else {})}
    more = {"Type": "Choice", "Choices": [{"Variable": "$.never", "IsPresent": True, "Next": "End"}], "Default": "S"}
    return f.machine("First", First=first, S={**state, "Next": "More"}, More=more, End={"Type": "Succeed"})


def test_data_that_grows():
    with Place() as place:
        double = endless({"Type": "Pass", "Parameters": {"x.$": "States.Format('{}{}{}{}', $.x, $.x, $.x, $.x)"}})
        told = place.run(double, {"x": "ab"})
        assert told["status"] == "FAILED" and told["error"] in ("States.DataLimitExceeded", "States.Runtime"), told
        nest = endless({"Type": "Pass", "Parameters": {"a.$": "$", "b.$": "$", "c.$": "$", "d.$": "$"}})
        told = place.run(nest, {"x": 1})
        assert told["status"] == "FAILED" and told["error"] in ("States.DataLimitExceeded", "States.Runtime"), told
        assign = endless({"Type": "Pass", "Assign": {"x.$": "States.Format('{}{}{}{}', $x, $x, $x, $x)"}}, {"x": "z"})
        told = place.run(assign)
        assert told["status"] == "FAILED", told
        print(f"     variables end with {told['error']}: {told['cause'][:120]}")
        states = {f"s{i}": {"Type": "Pass", "Assign": {f"v{i}.$": "$.x"}, "Next": f"s{i + 1}"} for i in range(1500)}
        many = {"StartAt": "s0", "States": {**states, "s1500": {"Type": "Succeed"}}}
        assert place.run(many, {"x": "y" * 1000})["status"] == "SUCCEEDED"
        assert place.run(many, {"x": "y" * 250000})["error"] == "States.DataLimitExceeded"
        refs = f.machine("S", S={**LEAF, "Parameters": {f"k{i}.$": "$" for i in range(20000)}})
        assert place.run(refs, {"x": "y" * 200000})["error"] == "States.DataLimitExceeded"
        share = endless({"Type": "Pass", "Assign": {"x.$": "States.Array($x, $x, $x, $x, $x, $x, $x, $x)"}}, {"x": 1})
        assert place.run(share)["status"] == "FAILED"
        task = f.machine("S", S={"Type": "Task", "Resource": "arn:tidemill:task:tidemill.nothing", "Parameters": {f"k{i}.$": "$" for i in range(5000)}, "End": True})
        assert place.run(task, {"x": "y" * 200000})["error"] == "States.DataLimitExceeded"
        branch = f.machine("S", S={"Type": "Parallel", "Branches": [f.machine("L", L=LEAF)], "Parameters": {f"k{i}.$": "$" for i in range(5000)}, "End": True})
        assert place.run(branch, {"x": "y" * 200000})["status"] == "FAILED"
        each = f.machine("S", S={"Type": "Map", "ItemsPath": "$.l", "ItemSelector": {f"k{i}.$": "$" for i in range(5000)}, "ItemProcessor": f.machine("L", L=LEAF), "End": True})
        assert place.run(each, {"x": "y" * 200000, "l": [1, 2, 3]})["status"] == "FAILED"
        split = f.machine("S", S={**LEAF, "Parameters": {"x.$": "States.StringSplit($.x, ',')", "y.$": "States.ArrayUnique(States.StringSplit($.x, ','))"}, "OutputPath": None})
        assert place.run(split, {"x": ",".join(str(i) for i in range(40000))})["status"] in ("SUCCEEDED", "FAILED")
        unique = f.machine("S", S={**LEAF, "Parameters": {"y.$": "States.ArrayUnique($.x)"}})
        assert place.run(unique, {"x": list(range(30000))})["status"] == "SUCCEEDED"


def test_maps_without_measure():
    with Place() as place:
        items = "[" + ",".join("1" * 1 for _ in range(100000)) + "]"
        each = f.machine("M", M={"Type": "Map", "ItemsPath": "$", "ItemProcessor": f.machine("P", P=LEAF), "End": True})
        machine = place.machine(each)
        executions = [place.start(machine, items) for _ in range(3)]
        for execution in executions:
            told = place.end(execution)
            assert told["status"] == "FAILED" and told["error"] == "States.Runtime" and "25000" in told["cause"], told
        inner = f.machine("P", P=LEAF)
        for i in range(4):
            each = {"Type": "Map", "ItemsPath": "$$.Execution.Input", "ItemSelector": {"x.$": "$$.Execution.Input"}, "ItemProcessor": inner, "End": True}
            inner = f.machine(f"M{i}", **{f"M{i}": each})
        told = place.run(inner, list(range(1000)))
        assert told["status"] == "FAILED", told
        print(f"     {place.most >> 20} MiB at most")


def test_a_distributed_map_of_many():
    with Place() as place:
        each = f.machine("M", M={"Type": "Map", "ItemsPath": "$", "Label": "M", "MaxConcurrency": 500, "End": True,
                                 "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **f.machine("P", P=LEAF)}})
        told = place.run(each, [1] * 30000)
        assert told["status"] == "SUCCEEDED" and json.loads(told["output"]) == [1] * 30000, str(told)[:300]
        print(f"     {place.most >> 20} MiB at most")


def tree(name, depth):
    """2 ** depth states in branches of branches."""
    if not depth:
        return f.machine(name, **{name: LEAF})
    return f.machine(name, **{name: {"Type": "Parallel", "End": True, "Branches": [tree(name + "l", depth - 1), tree(name + "r", depth - 1)]}})


def test_wide_parallels():
    with Place() as place:
        wide = f.machine("S", S={"Type": "Parallel", "End": True, "Branches": [f.machine(f"b{i}", **{f"b{i}": LEAF}) for i in range(9000)]})
        told = place.run(json.dumps(wide, separators=(",", ":")), {"x": "y" * 20})
        assert told["status"] in ("SUCCEEDED", "FAILED"), told
        told = place.run(json.dumps(tree("t", 12), separators=(",", ":")))
        assert told["status"] == "SUCCEEDED" or "25000" in told["cause"], told
        print(f"     {place.most >> 20} MiB at most")


def test_large_payloads_through_many_states():
    with Place() as place:
        machine = place.machine(row_of(1000))
        given = {"x": "y" * (255 * KIB)}
        executions = [place.start(machine, given) for _ in range(3)]
        place.others_go_on(executions)
        for execution in executions:
            told = place.end(execution)
            assert told["status"] == "SUCCEEDED" and json.loads(told["output"]) == given
        page = place.server.call("GetExecutionHistory", executionArn=executions[0], maxResults=1000)
        assert page["events"] and page.get("nextToken")  # a page ends before it is half a gigabyte
        place.look()
        folder = os.path.join(place.server.data, "state")
        size = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
        print(f"     {place.most >> 20} MiB of memory at most, {size >> 20} MiB of files")


if __name__ == "__main__":
    if not f.plain_program():
        print("skipped: the program without a sanitizer (build/clang or build/release) is not there; `make test` makes it")
        sys.exit(77)
    f.run_tests(globals())

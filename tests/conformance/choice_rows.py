"""The recorded Choice operators: one machine and one input each, and the output that the branch taken gives."""

import json

import rows
from client import Refused
from engine_rows import ROLE, Runner
from values import Matcher


class ChoiceRow:
    def __init__(self, number, record):
        self.number, self.id = number, record["id"]
        self.name = rows.short(self.id) + f"[{number}]"
        self.definition, self.input, self.output = record["definition"], record["input"], record["output"]
        self.operator = self.name.split("::")[1].split("[")[0]
        self.jsonata = rows.has_jsonata(self.definition)


class ChoiceResult:
    def __init__(self, row):
        self.row, self.good, self.faults = row, False, []

    def first(self):
        return self.faults[0] if self.faults else ""


def choice_rows(folder):
    return [ChoiceRow(number, record) for number, record in enumerate(rows.load(folder, "asl-choice.jsonl"))]


def run_choice(client, row):
    result = ChoiceResult(row)
    try:
        machine = client.call("CreateStateMachine", name=f"choice-{row.number}", definition=json.dumps(row.definition), roleArn=ROLE)["stateMachineArn"]
        execution = client.call("StartExecution", stateMachineArn=machine, input=json.dumps(row.input))["executionArn"]
        described = Runner(client, False).wait(execution)
        result.good = described["status"] == "SUCCEEDED" and Matcher(strict=False).match(row.output, described.get("output"))
        if not result.good:
            got = described.get("output") if described["status"] == "SUCCEEDED" else f"{described['status']} {described.get('error')}: {described.get('cause')}"
            result.faults.append(f"input {json.dumps(row.input)}: expected {json.dumps(row.output)}, was {got}")
    except (Refused, TimeoutError, OSError, KeyError) as fault:
        result.faults.append(f"{type(fault).__name__} {fault}")
    return result

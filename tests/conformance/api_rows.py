"""The recorded calls that need no execution: ValidateStateMachineDefinition, refused creations, TestState."""

import json
import re

import rows
from client import Refused
from engine_rows import ROLE, brief
from values import Matcher

OPERATIONS = {"validate_state_machine_definition": "ValidateStateMachineDefinition", "create_state_machine": "CreateStateMachine",
              "update_state_machine": "UpdateStateMachine", "test_state": "TestState"}
WHOLE_TEXT = ("definition", "input", "context")


class CallRow:
    def __init__(self, number, record, kind):
        self.number, self.kind, self.id = number, kind, record["id"]
        self.name = rows.short(self.id)
        self.request = {key: value for key, value in record["request"].items() if key != "_expect_error"}
        self.response = record["response"]
        self.operation = OPERATIONS[record["op"]]
        # A check of boto's own, before anything is sent.
        self.client_side = isinstance(self.response, str)
        self.group = self.find_group()

    def find_group(self):
        """What the row needs: "interpreter", "models" (AWS's service models), "service" (a service itself) or "jsonata"."""
        definition = self.request.get("definition")
        response = json.dumps(self.response)
        if self.client_side:
            return "client"
        if "schema validation error" in response or re.search(r"dynamodb:query", json.dumps(definition)):
            return "models"
        if rows.has_jsonata(definition) and self.kind == "teststate":
            return "jsonata"
        if self.kind == "teststate" and isinstance(definition, dict) and definition.get("Type") == "Task" and "mock" not in self.request \
                and "Error" not in self.response:
            return "service"
        return "interpreter"

    def body(self):
        body = {}
        for key, value in self.request.items():
            if key in WHOLE_TEXT and not isinstance(value, str):
                value = json.dumps(value)
            body[key] = value
        return body


class CallResult:
    """Levels: accepted or refused as recorded, with the right code; the whole answer."""

    def __init__(self, row):
        self.row, self.levels, self.faults = row, [False, False], []

    @property
    def good(self):
        return self.levels[1]

    def first(self):
        if not self.faults:
            return ""
        path, expected, actual = self.faults[0]
        return f"{path}: expected {brief(expected)}, was {brief(actual)}"


def load(folder, name, kind):
    return [CallRow(number, record, kind) for number, record in enumerate(rows.load(folder, name))]


def validate_rows(folder):
    return load(folder, "asl-validate.jsonl", "validate")


def createfail_rows(folder):
    return load(folder, "asl-createfail.jsonl", "createfail")


def teststate_rows(folder):
    return load(folder, "asl-teststate.jsonl", "teststate")


def expected_error(response):
    """Code and message that the service refused with; None when it did not."""
    if "Error" in response and isinstance(response["Error"], dict):
        return response["Error"]["Code"], response["Error"]["Message"]
    if "exception_typename" in response:
        return response["exception_typename"], re.sub(r"^An error occurred \(\w+\) when calling the \w+ operation: ", "", response["exception_value"])
    return None


def run_call(client, row):
    result = CallResult(row)
    if row.client_side:
        return result
    body, error = row.body(), expected_error(row.response)
    try:
        if "AlreadyExists" in json.dumps(row.response):
            other = json.dumps({"StartAt": "Other", "States": {"Other": {"Type": "Pass", "End": True}}})
            client.call("CreateStateMachine", name=body["name"], definition=other, roleArn=ROLE)
        answer = client.call(row.operation, **body)
    except Refused as refused:
        if error is None:
            result.faults.append(("answer", "an answer", str(refused)))
            return result
        matcher = Matcher(strict=False)
        result.levels[0] = matcher.match(error[0], refused.code, "code")
        result.levels[1] = matcher.match(error[1], refused.message, "message") and result.levels[0]
        result.faults = matcher.faults
        return result
    except (OSError, ValueError) as fault:
        result.faults.append(("answer", "an answer", f"{type(fault).__name__}: {fault}"))
        return result
    if error is not None:
        result.faults.append(("answer", f"{error[0]}: {error[1]}", answer))
        return result
    for one in answer.get("diagnostics", []):
        for more in ("line", "column"):  # tidemill's own addition
            one.pop(more, None)
    matcher = Matcher(strict=False)
    result.levels[0] = all(row.response.get(key) == answer.get(key) for key in ("status", "result", "error"))
    result.levels[1] = matcher.match({key: value for key, value in row.response.items() if key != "ResponseMetadata"}, answer)
    result.faults = matcher.faults
    return result

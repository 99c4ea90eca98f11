"""The recorded executions as rows to run: what each needs beside an interpreter, the input to give, the answers to mock."""

import json
import os
import re

from ages import up_to_date
from values import opened, opened_all

ACCOUNT = "111111111111"
RESULTS = ("TaskSucceeded", "TaskFailed", "TaskTimedOut", "LambdaFunctionSucceeded", "LambdaFunctionFailed", "LambdaFunctionTimedOut")
NESTED = re.compile(r"arn:aws:states:::(states:startExecution|aws-sdk:sfn:)")
MACHINE = re.compile(r"arn:aws:states:[a-z0-9-]*:\d{12}:stateMachine:[A-Za-z0-9_-]+")
ACTIVITY = re.compile(r"arn:aws:states:[a-z0-9-]*:\d{12}:activity:[A-Za-z0-9_-]+")

CSV = "Value1,Value2,Value3\nValue4,Value5,Value6\n,,\ntrue,1,'HelloWorld'\nNull,None,\n   ,,\n"
COLUMNS = "Col1,Col2\nValue1,Value2\nValue3,Value4\nValue5,Value6\nValue7,Value8\n"
STATEMENT = {"verdict": "true", "statement_date": "6/11/2008", "statement_source": "speech"}

# What stood in the bucket: no recording says it, so it is worked out from what the map made of it.
OBJECTS = [
    ("csv_headers_decl", CSV),
    ("csv_headers_first_line", "Col1,Col2,Col3\n" + CSV),
    ("csv_first_row_extra_fields", "H1,\n" + CSV.split("\n", 1)[1]),
    ("csv_headers_first_row_typed_headers", "0,True,{}\n" + CSV.split("\n", 1)[1]),
    ("csv_max_items_paths", COLUMNS),
    ("base_json_max_items", json.dumps([STATEMENT] * 4)),
    ("json_no_json_list_object", json.dumps({"Hello": "world"})),
]

PASS_RESULT = {"StartAt": "State_1", "States": {"State_1": {"Type": "Pass", "Result": {"Arg1": "argument1"}, "End": True}}}
FAILURE = {"StartAt": "FailState", "States": {"FailState": {
    "Type": "Fail", "Error": "SomeFailure", "Cause": "This state machines raises a 'SomeFailure' failure."}}}
# Nobody works on its activity.
TIMEOUT = {"StartAt": "Start", "States": {"Start": {"Type": "Task", "Resource": "${activity}", "TimeoutSeconds": 5, "End": True}}}
# Hands the parent's token back, as the recorded child did through a queue.
ANSWER = {"StartAt": "Answer", "States": {"Answer": {
    "Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess",
    "Parameters": {"Output": "\"SQS_SEND_MESSAGE_AND_WAIT\"", "TaskToken.$": "$.TaskToken"}, "End": True}}}
# The machine that a row's state starts, by what the recording shows of it.
CHILDREN = [("delegate_failure", FAILURE), ("delegate_timeout", TIMEOUT), ("sync_with_task_token", ANSWER), ("", PASS_RESULT)]


def has_jsonata(value):
    if isinstance(value, dict):
        return value.get("QueryLanguage") == "JSONata" or any(has_jsonata(one) for one in value.values())
    return isinstance(value, list) and any(has_jsonata(one) for one in value)


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def short(row_id):
    """`file::test[case]` of a recording's whole name."""
    path, _, rest = row_id.partition("::")
    name = rest.split("::")[-1]
    for ending in ("#get_execution_history", "#exec_hist_resp", "#test_case_response"):
        name = name.removesuffix(ending)
    return os.path.basename(path).removesuffix(".py").removeprefix("test_") + "::" + name.removeprefix("test_")


def merged_input(given, recorded):
    """The input to start with: what the recording shows, and the row's own value where the recording has a placeholder or opened a text."""
    if opened_all(given) == recorded:
        return given
    if isinstance(given, dict) and isinstance(recorded, dict) and set(given) == set(recorded) and "CreateFunctionResponse" not in given:
        return {key: merged_input(given[key], recorded[key]) for key in given}
    if isinstance(given, list) or not isinstance(recorded, str) or isinstance(given, str) and (
            "<" in recorded or recorded in ("timestamp", "date", json.dumps(given))):
        return given
    return recorded


def texts_of(value):
    """Every text inside a value."""
    if isinstance(value, dict):
        for one in value.values():
            yield from texts_of(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts_of(one)
    elif isinstance(value, str):
        yield value


class Row:
    """One recorded execution."""

    def __init__(self, number, record):
        self.number = number
        self.id = record["id"]
        self.name = short(self.id)
        self.definition = record["definition"]
        self.expected = record["expected"]
        self.recorded = self.expected.get("events")
        self.events = up_to_date(record["recorded"], self.recorded) if self.recorded else None
        self.sync = self.expected.get("sync")
        self.type = record["type"]
        self.features = record["features"] + (["Express, synchronous"] if self.sync else []) + [f"service:{one}" for one in record["services"] if one != "logs"]
        self.jsonata = has_jsonata(self.definition)
        self.pure = record["pure"]
        self.timed = record["timed"]
        self.machine = re.sub(r"[^A-Za-z0-9_-]+", "-", f"c{number:03d}-{self.name.split('::')[1]}")[:60].rstrip("-")
        recorded = self.events[0]["executionStartedEventDetails"].get("input") if self.events else self.sync.get("input")
        self.input = merged_input(record["input"], recorded)
        if record["input"] is None:
            self.input = {}
        resources = json.dumps(record["resources"])
        self.activity = bool(ACTIVITY.search(resources))
        self.nested = bool(NESTED.search(resources))
        self.stopped = bool(self.events) and self.events[-1]["type"] == "ExecutionAborted"
        self.file = self.reader_file()
        if self.file is not None:
            self.bucket = f"bucket-name-{number}"
            self.input = {**self.input, "Bucket": self.bucket}
        # A state that waits for its token is run against a queue whose reader is the harness.
        self.callback = "sqs:sendMessage.waitForTaskToken" in resources
        self.answers = {} if self.activity or self.nested or self.callback else self.find_answers()
        # Rows in which somebody outside the server acts in real time cannot run where waiting takes none.
        self.real_time = self.activity or self.stopped

    def reader_file(self):
        if "ItemReader" not in json.dumps(self.definition):
            return None
        for part, text in OBJECTS:
            if part in self.name:
                return text
        items = json.loads(self.expected["output"])
        if "ItemBatcher" in json.dumps(self.definition):
            items = [one for batch in items for one in batch["Items"]]
        return json.dumps(items)

    def find_answers(self):
        """What each state's task answered, attempt by attempt, as mocked responses."""
        answers, state_of = {}, {}
        for event in self.events or self.sync_events():
            details = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
            if not isinstance(event["id"], int):
                continue  # a branch of a Parallel, recorded without numbers
            state = details["name"] if event["type"].endswith("StateEntered") else state_of.get(event["previousEventId"])
            state_of[event["id"]] = state
            if event["type"] in RESULTS:
                answers.setdefault(state, []).append(self.answer(event["type"], details))
        return answers

    def sync_events(self):
        """The failure that a synchronous execution's output tells of."""
        output = opened(self.sync.get("output")) or {}
        if "service:lambda" not in self.features or "Error" not in output:
            return []
        return [{"id": 1, "previousEventId": 0, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": self.definition["StartAt"]}},
                {"id": 2, "previousEventId": 1, "type": "TaskFailed", "taskFailedEventDetails": {"error": output["Error"], "cause": output["Cause"]}}]

    def answer(self, kind, details):
        if kind.endswith("Succeeded"):
            output = details.get("output")
            return {"Return": json.loads(output) if isinstance(output, str) else output}
        if details.get("error") == "States.DataLimitExceeded":
            return {"Return": {"Payload": "x" * 300000}}  # the engine's own finding
        throw = {}
        if "error" in details:
            throw["Error"] = details["error"]
        if "cause" in details:
            throw["Cause"] = self.cause_text(details["cause"])
        return {"Throw": throw}

    def cause_text(self, cause):
        """A cause that was opened, as the text that it was: another place of the recording may still have it."""
        if isinstance(cause, str):
            return cause
        for text in texts_of(self.expected):
            if text.startswith("{") and opened(text) == cause:
                return text
        return json.dumps(cause, separators=(",", ":"))

    def mocked_responses(self):
        """For a state, the entries of MockedResponses: attempt -> Return or Throw."""
        return {state: {str(attempt): one for attempt, one in enumerate(given)} for state, given in self.answers.items()}

    def child(self):
        return next(machine for part, machine in CHILDREN if part in self.name)


def exec_rows(folder):
    return [Row(number, record) for number, record in enumerate(load(folder, "asl-exec.jsonl"))]


def mock_config(rows):
    """MockConfigFile.json of Step Functions Local for every row with answers; the case is called Recorded."""
    machines, responses = {}, {}
    for row in rows:
        states = {state: given for state, given in row.mocked_responses().items() if given}
        if not states:
            continue
        case = {}
        for number, (state, given) in enumerate(states.items()):
            name = f"{row.machine}.{number}"
            responses[name] = given
            case[state] = name
        machines[row.machine] = {"TestCases": {"Recorded": case}}
    return {"StateMachines": machines, "MockedResponses": responses}

"""Runs one recorded execution against a server and judges what came of it at five levels."""

import json
import threading
import time

from client import Refused
from rows import ACTIVITY, MACHINE
from values import ABSENT, Matcher

LEVELS = ("status", "output or error", "cause", "event types", "events")
ROLE = "arn:aws:iam::111111111111:role/sfn"


class Result:
    """What a row came to: a verdict and the differences for each level."""

    def __init__(self, row):
        self.row = row
        self.levels = [False] * len(LEVELS)
        self.faults = []  # (level, path, expected, actual)
        self.events = None
        self.as_recorded = False  # every event, to the letter of an old recording
        self.seconds = 0.0

    def first(self):
        """The first difference, as a line."""
        if not self.faults:
            return ""
        level, path, expected, actual = self.faults[0]
        return f"{LEVELS[level]}: {path}: expected {brief(expected)}, was {brief(actual)}"


def brief(value, most=110):
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=True)
    return text if len(text) <= most else text[: most - 3] + "..."


class Runner:
    def __init__(self, client, mocks, patience=20.0, queue=None):
        self.client, self.mocks, self.patience, self.queue = client, mocks, patience, queue
        self.started = {}  # the machine's name -> its execution
        if queue:
            queue.heard = self.heard

    def run(self, row):
        result = Result(row)
        start = time.monotonic()
        try:
            self.judge(row, result)
        except Refused as refused:
            result.faults.append((0, "the server refused", row.expected["status"], str(refused)))
        except TimeoutError as late:
            result.faults.append((0, "status", row.expected["status"], str(late)))
        except (OSError, KeyError, ValueError, TypeError) as fault:
            result.faults.append((0, "the answer", row.expected["status"], f"{type(fault).__name__}: {fault}"))
        result.seconds = time.monotonic() - start
        return result

    def judge(self, row, result):
        definition, given = json.dumps(row.definition), json.dumps(row.input)
        if row.nested:
            definition, given = self.with_child(row, definition, given)
        if row.callback and self.queue:
            given = json.dumps({**row.input, "QueueUrl": self.queue.url(row.machine)})
        if row.activity:
            definition = self.with_activity(row, definition)
        machine = self.client.call("CreateStateMachine", name=row.machine, definition=definition, roleArn=ROLE, type=row.type)["stateMachineArn"]
        account = machine.split(":")[4]
        case = "#Recorded" if self.mocks and row.mocked_responses() else ""
        if row.sync:
            answer = self.client.call("StartSyncExecution", stateMachineArn=machine + case, input=given)
            return judge_sync(row, answer, account, result)
        execution = self.client.call("StartExecution", stateMachineArn=machine + case, input=given)["executionArn"]
        self.started[row.machine] = execution
        if row.stopped:
            self.wait_for_events(execution, len(row.events) - 1)
            self.client.call("StopExecution", executionArn=execution)
        described = self.wait(execution)
        result.events = self.client.history(execution)
        judge_description(row, described, account, result)
        judge_events(row, result.events, account, result)
        return None

    def wait(self, execution):
        pause, end = 0.002, time.monotonic() + self.patience
        while True:
            described = self.client.call("DescribeExecution", executionArn=execution)
            if described["status"] not in ("RUNNING", "PENDING_REDRIVE"):
                return described
            if time.monotonic() > end:
                raise TimeoutError(f"still {described['status']} after {self.patience:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)

    def wait_for_events(self, execution, count):
        end = time.monotonic() + self.patience
        while len(self.client.history(execution)) < count and time.monotonic() < end:
            time.sleep(0.005)

    def with_child(self, row, definition, given):
        """The machine that the row starts is made first; its ARN takes the place of the recorded one."""
        if "no_such" in row.name:
            return definition, given
        text = json.dumps(row.child())
        if "${activity}" in text:
            text = text.replace("${activity}", self.client.call("CreateActivity", name=row.machine)["activityArn"])
        child = self.client.call("CreateStateMachine", name=row.machine[:70] + "-child", definition=text, roleArn=ROLE)
        arn = child["stateMachineArn"]
        return MACHINE.sub(arn, definition), MACHINE.sub(arn, given)

    def with_activity(self, row, definition):
        """The row's activity, and a worker for it that does what the recording shows."""
        name = ACTIVITY.search(definition).group().rsplit(":", 1)[1]
        arn = self.client.call("CreateActivity", name=name)["activityArn"]
        threading.Thread(target=self.try_work, args=(row, arn), daemon=True).start()
        return ACTIVITY.sub(arn, definition)

    def try_work(self, row, activity):
        try:
            self.work(row, activity)
        except (Refused, OSError, KeyError):
            pass  # the execution will not end as recorded, and that is what is reported

    def heard(self, queue, message):
        """A message of a state that waits for its token: the recorded reader failed the task, without a word, once it was submitted."""
        token = json.loads(message).get("TaskToken")
        if token:
            end = time.monotonic() + self.patience
            while queue not in self.started and time.monotonic() < end:
                time.sleep(0.002)
            self.wait_for_events(self.started[queue], 5)
            self.client.call("SendTaskFailure", taskToken=token)

    def work(self, row, activity):
        kinds = {event["type"]: event for event in row.events}
        worker = kinds["ActivityStarted"]["activityStartedEventDetails"].get("workerName")
        task = {}
        while not task.get("taskToken"):
            task = self.client.call("GetActivityTask", activityArn=activity, **({"workerName": worker} if worker else {}))
        if "heartbeatInSeconds" in kinds["ActivityScheduled"]["activityScheduledEventDetails"]:
            self.client.call("SendTaskHeartbeat", taskToken=task["taskToken"])
        if "ActivitySucceeded" in kinds:
            output = kinds["ActivitySucceeded"]["activitySucceededEventDetails"]["output"]
            self.client.call("SendTaskSuccess", taskToken=task["taskToken"], output=json.dumps(output))


def judge_field(result, level, matcher, path, expected, actual):
    """A field of the answer: None and absent are the same."""
    matcher.faults = []
    if expected is None and actual is None:
        good = True
    else:
        good = matcher.match(expected, actual, path)
    result.faults += [(level, *fault) for fault in matcher.faults]
    return good


def judge_description(row, described, account, result):
    matcher, expected = Matcher(account, strict=False), row.expected
    result.levels[0] = judge_field(result, 0, matcher, "status", expected["status"], described["status"])
    output = judge_field(result, 1, matcher, "output", expected.get("output"), described.get("output"))
    error = judge_field(result, 1, matcher, "error", expected.get("error"), described.get("error"))
    result.levels[1] = output and error
    result.levels[2] = judge_field(result, 2, matcher, "cause", expected.get("cause"), described.get("cause"))


def judge_sync(row, answer, account, result):
    """A synchronous execution has no history to compare: the shape of its answer is the fourth level, the whole of it the fifth."""
    expected = {key: value for key, value in row.sync.items() if key != "ResponseMetadata"}
    matcher = Matcher(account)
    result.levels[0] = judge_field(result, 0, matcher, "status", expected["status"], answer.get("status"))
    result.levels[1] = (judge_field(result, 1, matcher, "output", expected.get("output"), answer.get("output"))
                        and judge_field(result, 1, matcher, "error", expected.get("error"), answer.get("error")))
    result.levels[2] = judge_field(result, 2, matcher, "cause", expected.get("cause"), answer.get("cause"))
    result.levels[3] = judge_field(result, 3, matcher, "fields", sorted(expected), sorted(answer))
    # What was billed is a measure of that day's run: only that it is there is compared.
    whole = dict(expected)
    if isinstance(answer.get("billingDetails"), dict) and set(answer["billingDetails"]) == set(expected.get("billingDetails", {})):
        whole["billingDetails"] = answer["billingDetails"]
    result.levels[4] = result.as_recorded = judge_field(result, 4, matcher, "answer", whole, answer)


def without_gaps(expected, actual):
    """The events to compare: a recording whose numbers leave one out leaves that event out."""
    numbers = {event["id"] for event in expected if isinstance(event["id"], int)}
    unnumbered = sum(not isinstance(event["id"], int) for event in expected)
    last = max(numbers)
    if len(numbers) + unnumbered == last:
        return actual
    missing = last - len(numbers) - unnumbered
    kept = []
    for event in actual:
        if missing and event.get("type") == "ParallelStateSucceeded":
            missing -= 1
            continue
        kept.append(event)
    return kept


def in_recorded_order(expected, actual):
    """Branches of a Parallel run at once: where the recording has sorted them and dropped their numbers, the same is done here."""
    loose = [number for number, event in enumerate(expected) if not isinstance(event["id"], int)]
    if not loose or len(expected) != len(actual):
        return actual
    first, last = loose[0], loose[-1] + 1

    def rank(event):
        details = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails") or {}
        return event["type"], details.get("name", "")

    sorted_part = [{**event, "id": [0], "previousEventId": 0} for event in sorted(actual[first:last], key=rank)]
    return actual[:first] + sorted_part + actual[last:]


def differences(expected, events, account):
    """Every difference between two histories: (where, expected, actual); none when they are the same."""
    actual = in_recorded_order(expected, without_gaps(expected, events))
    matcher = Matcher(account)
    for number, (left, right) in enumerate(zip(expected, actual)):
        matcher.match(left, right, f"event {number + 1} {left['type']}")
    if len(expected) != len(actual):
        matcher.fault("the number of events", len(expected), len(actual))
    return matcher.faults


def judge_events(row, events, account, result):
    actual = in_recorded_order(row.events, without_gaps(row.events, events))
    expected_types, actual_types = [event["type"] for event in row.events], [event["type"] for event in actual]
    result.levels[3] = expected_types == actual_types
    if not result.levels[3]:
        place = next((number for number, pair in enumerate(zip(expected_types, actual_types)) if pair[0] != pair[1]),
                     min(len(expected_types), len(actual_types)))
        result.faults.append((3, f"event {place + 1} of {len(expected_types)}", dict(enumerate(expected_types)).get(place, ABSENT),
                              dict(enumerate(actual_types)).get(place, ABSENT)))
    faults = differences(row.events, events, account)
    result.faults += [(4, *fault) for fault in faults]
    result.levels[4] = not faults
    result.as_recorded = not differences(row.recorded, events, account)

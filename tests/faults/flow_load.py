"""What the tests of the engine's faults share: a server that is killed and started again, a Lambda that counts, machines whose every output is known.

Each kind of execution has a machine, an input made of a number, and the output that it ends with however often the server was killed.
"""

import http.client
import http.server
import json
import os
import subprocess
import sys
import threading
import traceback
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "conformance"))
from client import SIGNATURE, Refused  # noqa: E402

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow"
COUNT = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:count"
ENDS = {"ExecutionSucceeded": "SUCCEEDED", "ExecutionFailed": "FAILED", "ExecutionAborted": "ABORTED", "ExecutionTimedOut": "TIMED_OUT"}


def plain_program():
    """The program without a sanitizer: kills and preloaded libraries need none, and it is many times as fast. TIDEMILL_PLAIN names another one."""
    paths = [os.environ.get("TIDEMILL_PLAIN", ""), *(os.path.join(SOURCE, "build", folder, "tidemill") for folder in ("release", "clang"))]
    return next((path for path in paths if path and os.path.exists(path)), None)


def shim():
    """preload_fault.c, where it was built."""
    paths = [os.path.join(SOURCE, "build", folder, "preload_fault.so") for folder in ("clang", "release")]
    return next((path for path in paths if os.path.exists(path)), None)


class Down(Exception):
    """The server is not there, or went away before it answered."""


class Server:
    """`tidemill serve` on one data directory for as many lives as the test likes."""

    def __init__(self, program, data, *more, environment=None):
        self.words = [program, "serve", "--listen", "127.0.0.1:0", "--data", data, "--allow-unsigned", "--account", ACCOUNT, *more]
        self.environment = {**os.environ, "HOME": data, "AWS_ACCESS_KEY_ID": "AKIDFAULTS", "AWS_SECRET_ACCESS_KEY": "none", **(environment or {})}
        self.data, self.port, self.life, self.begun = data, None, 0, 0
        self.up = threading.Event()
        self.process = None
        self.log_path = data.rstrip("/") + ".log"
        self.local = threading.local()

    def words_of_life(self):
        """A life has its number in the endpoint of functions, so that they know which one calls."""
        self.begun += 1
        return [word.replace("LIFE", str(self.begun)) for word in self.words]

    def start(self, expect=True, environment=None):
        """The new life; with `expect` false the exit status of one that does not start."""
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.words_of_life(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                                            env={**self.environment, **(environment or {})})
        line = self.process.stdout.readline()
        while line and "listening on http://" not in line:
            line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.process.stdout.close()
            if expect:
                raise AssertionError(f"the server did not start ({status}):\n{self.told()}")
            return status
        self.port = urllib.parse.urlsplit(line[line.index("http://"):].split()[0]).port
        self.life += 1
        self.up.set()
        return None

    def start_and_kill(self, seconds):
        """A life that is over while it begins."""
        with open(self.log_path, "a", encoding="utf-8") as log, \
                subprocess.Popen(self.words_of_life(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=self.environment) as process:
            threading.Event().wait(seconds)  # the instant is what is tested
            process.kill()

    def told(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as text:
            return text.read()[-6000:]

    def kill(self):
        self.up.clear()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.up.clear()
        self.process.terminate()
        status = self.process.wait(timeout=120)
        self.process.stdout.close()
        return status

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as line:
            return int(line.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def send(self, method, path, body, headers, timeout=90):
        link = getattr(self.local, "link", None)
        if link is None or self.local.life != self.life:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            self.local.link, self.local.life = link, self.life
        try:
            link.request(method, path, body, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, OSError) as fault:
            link.close()
            self.local.link = None
            raise Down(str(fault)) from fault

    def call(self, operation, **request):
        """One operation, asked once. Raises Refused or Down."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions." + operation,
                   "X-Amz-Date": "20260101T000000Z", "Authorization": SIGNATURE.format(service="states")}
        status, body = self.send("POST", "/", json.dumps(request).encode(), headers)
        value = json.loads(body) if body else {}
        if status == 200:
            return value
        raise Refused(status, str(value.get("__type", status)).split("#")[-1], value.get("message", value.get("Message", "")))

    def health(self):
        status, body = self.send("GET", "/healthz", None, {})
        return status, json.loads(body)

    def history(self, execution, page=1000, reverse=False):
        events, token = [], None
        while True:
            answer = self.call("GetExecutionHistory", executionArn=execution, maxResults=page, reverseOrder=reverse,
                               **({"nextToken": token} if token else {}))
            events += answer["events"]
            token = answer.get("nextToken")
            if not token:
                return events

    def pages(self, operation, key, **request):
        token = None
        while True:
            answer = self.call(operation, **request, **({"nextToken": token} if token else {}))
            yield from answer[key]
            token = answer.get("nextToken")
            if not token:
                return


class Lambda:
    """Speaks Invoke. Every call of the function `count` is kept under the key that its payload names, with a number of its own that goes into the answer and the
    life of the server that it came from (a call may be seen long after its caller was killed)."""

    def __init__(self, chance, token_answered=None):
        self.lock = threading.Lock()
        self.calls = {}      # key: {number: life} of its invocations
        self.sealed = {}     # key: the life that had recorded its result at the latest
        self.broken = []     # calls of sealed keys from later lives
        self.number = 0
        self.chance = chance
        self.on_token = token_answered
        self.pause = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                payload = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                life = int(self.path.split("/")[1])
                failed, answer = outer.invoke(life, self.path.split("/functions/")[-1].split("/")[0], payload)
                body = json.dumps(answer).encode()
                try:
                    self.send_response(200)
                    if failed:
                        self.send_header("X-Amz-Function-Error", "Unhandled")
                    self.send_header("X-Amz-Executed-Version", "$LATEST")
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # it was killed meanwhile

        class Listener(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):
                pass

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/LIFE"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def invoke(self, life, function, payload):
        key = payload["key"]
        with self.lock:
            self.number += 1
            number = self.number
            self.calls.setdefault(key, {})[number] = life
            if life > self.sealed.get(key, life):
                self.broken.append(key)
            delay = self.chance.choice((0, 0, 0.002, 0.01, 0.05))
        self.pause.wait(delay)
        if payload.get("fail"):
            return True, {"errorType": "Broken", "errorMessage": f"{function} of {key} was asked to fail", "number": number}
        if "token" in payload and self.on_token:
            self.on_token(payload["token"], {"key": key, "number": number, "value": payload["value"] * 2})
        return False, {"key": key, "number": number, "value": payload["value"] * 2}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def machine(start, **states):
    return {"StartAt": start, "States": states}


def counted(key, value, **more):
    """A Task whose invocations are counted under a key made of the execution's name."""
    return {"Type": "Task", "Resource": COUNT, "Parameters": {"key.$": key, "value.$": value}, **more}


WAIT_TASK = {"Type": "Task", "Resource": "arn:tidemill:task:tidemill.wait"}
CHILD_KEY = "States.Format('{}/{}/{}', $.name, $.part, $.item)"
ITEMS = list(range(8))


def machines(activity):
    chain = machine(
        "Count", Count={"Type": "Pass", "Parameters": {"n.$": "$.n", "count.$": "States.MathAdd($.count, 1)"}, "Next": "More"},
        More={"Type": "Choice", "Choices": [{"Variable": "$.count", "NumericLessThan": 9, "Next": "Count"}], "Default": "Done"}, Done={"Type": "Succeed"})
    pause = machine(
        "Short", Short={"Type": "Wait", "TimestampPath": "$.until", "Next": "Between"}, Between={"Type": "Pass", "Next": "Long"},
        Long={"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Done"}, Done={"Type": "Pass", "Parameters": {"n.$": "$.n", "waited": True}, "End": True})
    each = machine("Work", Work=counted(CHILD_KEY, "$.value", ResultSelector={"value.$": "$.value"}, Next="Rest"),
                   Rest={"Type": "Wait", "Seconds": 0, "Next": "Task"},
                   Task={**WAIT_TASK, "Parameters": {"ms": 5, "value.$": "$.value"}, "OutputPath": "$.value", "End": True})
    selector = {"name.$": "$$.Execution.Name", "part": "map", "item.$": "$$.Map.Item.Index", "value.$": "$$.Map.Item.Value"}
    inline = machine("Each", Each={"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 3, "ItemSelector": selector, "ItemProcessor": each, "End": True})
    spread = machine("Each", Each={
        "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 3, "ItemSelector": selector, "Label": "Spread",
        "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **each}, "End": True})
    sides = machine("Both", Both={"Type": "Parallel", "End": True, "Branches": [
        machine("A", A=counted("States.Format('{}/a', $$.Execution.Name)", "$.n", OutputPath="$.value", End=True)),
        machine("B", B={**WAIT_TASK, "Parameters": {"ms": 30, "n.$": "$.n"}, "OutputPath": "$.n", "Next": "B2"},
                B2={"Type": "Task", "Resource": "arn:tidemill:task:tidemill.nothing", "End": True}),
        machine("C", C={"Type": "Parallel", "End": True, "Branches": [
            machine("D", D={"Type": "Wait", "Seconds": 1, "Next": "D2"}, D2={"Type": "Pass", "OutputPath": "$.n", "End": True}),
            machine("E", E=counted("States.Format('{}/e', $$.Execution.Name)", "$.n", OutputPath="$.value", End=True))]})]})
    again = machine(
        "Know", Know={"Type": "Pass", "Parameters": {"n.$": "$.n", "fail": True}, "Next": "First"},
        First={"Type": "Task", "Resource": COUNT, "ResultPath": None,
               "Parameters": {"key.$": "States.Format('{}/first/{}', $$.Execution.Name, $$.State.RetryCount)", "fail.$": "$.fail", "value.$": "$.n"},
               "Retry": [{"ErrorEquals": ["Broken"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1.0}],
               "Catch": [{"ErrorEquals": ["Broken"], "ResultPath": "$.fault", "Next": "Second"}], "Next": "Wrong"},
        Wrong={"Type": "Fail", "Error": "NotFailed"},
        Second=counted("States.Format('{}/second', $$.Execution.Name)", "$.n", ResultPath="$.second", Next="Done"),
        Done={"Type": "Pass", "Parameters": {"error.$": "$.fault.Error", "value.$": "$.second.value"}, "End": True})
    work = machine("Work", Work={
        "Type": "Task", "Resource": activity, "TimeoutSeconds": 4, "Parameters": {"name.$": "$$.Execution.Name", "n.$": "$.n"}, "OutputPath": "$.value",
        "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1000, "BackoffRate": 1.0, "MaxDelaySeconds": 2}], "End": True})
    token = machine("Ask", Ask={
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 4, "OutputPath": "$.value",
        "Parameters": {"FunctionName": COUNT, "Payload": {
            "key.$": "States.Format('{}/token/{}', $$.Execution.Name, $$.State.RetryCount)", "value.$": "$.n", "token.$": "$$.Task.Token"}},
        "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 1000, "BackoffRate": 1.0, "MaxDelaySeconds": 2}], "End": True})
    failing = machine("Do", Do=counted("States.Format('{}/do', $$.Execution.Name)", "$.n", Next="No"), No={"Type": "Fail", "Error": "Wanted", "Cause": "it is to fail"})
    sleeping = machine("Sleep", Sleep={"Type": "Wait", "Seconds": 100000, "End": True})
    return {"chain": chain, "pause": pause, "inline": inline, "spread": spread, "sides": sides, "again": again, "work": work, "token": token,
            "failing": failing, "sleeping": sleeping}


def parent(child):
    return machine("Child", Child={"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "OutputPath": "$.Output",
                                   "Parameters": {"StateMachineArn": child, "Input": {"n.$": "$.n", "items.$": "$.items", "count": 0}}, "Next": "After"},
                   After={"Type": "Pass", "End": True})


def arn(kind, *names):
    return f"arn:aws:states:us-east-1:{ACCOUNT}:{kind}:" + ":".join(names)


def wanted(kind, n):
    """(status, output or error) that an execution of that number ends with."""
    outputs = {"chain": {"n": n, "count": 9}, "pause": {"n": n, "waited": True}, "inline": [2 * (n + i) for i in ITEMS], "spread": [2 * (n + i) for i in ITEMS],
               "sides": [2 * n, n, [n, 2 * n]], "again": {"error": "Broken", "value": 2 * n}, "work": 3 * n, "token": 2 * n,
               "sync": [2 * (n + i) for i in ITEMS]}
    if kind == "failing":
        return "FAILED", "Wanted"
    if kind == "sleeping":
        return "ABORTED", "Stopped"
    return "SUCCEEDED", outputs[kind]


def check_history(events, status):
    """Whole and in order. The history of one that ended has its one end last."""
    assert [event["id"] for event in events] == list(range(1, len(events) + 1)), [event["id"] for event in events]
    assert events and events[0]["type"] == "ExecutionStarted", events[:1]
    for event in events:
        before = event.get("previousEventId", 0)
        assert 0 <= before < event["id"], event
    times = [event["timestamp"] for event in events]
    assert times == sorted(times), "a history whose time runs backwards"
    ends = [event["type"] for event in events if event["type"] in ENDS]
    if status == "RUNNING":
        assert not ends, ends
    else:
        assert [ENDS[end] for end in ends] == [status] and events[-1]["type"] in ENDS, (status, ends, events[-1]["type"])


def results_of(events):
    """(key, number) of each counted result that the history holds."""
    for event in events:
        for name in ("lambdaFunctionSucceededEventDetails", "taskSucceededEventDetails", "lambdaFunctionFailedEventDetails"):
            details = event.get(name)
            if not details:
                continue
            text = details.get("output") or details.get("cause") or ""
            try:
                value = json.loads(text)
            except ValueError:
                continue
            value = value.get("Payload", value) if isinstance(value, dict) else None
            if isinstance(value, dict) and "number" in value:
                yield value.get("key") or value["errorMessage"].split(" of ")[1].split(" was ")[0], value["number"]


def run_tests(names):
    """Every test_ of a module, or those that were named; ends the program."""
    failed = 0
    for name, test in list(names.items()):
        if not name.startswith("test_") or sys.argv[1:] and name not in sys.argv[1:]:
            continue
        try:
            test()
            print("ok  ", name, flush=True)
        except Exception:  # noqa: BLE001 - the next test is to run too
            traceback.print_exc()
            print("FAIL", name, flush=True)
            failed += 1
    sys.exit(1 if failed else 0)

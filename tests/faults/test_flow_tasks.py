#!/usr/bin/env python3
"""A function behind --lambda-endpoint that answers what nobody should: each execution gets an error with a name, and the others go on.

The tasks of this process and its workers that go wrong are in tests/unit/flow/test_engine_tasks.c.
"""

import json
import os
import random
import socketserver
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import flow_load as f  # noqa: E402

pause = threading.Event()  # never set
LARGE = 10 << 20


def answer(body, head=b"", length=None, status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\n" + head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % (len(body) if length is None else length) + body


ANSWERS = {
    "good": answer(b'{"x": 1}'),
    "text": answer(b"this is no JSON"),
    "bytes": answer(b"\xff\xfe\x00\x01"),
    "nothing": answer(b""),
    "large": answer(b'"' + b"x" * LARGE + b'"'),
    "deep": answer(b"[" * 5000 + b"]" * 5000),
    "cut": answer(b'{"x": ', length=1000),
    "closed": b"",
    "noise": b"\x00\x01\x02 this is no HTTP\r\n\r\n",
    "headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"y" * 4000) for i in range(5000)) + b"\r\n",
    "endless": None,  # bytes without end
    "hang": None,     # never a byte
    "refused": answer(b'{"__type": "ResourceNotFoundException", "Message": "no such function"}', b"X-Amzn-ErrorType: ResourceNotFoundException\r\n", status=b"404 Not Found"),
    "thrown": answer(b'{"errorType": "Mine", "errorMessage": "why"}', b"X-Amz-Function-Error: Unhandled\r\n"),
    "thrown-text": answer(b"it broke", b"X-Amz-Function-Error: Unhandled\r\n"),
}
# The error of each ("": it succeeds).
WANTED = {"good": "", "text": "", "bytes": "", "nothing": "", "large": "States.DataLimitExceeded", "deep": "States.DataLimitExceeded", "cut": "Lambda.SdkClientException", "closed": "Lambda.SdkClientException",
          "noise": "Lambda.SdkClientException", "headers": "Lambda.SdkClientException", "endless": "Lambda.SdkClientException", "hang": "States.Timeout", "refused": "Lambda.ResourceNotFoundException", "thrown": "Mine", "thrown-text": "Lambda.Unknown"}


class Function(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.request.recv(65536)
            if not part:
                return
            head += part
        name = head.split(b"/functions/")[1].split(b"/")[0].decode()
        try:
            if name == "hang":
                self.server.over.wait(60)
            elif name == "endless":
                self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
                while not self.server.over.is_set():
                    self.request.sendall(b"1," * 32768)
            else:
                self.request.sendall(ANSWERS[name])
        except OSError:
            pass  # it was hung up on


class Functions(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


def test_functions_that_answer_what_nobody_should():
    functions = Functions(("127.0.0.1", 0), Function)
    functions.over = threading.Event()
    threading.Thread(target=functions.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="tidemill-tasks-") as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        server = f.Server(f.plain_program(), data, "--lambda-endpoint", f"http://127.0.0.1:{functions.server_address[1]}")
        server.start()
        try:
            executions = {}
            for name in WANTED:
                for form in ("plain", "invoke"):
                    arn = f"arn:aws:lambda:us-east-1:{f.ACCOUNT}:function:{name}"
                    task = {"Type": "Task", "TimeoutSeconds": 20 if name != "hang" else 2, "End": True}
                    if form == "plain":
                        task["Resource"] = arn
                    else:
                        task.update({"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": arn, "Payload": {"a": 1}}, "OutputPath": "$.Payload"})
                    made = server.call("CreateStateMachine", name=f"{name}-{form}", definition=json.dumps(f.machine("T", T=task)), roleArn=f.ROLE)
                    executions[name, form] = server.call("StartExecution", stateMachineArn=made["stateMachineArn"])["executionArn"]
            errors = {}
            for key, execution in executions.items():
                told = server.call("DescribeExecution", executionArn=execution)
                while told["status"] == "RUNNING":
                    pause.wait(0.05)
                    told = server.call("DescribeExecution", executionArn=execution)
                f.check_history(server.history(execution), told["status"])
                errors[key] = told.get("error", "")
                assert told["status"] == ("FAILED" if errors[key] else "SUCCEEDED"), told
                assert not errors[key] or told.get("cause") or errors[key] == "States.Timeout", told
            wrong = {key: error for key, error in errors.items() if error != WANTED[key[0]]}
            assert not wrong, wrong
            assert server.health()[0] == 200 and server.memory() < 600 << 20, server.memory() >> 20
            functions.over.set()
            assert server.stop() == 0
        except BaseException:
            print(server.told())
            raise
        finally:
            functions.over.set()
            if server.process.poll() is None:
                server.kill()
            functions.shutdown()
            functions.server_close()


def test_a_worker_of_an_activity_that_lies():
    """Answers that are no JSON, too large, for others' tokens, or none: refused, and the work stays where it was."""
    chance = random.Random(3)
    with tempfile.TemporaryDirectory(prefix="tidemill-tasks-") as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        server = f.Server(f.plain_program(), data)
        server.start()
        try:
            activity = server.call("CreateActivity", name="a")["activityArn"]
            definition = f.machine("T", T={"Type": "Task", "Resource": activity, "End": True})
            machine = server.call("CreateStateMachine", name="m", definition=json.dumps(definition), roleArn=f.ROLE)["stateMachineArn"]
            execution = server.call("StartExecution", stateMachineArn=machine)["executionArn"]
            token = server.call("GetActivityTask", activityArn=activity)["taskToken"]
            lies = [("InvalidOutput", token, "no json"), ("InvalidOutput", token, "[" * 3000 + "]" * 3000), ("InvalidOutput", token, ""),
                    (None, token, '"' + "x" * 300000 + '"'), (None, token, '"' + "x" * LARGE + '"'), (None, "x" * 5000, "1"), (None, "", "1")]
            lies += [("TaskTimedOut", token[:i] + chance.choice("0123456789abcdef".replace(token[i], "")) + token[i + 1:], "1") for i in range(40, len(token), 3)]
            for code, given, output in lies:
                try:
                    server.call("SendTaskSuccess", taskToken=given, output=output)
                except f.Refused as refused:
                    assert 400 <= refused.status < 500 and code in (None, refused.code), (code, refused.status, str(refused)[:200])
                except f.Down:
                    assert len(output) > 1 << 20, "hung up"
                else:
                    raise AssertionError(f"taken: {output[:50]}")
                assert server.call("DescribeExecution", executionArn=execution)["status"] == "RUNNING"
            server.call("SendTaskSuccess", taskToken=token, output="[1]")
            assert server.call("DescribeExecution", executionArn=execution)["output"] == "[1]"
            assert server.stop() == 0
        finally:
            if server.process.poll() is None:
                server.kill()


if __name__ == "__main__":
    if not f.plain_program():
        print("skipped: the program without a sanitizer (build/clang or build/release) is not there; `make test` makes it")
        sys.exit(77)
    f.run_tests(globals())

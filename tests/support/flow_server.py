"""What the tests with real clients share: machines, a server with configured keys, the Python that has boto3."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("BUILD_DIR", os.path.join(SOURCE, "build", "asan"))
PROGRAM = os.environ.get("TIDEMILL", os.path.join(BUILD, "tidemill"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "conformance"))

from servers import PYTHON, Tidemill  # noqa: E402

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/flow"
KEY, SECRET = "AKIDTIDEMILLTEST", "not-a-secret-for-anything-else"
OTHER_SECRET = "another-secret-that-the-server-does-not-know"

PASS = json.dumps({"StartAt": "Hello", "States": {"Hello": {"Type": "Pass", "Result": {"word": "hello"}, "End": True}}})
WAITING = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}})
FAILING = json.dumps({"StartAt": "Choose", "States": {
    "Choose": {"Type": "Choice", "Choices": [{"Variable": "$.good", "BooleanEquals": True, "Next": "Good"}], "Default": "Bad"},
    "Good": {"Type": "Succeed"}, "Bad": {"Type": "Fail", "Error": "Bad", "Cause": "it was not good"}}})


def activity_machine(arn):
    return json.dumps({"StartAt": "Work", "States": {"Work": {
        "Type": "Task", "Resource": arn, "TimeoutSeconds": 300, "HeartbeatSeconds": 120, "End": True}}})


def in_environment_with_boto3(script):
    """Starts the script again with the pinned packages when this Python is without them."""
    if os.environ.get("TIDEMILL_TEST_PYTHON") == "1":
        return
    os.environ["TIDEMILL_TEST_PYTHON"] = "1"
    os.execv(PYTHON, [PYTHON, script, *sys.argv[1:]])


def signed_server():
    """A server that takes signed requests alone, of one configured key."""
    return Tidemill(PROGRAM, None, False, unsigned=False, environment={"TIDEMILL_ACCESS_KEYS": f"{KEY}:{SECRET}"})

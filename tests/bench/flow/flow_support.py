"""What the state-machine benchmarks share: servers, machines, the load program, and figures of a process."""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "conformance"))

from client import Client, Refused  # noqa: E402,F401
from servers import PYTHON, Moto, Server, Tidemill  # noqa: E402,F401

BUILD = os.environ.get("BUILD_DIR", os.path.join(SOURCE, "build", "bench"))
PROGRAM = os.environ.get("TIDEMILL", os.path.join(BUILD, "tidemill"))
LOAD = os.environ.get("BENCH_FLOW_LOAD", os.path.join(BUILD, "tests", "bench_flow_load"))
ROLE = "arn:aws:iam::111111111111:role/bench"

THREE_PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "C"}, "C": {"Type": "Pass", "End": True}}}
ONE_PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def pass_and_choice(states):
    """`states` states that run one after the other, Choice and Pass by turns."""
    machine = {"StartAt": "Choice1", "States": {"Stop": {"Type": "Fail"}}}
    for number in range(1, states // 2 + 1):
        machine["States"][f"Choice{number}"] = {
            "Type": "Choice", "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": f"Pass{number}"}], "Default": "Stop"}
        after = {"Next": f"Choice{number + 1}"} if number < states // 2 else {"End": True}
        machine["States"][f"Pass{number}"] = {"Type": "Pass", **after}
    return machine


GO = json.dumps({"go": True})


def create(client, name, definition, kind="STANDARD"):
    return client.call("CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE, type=kind)["stateMachineArn"]


def port_of(server):
    return server.url.rsplit(":", 1)[1].rstrip("/")


def load(server, machine, count, *more, window=1000, links=64, text=GO):
    """Runs the load program; its figures."""
    words = [LOAD, "--port", port_of(server), "--machine", machine, "--count", str(count), "--window", str(window), "--links", str(links),
             "--input", text, *more]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}\n{server.told()}")
    figures = json.loads(done.stdout)
    if figures["refused"]:
        sys.exit(f"{figures['refused']} of {count} executions were refused\n{server.told()}")
    return figures


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def wait_until(what, seconds=600.0):
    """Calls `what` until it is true; the seconds that it took."""
    start = time.monotonic()
    while not what():
        if time.monotonic() - start > seconds:
            sys.exit(f"still not after {seconds:.0f} s")
        time.sleep(0.01)
    return time.monotonic() - start


def clients_folder():
    """tools/clients with its packages."""
    folder = os.path.join(SOURCE, "tools", "clients")
    if not os.path.exists(os.path.join(folder, "node_modules", ".package-lock.json")):
        subprocess.run(["npm", "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder


def kept(what, good):
    print(f"{what}: {'kept' if good else 'BROKEN'}")
    return good

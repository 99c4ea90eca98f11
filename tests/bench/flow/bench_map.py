#!/usr/bin/env python3
"""One execution through a distributed Map of 10,000 items, 40 at a time, a task of no length each.

    BUILD_DIR=build/bench tests/bench/flow/bench_map.py [ITEMS]
"""

import json
import sys
import time

import flow_support as flow


def machine(kind):
    return {"StartAt": "Each", "States": {"Each": {"Type": "Map", "MaxConcurrency": 40, "End": True, "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind}, "StartAt": "Task", "States": {
            "Task": {"Type": "Task", "Resource": "arn:tidemill:task:tidemill.nothing", "End": True}}}}}}


def main():
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    best = 1e9
    with flow.Tidemill(flow.PROGRAM, virtual=False) as server:
        client = flow.Client(server.url)
        for kind in ("STANDARD", "EXPRESS"):
            arn = flow.create(client, f"map-{kind}", machine(kind))
            start = time.monotonic()
            execution = client.call("StartExecution", stateMachineArn=arn, input=json.dumps(list(range(items))))["executionArn"]
            described = {}

            def ended():
                described.update(client.call("DescribeExecution", executionArn=execution))
                return described["status"] != "RUNNING"

            flow.wait_until(ended)
            seconds = time.monotonic() - start
            good = described["status"] == "SUCCEEDED" and json.loads(described["output"]) == list(range(items))
            if not good:
                sys.exit(f"{kind}: {described['status']} {described.get('error')} {described.get('cause')}")
            best = min(best, seconds)
            print(f"Map of {items} items, 40 at a time, child executions {kind}: {seconds:.2f} s")
    return 0 if flow.kept("within 2 s", best <= 2) else 1


if __name__ == "__main__":
    sys.exit(main())

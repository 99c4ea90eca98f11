#!/usr/bin/env python3
"""Very many open executions: memory of each, the time until a restart is ready after kill -9, and whether every timer fires.

    BUILD_DIR=build/bench tests/bench/flow/bench_open.py [EXECUTIONS]     100,000 by default; a tenth of them is due after the restart
"""

import datetime
import sys
import time

import flow_support as flow

LONG = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 86400, "End": True}}}
DUE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "TimestampPath": "$.at", "End": True}}}
DUE_AFTER_S = 20


def listed(client, machine, status):
    found, token = [], None
    while True:
        page = client.call("ListExecutions", stateMachineArn=machine, statusFilter=status, maxResults=1000, **({"nextToken": token} if token else {}))
        found += page["executions"]
        token = page.get("nextToken")
        if not token:
            return found


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    soon = count // 10
    with flow.Tidemill(flow.PROGRAM, virtual=False) as server:
        client = flow.Client(server.url)
        long, due = flow.create(client, "long", LONG), flow.create(client, "due", DUE)
        flow.load(server, flow.create(client, "warm", flow.ONE_PASS), 1000)
        before = flow.resident_kib(server.process.pid)
        run = flow.load(server, long, count - soon, "--open")
        at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=DUE_AFTER_S)
        run_due = flow.load(server, due, soon, "--open", text='{"at":"%s"}' % at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        after = flow.resident_kib(server.process.pid)
        each = (after - before) * 1024 / count
        print(f"{count} executions started in {run['seconds'] + run_due['seconds']:.1f} s; memory of each: {each:.0f} bytes ({before // 1024} -> {after // 1024} MiB)")
        server.kill()
        start = time.monotonic()
        server.start()
        client = flow.Client(server.url)
        client.call("ListExecutions", stateMachineArn=due, maxResults=1)
        ready = time.monotonic() - start
        print(f"killed and started again: ready after {ready:.2f} s, {flow.resident_kib(server.process.pid) // 1024} MiB")
        flow.wait_until(lambda: not client.call("ListExecutions", stateMachineArn=due, statusFilter="RUNNING", maxResults=1)["executions"], 120)
        done = listed(client, due, "SUCCEEDED")
        late = max(one["stopDate"] for one in done) - at.replace(microsecond=0).timestamp() if done else 0
        print(f"timers due after the restart: {len(done)} of {soon} fired, the last {late:.1f} s after its time")
        still = len(listed(client, long, "RUNNING"))
        good = flow.kept("2 KB of memory each", each <= 2048)
        good &= flow.kept("ready within 2 s", ready <= 2)
        good &= flow.kept("no timer missed, none early", len(done) == soon and still == count - soon)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

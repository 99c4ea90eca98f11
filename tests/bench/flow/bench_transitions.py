#!/usr/bin/env python3
"""State transitions a second: executions of 20 Pass and Choice states, 1,000 open at a time, over HTTP; and, while that runs, one execution of
three Pass states at a time, from start to end. Beside it moto's server over the same HTTP, and aws-local-stepfunctions inside its own process.

    BUILD_DIR=build/bench tests/bench/flow/bench_transitions.py [EXECUTIONS]     20,000 by default
"""

import json
import os
import subprocess
import sys

import flow_support as flow

STATES = 20
RATE = 20000  # transitions a second
PEER_EXECUTIONS, PEER_WINDOW = 300, 50  # moto gives each execution a thread
LOCAL_EXECUTIONS = 3000


def tidemill(executions):
    with flow.Tidemill(flow.PROGRAM, virtual=False) as server:
        client = flow.Client(server.url)
        machine = flow.create(client, "load", flow.pass_and_choice(STATES))
        probe = flow.create(client, "probe", flow.THREE_PASS)
        flow.load(server, machine, 2000)  # warm
        most = flow.load(server, machine, executions, "--probe", probe)
        # The same load at the rate that is asked for: what one execution feels when the machine is busy and not drowned.
        steady = flow.load(server, machine, executions // 2, "--probe", probe, "--rate", str(RATE // STATES))
        return most, steady


def moto():
    with flow.Moto() as server:
        client = flow.Client(server.url)
        machine = flow.create(client, "load", flow.pass_and_choice(STATES))
        return flow.load(server, machine, PEER_EXECUTIONS, window=PEER_WINDOW, links=4)


def local():
    script = os.path.join(flow.clients_folder(), "bench_local.mjs")
    given = json.dumps({"definition": flow.pass_and_choice(STATES), "input": {"go": True}, "executions": LOCAL_EXECUTIONS, "window": 1000})
    done = subprocess.run(["node", script], input=given, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main():
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    most, steady = tidemill(executions)
    runs = {"tidemill, durable": most, "moto's server, in memory": moto(), "aws-local-stepfunctions, in process": local()}
    rates = {name: run["executions"] * STATES / run["seconds"] for name, run in runs.items()}
    ours = rates["tidemill, durable"]
    print(f"executions of {STATES} Pass and Choice states")
    print("| | executions | s | transitions/s | tidemill's is |")
    print("|---|---:|---:|---:|---:|")
    for name, run in runs.items():
        print(f"| {name} | {run['executions']} | {run['seconds']:.2f} | {rates[name]:,.0f} | {ours / rates[name]:,.1f} times |")
    for what, run in (("as many as are answered", most), (f"{RATE:,} transitions a second", steady)):
        rate = run["executions"] * STATES / run["seconds"]
        print(f"three Pass states, start to end, under a load of {what} ({rate:,.0f}/s, {run['probes']} of them): "
              f"median {run['probe_p50_ms']:.1f} ms, p99 {run['probe_p99_ms']:.1f} ms")
    good = flow.kept("20,000 transitions a second", ours >= 20000)
    good &= flow.kept("p99 within 15 ms at that rate", steady["probes"] > 0 and steady["probe_p99_ms"] <= 15 and steady["executions"] * STATES / steady["seconds"] >= 0.95 * RATE)
    good &= flow.kept("100 times moto", ours >= 100 * rates["moto's server, in memory"])
    good &= flow.kept("20 times aws-local-stepfunctions", ours >= 20 * rates["aws-local-stepfunctions, in process"])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

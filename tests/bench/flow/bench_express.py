#!/usr/bin/env python3
"""Express state machines, in memory: transitions a second of synchronous executions of 20 and of 1,000 Pass and Choice states, over HTTP.

    BUILD_DIR=build/bench tests/bench/flow/bench_express.py [EXECUTIONS]     20,000 of the short, a twentieth of the long
"""

import sys

import flow_support as flow


def main():
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
    rates = {}
    with flow.Tidemill(flow.PROGRAM, virtual=False) as server:
        client = flow.Client(server.url)
        print("| states | executions | s | transitions/s | an answer's p99, ms |")
        print("|---:|---:|---:|---:|---:|")
        for states, count in ((20, executions), (1000, executions // 20)):
            machine = flow.create(client, f"express{states}", flow.pass_and_choice(states), "EXPRESS")
            flow.load(server, machine, max(count // 20, 1), "--sync")
            run = flow.load(server, machine, count, "--sync")
            rate = count * states / run["seconds"]
            rates[states] = rate
            print(f"| {states} | {count} | {run['seconds']:.2f} | {rate:,.0f} | {run['start_p99_ms']:.1f} |")
    return 0 if flow.kept("200,000 transitions a second with 20 states each", rates[20] >= 200000) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Speed before and after very many ended executions.

    BUILD_DIR=build/bench tests/bench/flow/bench_ended.py [EXECUTIONS]     1,000,000 by default
"""

import os
import sys

import flow_support as flow

MEASURED = 20000
STATES = 20


def folder_mib(folder):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names) / 1e6


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    with flow.Tidemill(flow.PROGRAM, virtual=False) as server:
        client = flow.Client(server.url)
        machine, small = flow.create(client, "load", flow.pass_and_choice(STATES)), flow.create(client, "small", flow.ONE_PASS)
        flow.load(server, machine, 2000)
        before = flow.load(server, machine, MEASURED)
        past = flow.load(server, small, count)
        after = flow.load(server, machine, MEASURED)
        rates = [MEASURED * STATES / run["seconds"] for run in (before, after)]
        print(f"{count} executions ended in {past['seconds']:.0f} s; {folder_mib(server.folder):,.0f} MB on disk, "
              f"{flow.resident_kib(server.process.pid) // 1024} MiB of memory")
        print(f"transitions a second: {rates[0]:,.0f} before, {rates[1]:,.0f} after ({rates[1] / rates[0] - 1:+.0%})")
    return 0 if flow.kept("flat within 20 %", rates[1] >= 0.8 * rates[0]) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs the recordings of the real service against tidemill, and against moto's server beside it.

    tests/conformance/run.py                       tidemill's table
    tests/conformance/run.py --peer                moto's beside it
    tests/conformance/run.py --row map_state       what differs in the rows whose name holds that, side by side
    tests/conformance/run.py --docs docs/conformance.md

The recordings are read from $SHARED_DIR/conformance (by default ../shared beside the source).
"""

import argparse
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import report  # noqa: E402
import rows as recordings  # noqa: E402
from api_rows import createfail_rows, run_call, teststate_rows, validate_rows  # noqa: E402
from choice_rows import choice_rows, run_choice  # noqa: E402
from client import Client  # noqa: E402
from engine_rows import Runner  # noqa: E402
from queue_server import Queue  # noqa: E402
from servers import SOURCE, Moto, Tidemill  # noqa: E402

THREADS = 16


class Suite:
    """The rows of every kind."""

    def __init__(self, folder, only=""):
        def wanted(row):
            return only.lower() in row.id.lower() or only.lower() in row.name.lower()

        self.execution = [row for row in recordings.exec_rows(folder) if wanted(row)]
        self.choice = [row for row in choice_rows(folder) if wanted(row)]
        self.validate = [row for row in validate_rows(folder) if wanted(row)]
        self.createfail = [row for row in createfail_rows(folder) if wanted(row)]
        self.teststate = [row for row in teststate_rows(folder) if wanted(row)]

    @property
    def path_rows(self):
        """The rows of this issue: those in JSONPath."""
        return [row for row in self.execution if not row.jsonata]

    @property
    def objects(self):
        return [(row.bucket, row.input["Key"], row.file) for row in self.path_rows if row.file is not None]


class Outcome:
    """What one server made of the suite: results by row."""

    def __init__(self, name, version):
        self.name, self.version = name, version
        self.execution, self.choice, self.validate, self.createfail, self.teststate = {}, {}, {}, {}, {}
        self.seconds = 0.0
        self.log, self.faults = "", ""


def each(pool, function, rows):
    return dict(zip((row.id + str(row.number) for row in rows), pool.map(function, rows)))


def run_api_rows(suite, pool, client, outcome):
    outcome.choice = each(pool, lambda row: run_choice(client, row), suite.choice)
    for kind in ("validate", "createfail", "teststate"):
        setattr(outcome, kind, each(pool, lambda row: run_call(client, row), getattr(suite, kind)))


def run_tidemill(suite, program):
    """Two servers: one in which waiting takes no time, and one for the rows with somebody outside who acts in real time."""
    outcome, start = Outcome("tidemill", Tidemill.version(program)), time.monotonic()
    fast = [row for row in suite.path_rows if not row.real_time]
    slow = [row for row in suite.path_rows if row.real_time]
    config = recordings.mock_config(suite.path_rows)
    with ThreadPoolExecutor(THREADS) as pool:
        queue = Queue()
        keys = {"AWS_ACCESS_KEY_ID": "AKIDFORTHEQUEUE", "AWS_SECRET_ACCESS_KEY": "of the recordings' own queue"}
        with Tidemill(program, config, True, suite.objects, ("--sqs-endpoint", queue.endpoint), environment=keys) as server:
            client = Client(server.url)
            runner = Runner(client, True, queue=queue)
            outcome.execution = each(pool, runner.run, fast)
            queue.close()
            run_api_rows(suite, pool, client, outcome)
            outcome.log = server.told()
        outcome.faults = server.faults
        if slow:
            with Tidemill(program, config, False, suite.objects) as server:
                outcome.execution.update(each(pool, Runner(Client(server.url), True).run, slow))
            outcome.faults += server.faults
    outcome.seconds = time.monotonic() - start
    return outcome


def run_moto(suite):
    outcome, start = Outcome("moto", Moto.version()), time.monotonic()
    with Moto(suite.objects) as server, ThreadPoolExecutor(THREADS) as pool:
        client = Client(server.url)
        outcome.execution = each(pool, Runner(client, False).run, suite.path_rows)
        run_api_rows(suite, pool, client, outcome)
        outcome.log = server.told()
    outcome.seconds = time.monotonic() - start
    return outcome


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", default=os.environ.get("TIDEMILL", os.path.join(SOURCE, "build", "release", "tidemill")))
    parser.add_argument("--peer", action="store_true", help="moto's server beside it")
    parser.add_argument("--peer-only", action="store_true", help="moto's server alone")
    parser.add_argument("--row", default="", metavar="TEXT", help="only rows whose name holds TEXT, and what differs in each, side by side")
    parser.add_argument("--list", action="store_true", help="name every row that fails, with its first difference")
    parser.add_argument("--docs", metavar="FILE", help="write the report as Markdown")
    parser.add_argument("--shared", default=os.environ.get("SHARED_DIR", os.path.join(SOURCE, "..", "shared")))
    return parser.parse_args()


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # into head or less
    given = arguments()
    folder = os.path.join(given.shared, "conformance")
    if not os.path.exists(os.path.join(folder, "asl-exec.jsonl")):
        print(f"skipped: no recordings in {folder}")
        return 77
    suite = Suite(folder, given.row)
    outcomes = []
    if not given.peer_only:
        outcomes.append(run_tidemill(suite, given.program))
    if given.peer or given.peer_only:
        outcomes.append(run_moto(suite))
    if given.row:
        report.details(suite, outcomes[0])
        return 0
    print(report.table(suite, outcomes))
    if given.list:
        print(report.failing(suite, outcomes[0]))
    if given.docs:
        with open(given.docs, "w", encoding="utf-8") as out:
            out.write(report.document(suite, outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())

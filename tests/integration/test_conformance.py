#!/usr/bin/env python3
"""Holds tidemill to the figures of conformance with the recorded service; tests/conformance has the harness."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "conformance"))

import report  # noqa: E402
import run  # noqa: E402

SHARED = os.environ.get("SHARED_DIR", os.path.join(HERE, "..", "..", "..", "shared"))
PROGRAM = os.environ.get("TIDEMILL", os.path.join(HERE, "..", "..", "build", "asan", "tidemill"))
WHOLE_EVENTS = 0.98  # of a hundred rows, those whose every event is the recorded one


def share(outcome, kind, rows, level):
    return report.right(outcome, kind, rows, level), len(rows)


def main():
    folder = os.path.join(SHARED, "conformance")
    if not os.path.exists(os.path.join(folder, "asl-exec.jsonl")):
        print(f"skipped: no recordings in {folder}")
        return 77
    suite = run.Suite(folder)
    outcome = run.run_tidemill(suite, PROGRAM)
    rows = suite.path_rows
    checks = [(f"executions: {name}", (count, len(rows)), 1.0 if level < 4 else WHOLE_EVENTS)
              for level, (name, count) in enumerate(zip(report.LEVELS, report.counts(rows, outcome)))]
    checks += [("Choice", share(outcome, "choice", suite.choice, None), 1.0),
               ("validation", share(outcome, "validate", suite.validate, 1), 1.0),
               ("refused creations", share(outcome, "createfail", [row for row in suite.createfail if row.group == "interpreter"], 1), 1.0),
               ("TestState", share(outcome, "teststate", [row for row in suite.teststate if row.group == "interpreter"], 1), 1.0)]
    failed = [name for name, (good, whole), least in checks if not whole or good < least * whole]
    for name, (good, whole), least in checks:
        print(f"{'FAILED' if name in failed else 'ok    '} {name}: {good} of {whole}, at least {least:.0%}")
    if outcome.faults:
        failed.append("the server's end")
        print("FAILED the server " + outcome.faults)
    if failed:
        print(report.failing(suite, outcome))
        print(outcome.log[-3000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

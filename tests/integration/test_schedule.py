#!/usr/bin/env python3
"""tidemill schedule: what is typed becomes a schedule, is listed with its next time, changes, goes; mistakes are told with what to do."""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402


def answer(data, *words):
    return json.loads(data.call("schedule", *words, "--json").stdout)


def test_next_is_told_in_the_zone_and_in_utc():
    with p.Scratch() as folder:
        data = p.Data(folder)
        times = answer(data, "next", "cron(30 2 * * ? *)", "--timezone", "Europe/Berlin", "--after", "2026-03-28T12:00:00Z", "--count", "2")
        assert times == [{"local": "2026-03-30T02:30:00+02:00", "utc": "2026-03-30T00:30:00.000Z"},
                         {"local": "2026-03-31T02:30:00+02:00", "utc": "2026-03-31T00:30:00.000Z"}], times
        assert answer(data, "next", "at(2020-01-01T00:00:00)") == []
        for words, said in ((["cron(0 2 * * * *)"], "exactly one"), (["rate(5 parsecs)"], "unit"), (["rate(1 day)", "--timezone", "Europe/Atlantis"], "Europe/Atlantis"),
                            (["rate(1 day)", "--after", "soon"], "2026-11-26T08:30:00Z")):
            result = data.call("schedule", "next", *words, expect=2)
            assert said in result.stderr, result.stderr


def test_a_schedule_from_making_to_deleting():
    with p.Scratch() as folder:
        data = p.Data(folder)
        data.call("schedule", "create", "nightly", "cron(0 3 * * ? *)", "--target", "task:podcast.run", "--timezone", "Europe/Berlin", "--retries", "3",
                  "--max-age", "2h", "--window", "10", "--dead-letter", "queue:dead", "--input", '{"sites":["a"]}')
        data.call("schedule", "groups", "create", "shows")
        made = data.call("schedule", "create", "once", "at(2100-12-24T18:00:00)", "--target", "machine:report", "--group", "shows", "--delete-after")
        assert made.stdout == "once: created; next: 2100-12-24T18:00:00Z\n", made.stdout
        assert "next: over" in data.call("schedule", "create", "late", "at(2000-12-24T18:00:00)", "--target", "machine:report").stdout
        data.call("schedule", "delete", "late")
        rows = {row["Name"]: row for row in answer(data, "list")}
        assert set(rows) == {"nightly", "once"}
        target = rows["nightly"]["Target"]
        assert target["Arn"] == "arn:tidemill:task:podcast.run" and target["Input"] == '{"sites":["a"]}'
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 7200, "MaximumRetryAttempts": 3}
        assert target["DeadLetterConfig"]["Arn"].endswith(":dead")
        assert rows["nightly"]["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 10}
        assert rows["once"]["next"] == "2100-12-24T18:00:00Z" and rows["once"]["ActionAfterCompletion"] == "DELETE"
        assert [row["Name"] for row in answer(data, "list", "--group", "shows")] == ["once"]
        data.call("schedule", "update", "nightly", "rate(2 hours)", "--state", "DISABLED", "--dead-letter", "", "--window", "0")
        changed = answer(data, "show", "nightly")
        assert changed["ScheduleExpression"] == "rate(2 hours)" and changed["State"] == "DISABLED"
        assert changed["ScheduleExpressionTimezone"] == "Europe/Berlin" and changed["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 3
        assert "DeadLetterConfig" not in changed["Target"] and changed["FlexibleTimeWindow"] == {"Mode": "OFF"}
        assert "never" in data.call("schedule", "show", "nightly").stdout
        assert "already exists" in data.call("schedule", "create", "nightly", "rate(1 day)", "--target", "task:x", expect=1).stderr
        assert "does not exist" in data.call("schedule", "delete", "once", expect=1).stderr  # it is in another group
        data.call("schedule", "groups", "delete", "shows")
        data.call("schedule", "delete", "nightly")
        assert answer(data, "list") == []


def test_mistakes_are_told():
    with p.Scratch() as folder:
        data = p.Data(folder)
        for words, said in ((["x", "rate(1 day)"], "--target"), (["x", "rate(1 day)", "--target", "arn:aws:lambda:eu-west-1:1:function:f"], "not supported"),
                            (["x y", "rate(1 day)", "--target", "task:a"], "'name'"), (["x", "cron(0 1 * * * *)", "--target", "task:a"], "exactly one"),
                            (["x", "rate(1 day)", "--target", "task:a", "--end", "tomorrow"], "no time"),
                            (["x", "rate(1 day)", "--target", "task:a", "--input", "{"], "JSON")):
            result = data.call("schedule", "create", *words, expect=2)
            assert said in result.stderr, result.stderr
        assert answer(data, "list") == []


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])

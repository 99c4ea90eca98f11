#!/usr/bin/env python3
"""The podcast run as a state machine: what the engine keeps of it, and how a killed run goes on."""

import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
sys.path.insert(0, HERE)
import pipeline as p  # noqa: E402
from test_pipeline import SITE, fixture  # noqa: E402

MACHINE = os.path.join(p.SOURCE, "machines", "podcast-run.asl.json")


def call_flow(data, *words):
    """A flow command over the run's own engine."""
    owner = p.Data(os.path.join(data.folder, "state", "podcast-run"))
    return json.loads(owner.call("flow", *words, "--json").stdout)


def executions(data):
    return call_flow(data, "list", "podcast-run")


def history(data, execution):
    return call_flow(data, "history", execution["executionArn"])


def tasks_succeeded(events):
    """How often each state that is a task came to a good end."""
    names, counts = {}, {}
    for event in events:
        if event["type"] == "TaskStateEntered":
            names[event["id"]] = event["stateEnteredEventDetails"]["name"]
    above = {event["id"]: event["previousEventId"] for event in events}
    for event in events:
        if event["type"] != "TaskSucceeded":
            continue
        at = event["id"]
        while at not in names:
            at = above[at]
        counts[names[at]] = counts.get(names[at], 0) + 1
    return counts


def wait_for(condition, what):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"never came: {what}")


def fetched(data):
    return [name for name in data.tree() if "/audio/" in name]


def test_the_shipped_machine_passes_the_check():
    with p.Scratch() as folder:
        data = p.Data(folder)
        said = data.call("flow", "check", MACHINE)
        assert "no faults" in said.stdout, said.stdout


def test_a_run_is_one_execution_with_a_task_a_step():
    with fixture() as (data, server):
        data.run()
        rows = executions(data)
        assert [row["status"] for row in rows] == ["SUCCEEDED"], rows
        counts = tasks_succeeded(history(data, rows[0]))
        assert counts == {"List sites": 1, "Fetch": 1, "List downloads": 1, "Download": 2, "Settle": 1, "List transcriptions": 1,
                          "Transcribe": 2, "Finish": 1, "Index": 1, "Report": 1}, counts
        # The second run asks, and does nothing.
        assert data.run()["nothingNew"]
        rows = executions(data)
        assert [row["status"] for row in rows] == ["SUCCEEDED", "SUCCEEDED"], rows
        counts = tasks_succeeded(history(data, rows[0]))
        assert "Download" not in counts and "Transcribe" not in counts, counts


def test_one_bad_episode_is_caught_and_told():
    with fixture() as (data, server):
        server.rules({"/one.mp3": {"status": 404}})
        report = data.run(expect=1)
        row = p.site_of(report, SITE)
        assert len(row["errors"]) == 1 and "404" in row["errors"][0] and "Episode 1" in row["errors"][0], row["errors"]
        assert row["newEpisodesTranscribed"] == 1, row
        execution = executions(data)[0]
        assert execution["status"] == "SUCCEEDED", execution
        events = history(data, execution)
        failed = [event["taskFailedEventDetails"] for event in events if event["type"] == "TaskFailed"]
        assert len(failed) == 1 and failed[0]["error"] == "Tidemill.Http" and "404" in failed[0]["cause"], failed
        counts = tasks_succeeded(events)
        assert counts["Download"] == 1 and counts["Download failed"] == 1 and counts["Index"] == 1, counts


def kill_in_second_download(data, server, *words):
    """A run is killed when one episode is here and the other is on its way."""
    server.rules({"/one.mp3": {"file": "one.mp3", "delay_ms": 60000}})
    process = data.start(*data.RUN, "--download-jobs", "1", *words)
    wait_for(lambda: len(fetched(data)) == 1 and any(entry["path"] == "/one.mp3" for entry in server.log()), "the second download")
    process.kill()
    process.communicate()
    server.rules({"/one.mp3": None})


def test_a_killed_run_goes_on_in_its_execution():
    with fixture() as (data, server):
        server.clear_log()
        kill_in_second_download(data, server)
        server.clear_log()
        report = data.run("--download-jobs", "1")
        row = p.site_of(report, SITE)
        assert not p.errors(report) and row["newEpisodesTranscribed"] == 2, row
        assert row["newAudioFilesDownloaded"] == 2, "the report tells of the whole run, also of what was done before the kill"
        asked = [entry["path"] for entry in server.log()]
        assert "/two.m4a" not in asked, asked
        rows = executions(data)
        # The one that was broken off came to its end; the feeds were asked once more after it.
        assert [row["status"] for row in rows] == ["SUCCEEDED", "SUCCEEDED"], rows
        counts = tasks_succeeded(history(data, rows[1]))
        assert counts["Fetch"] == 1 and counts["Download"] == 2 and counts["Transcribe"] == 2, counts
        assert data.run()["nothingNew"]


def test_a_failure_before_the_kill_is_tried_again():
    with fixture(names=("one.mp3", "two.m4a", "three.ogg")) as (data, server):
        server.rules({"/three.ogg": {"status": 404}, "/two.m4a": {"file": "two.m4a", "delay_ms": 60000}})
        process = data.start(*data.RUN, "--download-jobs", "1")
        wait_for(lambda: any(entry["path"] == "/two.m4a" for entry in server.log()), "the second download")
        process.kill()
        process.communicate()
        server.rules({"/three.ogg": None, "/two.m4a": None})
        report = data.run()
        assert not p.errors(report), p.errors(report)
        assert p.site_of(report, SITE)["newEpisodesTranscribed"] == 3, report


def test_other_settings_do_not_go_on_with_a_killed_run():
    with fixture() as (data, server):
        kill_in_second_download(data, server)
        report = data.run("--skip-rss-retrieval")
        row = p.site_of(report, SITE)
        assert row["newEpisodesTranscribed"] == 1 and row["newAudioFilesDownloaded"] == 0, row
        rows = executions(data)
        assert [row["status"] for row in rows] == ["SUCCEEDED", "ABORTED"], rows
        assert data.run()["sites"][0]["newEpisodesTranscribed"] == 1


def test_an_interrupted_run_goes_on():
    with fixture() as (data, server):
        server.rules({"/one.mp3": {"file": "one.mp3", "delay_ms": 60000}})
        process = data.start(*data.RUN, "--download-jobs", "1", "--json")
        wait_for(lambda: any(entry["path"] == "/one.mp3" for entry in server.log()), "the second download")
        process.terminate()
        out, err = process.communicate(timeout=120)
        assert process.returncode == 130, (process.returncode, out, err)
        assert json.loads(out)["interrupted"] and not p.errors(json.loads(out)), out
        server.rules({"/one.mp3": None})
        report = data.run("--download-jobs", "1")
        assert not p.errors(report) and p.site_of(report, SITE)["newEpisodesTranscribed"] == 2, report
        assert all(row["status"] == "SUCCEEDED" for row in executions(data))


def test_a_dry_run_leaves_no_execution():
    with fixture() as (data, server):
        data.run("--dry-run")
        assert not os.path.exists(os.path.join(data.folder, "state", "podcast-run"))


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

#!/usr/bin/env python3
"""`tidemill podcast run` from feed to index, on real audio, against a server of the test's own."""

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

SITE = "harbourradio"


@contextlib.contextmanager
def fixture(names=("one.mp3", "two.m4a"), repeat=1, extra=None, added=True, cues=None):
    with p.Scratch() as folder:
        root = os.path.join(folder, "web")
        os.mkdir(root)
        server = p.Server(root)
        items = []
        for number, name in enumerate(names, 1):
            path = p.make_audio(os.path.join(root, name), repeat=repeat)
            items.append(p.item(number, f"Episode {number}", f"{server.url}/{name}", os.path.getsize(path),
                                extra=(extra or {}).get(name, "").replace("{url}", server.url)))
        server.items = items
        server.write("feed.xml", p.feed("Harbour Radio", items))
        data = p.Data(os.path.join(folder, "data"))
        if added:
            data.add(server.url + "/feed.xml")
            data.model = p.scripted_model(folder, cues)
        try:
            yield data, server
        finally:
            server.close()


def keys(data):
    return sorted(data.tree())


def stat_all(data):
    facts = {}
    for folder, _, names in os.walk(os.path.join(data.folder, "objects")):
        for name in names:
            facts[os.path.join(folder, name)] = os.stat(os.path.join(folder, name)).st_mtime_ns
    return facts


def test_a_feed_becomes_transcripts_entries_and_an_index():
    with fixture() as (data, server):
        report = data.run()
        row = p.site_of(report, SITE)
        assert row["newAudioFilesDownloaded"] == 2 and row["newEpisodesTranscribed"] == 2, row
        assert row["hasNewFiles"] and row["localIndexingEntriesProcessed"] > 0 and not report["nothingNew"]
        names = keys(data)
        kinds = {name.split("/")[2] for name in names}
        assert kinds == {"rss", "audio", "transcripts", "search-entries", "episode-manifest", "search-index"}, names
        # The true extension is kept (spec 2.1 wrote m4a as .mp3).
        assert any(name.endswith(".m4a") for name in names) and any(name.endswith(".mp3") for name in names), names
        srt = next(name for name in names if name.endswith(".srt"))
        text = open(os.path.join(data.folder, "objects", srt), encoding="utf-8").read()
        assert "Welcome to the harbour radio." in text, text
        words = json.load(open(os.path.join(data.folder, "objects", srt[:-4] + ".words.json"), encoding="utf-8"))
        assert [word["w"].strip() for word in words["words"][:3]] == ["Welcome", "to", "the"], words
        rows = data.manifest("harbourradio")["episodes"]
        assert [row["sequentialId"] for row in rows] == [1, 2]
        assert all(row["fileKey"].startswith(f"2024-03-0{row['sequentialId'] + 1}_Episode_") for row in rows), rows


def test_the_second_run_touches_nothing_and_says_so():
    with fixture() as (data, server):
        data.run()
        before = stat_all(data)
        server.clear_log()
        report = data.run()
        assert report["nothingNew"], report
        assert stat_all(data) == before
        log = server.log()
        assert [(entry["path"], entry["status"]) for entry in log] == [("/feed.xml", 304)], log
        text = data.call(*data.RUN).stdout
        assert text.rstrip().endswith("nothing new"), text


def test_search_finds_what_was_said():
    with fixture() as (data, server):
        data.run()
        found = data.json("podcast", "search", "\"lighthouse keeper\"")
        assert found["totalHits"] == 2, found
        assert "lighthouse keeper" in found["hits"][0]["text"]
        typo = data.json("podcast", "search", "lighthuose")
        assert typo["totalHits"] == 2 and "lighthouse" in typo["correctedQuery"], typo
        none = data.json("podcast", "search", "zeppelin submarine")
        assert none["totalHits"] == 0


def test_a_dry_run_says_what_it_would_do_and_does_nothing():
    with fixture() as (data, server):
        report = data.run("--dry-run")
        planned = "\n".join(p.site_of(report, SITE)["planned"])
        assert "new episode of" in planned and "download " in planned and "write rss/" in planned, planned
        assert keys(data) == [], keys(data)
        data.run()
        before = stat_all(data)
        assert p.site_of(data.run("--dry-run"), SITE)["planned"] == []
        assert stat_all(data) == before
        srt = next(name for name in keys(data) if name.endswith(".srt"))
        os.remove(os.path.join(data.folder, "objects", srt))
        planned = p.site_of(data.run("--dry-run"), SITE)["planned"]
        assert any(line.startswith("transcribe audio/") for line in planned), planned


def test_an_older_episode_that_appears_later_shifts_nothing():
    with fixture() as (data, server):
        data.run()
        before = {row["guid"]: row["sequentialId"] for row in data.manifest(SITE)["episodes"]}
        p.make_audio(os.path.join(server.root, "old.mp3"))
        old = p.item(50, "Older", server.url + "/old.mp3", date="Mon, 01 Jan 2018 08:00:00 GMT")
        server.write("feed.xml", p.feed("Harbour Radio", server.items + [old]))
        report = data.run()
        assert p.site_of(report, SITE)["newEpisodesTranscribed"] == 1
        rows = data.manifest(SITE)["episodes"]
        after = {row["guid"]: row["sequentialId"] for row in rows}
        assert after["guid-50"] == 3 and {key: after[key] for key in before} == before, after
        assert rows[0]["title"] == "Older", "the manifest is sorted by date"


def test_changed_audio_behind_the_same_address_makes_a_new_version():
    with fixture(names=("one.mp3",)) as (data, server):
        data.run()
        old = data.manifest(SITE)["episodes"][0]
        time.sleep(0.01)
        p.make_audio(os.path.join(server.root, "one.mp3"), words="Something else is said in this file now.", repeat=2)
        report = data.run("--recheck-audio")
        row = p.site_of(report, SITE)
        assert row["newAudioVersions"] == 1 and row["newEpisodesTranscribed"] == 1, row
        new = data.manifest(SITE)["episodes"][0]
        assert new["sequentialId"] == old["sequentialId"] and new["fileKey"] != old["fileKey"]
        assert new["fileKey"].split("--")[0] == old["fileKey"].split("--")[0]
        assert not [name for name in keys(data) if old["fileKey"] in name], keys(data)
        assert data.run("--recheck-audio")["nothingNew"]
        assert data.json("podcast", "search", "lighthouse")["totalHits"] == 1


def test_marks_of_another_version_say_nothing_of_this_one():
    """A version that another machine made came from the cloud: the marks here are of the file before."""
    with fixture(names=("one.mp3",)) as (data, server):
        data.run()
        state = sqlite3.connect(os.path.join(data.folder, "state", "podcast.db"))
        with state:
            assert state.execute("UPDATE audio SET file_key = 'before', etag = '\"before\"', length = 1").rowcount == 1
        state.close()
        for _ in range(2):
            report = data.run("--recheck-audio")
            assert report["nothingNew"] and not p.site_of(report, SITE)["newAudioVersions"], report


def test_a_failed_download_is_fetched_by_the_next_run_and_resumed():
    with fixture(names=("one.mp3",), repeat=20) as (data, server):
        server.rules({"/one.mp3": {"file": "one.mp3", "cut": 30000, "cut_times": 9}})
        report = data.run("--config", write_config(data, "fetch:\n  attempts: 2\n  backoff: 1ms\n"), expect=1)
        line = p.errors(report)[0]
        assert "Episode 1" in line and "next run" in line, line
        assert not [name for name in keys(data) if "/audio/" in name]
        server.clear_log()
        server.rules({"/one.mp3": None})
        assert not p.errors(data.run())
        ranges = [entry["range"] for entry in server.log() if entry["path"] == "/one.mp3" and entry["method"] == "GET"]
        assert any(ranges), "the second run did not resume"


def write_config(data, text):
    path = os.path.join(data.folder, "test.yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def wait_for_a_part(data):
    """Returns once the first finished part of a transcription is in the state database."""
    import sqlite3
    path = os.path.join(data.folder, "state", "podcast.db")
    for _ in range(6000):
        with contextlib.suppress(sqlite3.Error):
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
                if db.execute("SELECT count(*) FROM part").fetchone()[0]:
                    return
        time.sleep(0.01)
    raise AssertionError("no part was finished")


def test_a_killed_transcription_goes_on_at_the_last_finished_part():
    cues = [{"start": 0.0, "end": 5.0, "text": "Minute after minute the tide comes in."}]
    with fixture(names=("long.mp3",), repeat=70, cues=cues) as (data, server):
        config = ("--config", write_config(data, "transcribe:\n  part: 30s\n"))
        whole = data.copy(data.folder + "-whole")
        whole.run(*config)
        process = data.start(*data.RUN, *config)
        wait_for_a_part(data)
        process.kill()
        process.communicate()
        srt = [name for name in keys(data) if name.endswith(".srt")]
        assert not srt, "the run had ended before it could be killed"
        report = data.run(*config)
        assert not p.errors(report), report

        def transcript(of):
            name = next(name for name in keys(of) if name.endswith(".srt"))
            return open(os.path.join(of.folder, "objects", name), "rb").read()

        assert transcript(data) == transcript(whole)


def test_a_private_feed_is_fetched_and_its_secrets_are_never_printed():
    with fixture(added=False) as (data, server):
        server.rules({"/feed.xml": {"file": "feed.xml", "auth": "reader:hunter2secret"}})
        url = server.url.replace("http://", "http://reader:hunter2secret@") + "/feed.xml?token=abcdef0123456789"
        data.model = p.scripted_model(data.folder)
        said = data.add(url)
        output = said.stdout + said.stderr
        site = data.json("podcast", "list")[0]["id"]
        for words in (("podcast", "list"), ("podcast", "list", "--json"), (*data.RUN, "--log-level", "trace"), ("podcast", "history", "--json"),
                      ("podcast", "check", "--log-level", "trace")):
            result = data.call(*words, expect=None)
            output += result.stdout + result.stderr
        server.rules({"/feed.xml": {"status": 500, "ignore_conditions": True, "body": "no"}})
        result = data.call(*data.RUN, "--config", write_config(data, "fetch:\n  attempts: 1\n"), expect=1)
        output += result.stdout + result.stderr
        assert "hunter2secret" not in output and "abcdef0123456789" not in output, output
        assert site in output and data.manifest(site)["episodes"]


def test_the_feeds_own_transcript_is_kept_beside_ours():
    extra = {"one.mp3": '<podcast:transcript url="{url}/one.srt" type="application/srt"/>'}
    with fixture(names=("one.mp3",), extra=extra) as (data, server):
        theirs = "1\n00:00:00,000 --> 00:00:01,000\nTheir words\n\n"
        server.write("one.srt", theirs)
        data.run()
        kept = [name for name in keys(data) if "/feed-transcripts/" in name]
        assert len(kept) == 1 and kept[0].endswith(".srt"), keys(data)
        assert open(os.path.join(data.folder, "objects", kept[0]), encoding="utf-8").read() == theirs
        assert data.run()["nothingNew"]


def test_spellings_are_corrected_counted_and_can_be_corrected_again():
    with fixture(names=("one.mp3",)) as (data, server):
        data.run()
        folder = os.path.join(data.folder, "sites", "my-sites", SITE)
        with open(os.path.join(folder, "spelling-corrections.json"), "w", encoding="utf-8") as out:
            json.dump({"correctionsToApply": [{"misspellings": ["harbour radio"], "correctedSpelling": "Harbour Radio $&"}]}, out)
        report = data.json("podcast", "respell")
        assert p.site_of(report, SITE)["spellingCorrectionsTotalCorrections"] == 1, report
        assert data.json("podcast", "search", "\"Harbour Radio\"")["hits"][0]["text"].startswith("Welcome to the Harbour Radio $&.")
        assert data.json("podcast", "respell")["nothingNew"]


def test_one_failing_site_does_not_stop_the_rest():
    with fixture() as (data, server):
        server.write("second.xml", p.feed("Second Show", [p.item(1, "Other", server.url + "/one.mp3?x")]))
        data.add(server.url + "/second.xml")
        server.rules({"/feed.xml": {"status": 404}})
        report = data.run(expect=1)
        assert p.site_of(report, "secondshow")["newEpisodesTranscribed"] == 1
        assert any("404" in line for line in p.site_of(report, SITE)["errors"]), report
        unknown = data.call(*data.RUN, "--sites", "harbouradio", expect=2)
        assert "harbourradio" in unknown.stderr, unknown.stderr


def test_two_runs_do_not_meet():
    with fixture(names=("one.mp3",)) as (data, server):
        server.rules({"/feed.xml": {"file": "feed.xml", "delay_ms": 3000}})
        server.clear_log()
        first = data.start(*data.RUN)
        for _ in range(200):
            if server.log():
                break
            time.sleep(0.02)
        second = data.call(*data.RUN, expect=3)
        assert "another podcast run" in second.stderr, second.stderr
        first.communicate()
        assert first.returncode == 0


def test_history_tells_of_runs_that_were_killed():
    with fixture(names=("one.mp3",)) as (data, server):
        server.rules({"/feed.xml": {"file": "feed.xml", "delay_ms": 2000}})
        server.clear_log()
        process = data.start(*data.RUN)
        for _ in range(200):
            if server.log():
                break
            time.sleep(0.02)
        process.kill()
        process.communicate()
        server.rules({"/feed.xml": None})
        data.run()
        statuses = [row["status"] for row in data.json("podcast", "history")]
        assert statuses == ["success", "killed"], statuses


def test_max_episodes_takes_the_first_items_only_and_the_rest_later():
    with fixture() as (data, server):
        assert p.site_of(data.run("--max-episodes", "1"), SITE)["newEpisodes"] == 1
        assert p.site_of(data.run(), SITE)["newEpisodes"] == 1
        assert data.run()["nothingNew"]


def test_a_failed_listing_is_not_an_empty_store():
    with fixture(names=("one.mp3",)) as (data, server):
        data.run()
        audio = os.path.join(data.site_files(SITE), "audio")
        shutil.move(audio, audio + "-away")
        os.symlink("/proc/self/nothing", audio)
        server.clear_log()
        report = data.run(expect=1)
        assert "cannot tell what is in audio/" in p.errors(report)[0], report
        assert not [entry for entry in server.log() if entry["path"] == "/one.mp3"], "audio was fetched again after a failed listing"


@contextlib.contextmanager
def service(kind):
    """A service with OpenAI's interface on the loopback address (tests/unit/speech/transcription_service.py)."""
    import subprocess
    process = subprocess.Popen([sys.executable, os.path.join(p.SOURCE, "tests", "unit", "speech", "transcription_service.py")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline())
    try:
        yield f"http://127.0.0.1:{port}/{kind}/v1"
    finally:
        process.kill()
        process.communicate()


def test_a_service_with_openais_interface_transcribes_too():
    with fixture(names=("one.mp3",)) as (data, server), service("ok") as url:
        words = ("--provider", "openai", "--config", write_config(data, f"openai:\n  base-url: {url}\n"))
        result = data.call(*data.RUN, *words, "--log-level", "trace", environment={"OPENAI_API_KEY": "sk-very-secret-key"})
        assert "sk-very-secret-key" not in result.stdout + result.stderr
        srt = next(name for name in keys(data) if name.endswith(".srt"))
        text = open(os.path.join(data.folder, "objects", srt), encoding="utf-8").read()
        assert "seconds, number 0." in text, text
        import urllib.request
        log = json.loads(urllib.request.urlopen(url.rsplit("/", 2)[0] + "/log").read())
        assert log and "Harbour Radio" in json.dumps(log), log
    with fixture(names=("one.mp3",)) as (data, server), service("denied") as url:
        words = ("--provider", "openai", "--config", write_config(data, f"openai:\n  base-url: {url}\nfetch:\n  attempts: 1\n"))
        report = data.run(*words, expect=1, environment={"OPENAI_API_KEY": "sk-very-secret-key"})
        assert len(p.errors(report)) == 1 and "sk-very" not in p.errors(report)[0], report


def test_a_worker_that_dies_costs_one_episode():
    cues = [{"start": 0.0, "end": 5.0, "text": "Minute after minute the tide comes in."}]
    with fixture(names=("one.mp3", "two.mp3"), repeat=70, cues=cues) as (data, server):
        config = ("--config", write_config(data, "transcribe:\n  part: 30s\n"))
        process = data.start(*data.RUN, *config, "--json")
        # One episode's first part is there and its others are not: the worker that makes them is killed.
        wait_for_a_part(data)
        import subprocess
        for child in subprocess.run(["pgrep", "-P", str(process.pid)], stdout=subprocess.PIPE, text=True).stdout.split():
            os.kill(int(child), 9)
        out, err = process.communicate()
        row = p.site_of(json.loads(out), SITE)
        assert process.returncode == 1 and len(row["errors"]) == 1 and "signal 9" in row["errors"][0], (row, err)
        assert row["newEpisodesTranscribed"] == 1, "the other episode got a new worker"
        assert not p.errors(data.run(*config))
        assert sum(name.endswith(".srt") for name in keys(data)) == 2


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

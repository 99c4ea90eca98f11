#!/usr/bin/env python3
"""Six sites in two accounts that the older scripts kept: tidemill takes over where they left, and sends nothing again that is there."""

import contextlib
import os
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import lying_s3  # noqa: E402
import old_world  # noqa: E402
import pipeline as p  # noqa: E402

UP = ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "CopyObject")
DONE = (*UP, "GetObject", "DeleteObject", "DeleteObjects", "Invoke", "CreateInvalidation")
INDEX = "search-index/passages.sqlite"


class User(p.Data):
    """Somebody in the scripts' folder, with a home of his own and no flags."""

    def __init__(self, world, between):
        super().__init__(world.workspace, environment={**sites.environment(between), "HOME": os.path.join(world.folder, "home")})
        self.model = old_world.MODEL
        os.makedirs(self.environment["HOME"], exist_ok=True)

    @property
    def RUN(self):
        return ("podcast", "run", "--allow-private-addresses", "--progress", "off")

    def start(self, *words, environment=None, program=None):
        return subprocess.Popen([program or self.program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env={**self.environment, **(environment or {})}, cwd=self.folder)


@contextlib.contextmanager
def moving(accounts=None, elsewhere=True):
    """The old world, its user who has the model already, and the proxy that counts."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(p.Scratch())
        os.mkdir(os.path.join(folder, "web"))
        feeds = p.Server(os.path.join(folder, "web"))
        stack.callback(feeds.close)
        moto = stack.enter_context(s3_servers.or_skip(s3_servers.moto))
        between = stack.enter_context(lying_s3.LyingS3(moto))
        world = old_world.OldWorld(folder, moto, feeds, accounts, elsewhere)
        user = User(world, between)
        user.install_model(p.scripted_model(folder), old_world.MODEL)
        yield world, user, between


def done(between, *operations):
    """How often each of these was asked."""
    counts = between.counts()
    return {op: counts[op] for op in operations or DONE if op in counts}


def sent(between, world):
    """What went up: site -> keys, in order."""
    names = {row["bucketName"]: site for site, row in world.rows.items()}
    found = {}
    for line in between.requests():
        if line["op"] in UP:
            found.setdefault(names[line["bucket"]], []).append(line["key"])
    return {site: sorted(keys) for site, keys in found.items()}


def refreshed(between):
    """Which functions were called, without the doctor's dry runs."""
    return sorted(line["path"].split("/")[3] for line in between.requests("Invoke") if line["status"] == 202 or line["status"] == 200)


def test_six_sites_move_over():
    with moving() as (world, user, between):
        before = {site: world.bucket(site) for site in world.accounts}
        said = user.call("doctor").stdout
        assert "❌" not in said and "0 missing" in said, said
        assert [line.split("  ")[1].strip() for line in said.splitlines() if line.startswith("⚠️")] == ["speech model", "nightly run"], said

        # What a run would do: no file moves.
        between.clear_log()
        plan = user.json(*user.RUN, "--dry-run")
        for site in world.accounts:
            row = p.site_of(plan, site)
            assert not row["errors"] and not row["warnings"], row
            assert row["filesToUpload"] == row["filesMissingLocally"] == 0, row
            assert row["filesInSync"] == len(before[site]) - len(old_world.PAGE) - 1, (site, row, before[site])
            assert [line.split(":")[0] for line in row["planned"]] == [f"bring {INDEX} up to date"], row["planned"]
        assert not done(between), done(between)
        assert {site: world.bucket(site) for site in world.accounts} == before

        # `tidemill sync` of one site finds the same, also of what went up in parts.
        keys = s3_servers.Place.environment(world.moto, world.keys("beacon"), between.endpoint)
        said = user.call("sync", world.here("beacon"), "s3://beacon-browse-dot-show", environment=keys).stdout
        assert said.startswith(f"nothing to do\n{len(before['beacon']) - len(old_world.PAGE)} the same"), said
        assert not done(between), done(between)

        # The first run: what tidemill itself adds, and nothing else.
        between.clear_log()
        report = user.run()
        for site in world.accounts:
            row = p.site_of(report, site)
            assert not row["errors"] and not row["warnings"], row
            assert row["newAudioFilesDownloaded"] == row["newEpisodesTranscribed"] == row["s3PreSyncFilesDownloaded"] == 0, row
            assert row["s3SyncTotalFilesUploaded"] == row["filesToUpload"] == 2, row
        assert sent(between, world) == {site: [old_world.MANIFEST, INDEX] for site in world.accounts}, sent(between, world)
        assert done(between) == {"PutObject": 12, "Invoke": 6, "CreateInvalidation": 6}, done(between)
        assert [line for line in world.feeds.log() if line["method"] == "GET" and not line["path"].endswith(".xml")] == []
        for site, objects in before.items():
            now = world.bucket(site)
            assert {key: now[key] for key in objects if key != old_world.MANIFEST} == {key: fact for key, fact in objects.items() if key != old_world.MANIFEST}, site
            numbers = {row["title"]: row["sequentialId"] for row in world.manifest(site)["episodes"]}
            assert numbers == {episode.title: episode.number for episode in world.episodes[site]}, numbers

        with open(world.history, encoding="utf-8") as text:
            lines = text.read().splitlines()
        assert len([line for line in lines if line.startswith("## ")]) == 2 and "**Total Files Uploaded:** 12" in "\n".join(lines), lines
        assert lines[0] == "# Ingestion Pipeline Run History" and lines.count("This file has all runs.") <= 1, lines

        # The second: listings.
        between.clear_log()
        report = user.run()
        assert report["nothingNew"] and not p.errors(report), report
        assert not done(between), done(between)

        one_new_episode(world, user, between)

        # Whoever goes back to the scripts finds nothing to do. (S3 tells whole seconds, so a file of the same second counts as newer there.)
        for site in world.accounts:
            world.whole_seconds(site)
            assert world.scripts_would_move(site) == "", site


def one_new_episode(world, user, between):
    """In one feed: its own files, manifest and index go up; that site alone is told."""
    site = "drumlin"
    told = {other: world.invalidations(other) for other in world.accounts}
    before = world.bucket(site)
    episode = world.add(site, "High water")
    between.clear_log()
    report = user.run()
    assert not p.errors(report), p.errors(report)
    row = p.site_of(report, site)
    assert row["newAudioFilesDownloaded"] == row["newEpisodesTranscribed"] == 1, row
    now = world.bucket(site)
    new = sorted(set(now) - set(before))
    changed = sorted(key for key in before if now[key] != before[key])
    assert changed == [old_world.MANIFEST, f"rss/{site}-cast.xml", INDEX], changed
    assert [key.split("/")[0] for key in new] == ["audio", "search-entries", "transcripts", "transcripts"] and all("High_water" in key for key in new), new
    assert sent(between, world) == {site: sorted(new + changed)}, sent(between, world)
    assert row["s3SyncTotalFilesUploaded"] == len(new + changed), row
    assert refreshed(between) == [f"search-api-{site}"], between.requests("Invoke")
    paths = [sorted(batch) for batch in world.invalidations(site) if batch not in told[site]]
    assert paths == [sorted("/" + urllib.parse.quote(key, safe="/*") for key in new + changed)], paths
    assert all(world.invalidations(other) == told[other] for other in world.accounts if other != site)
    assert not [row for row in report["sites"] if row["siteId"] != site and (row["s3SyncTotalFilesUploaded"] or row["errors"])]
    assert episode.title in {row["title"] for row in world.manifest(site)["episodes"]}
    between.clear_log()
    assert user.run()["nothingNew"] and not done(between), done(between)


def test_one_that_fails_does_not_stop_the_others():
    accounts = {site: old_world.SITES[site] for site in ("anchorage", "beacon", "foreland")}
    with moving(accounts, elsewhere=False) as (world, user, between):
        # One site's bucket is gone, the other's role may not be taken, as its account in the mapping is a third one's.
        world.empty("anchorage")
        between.tell({"lie": "error", "op": "AssumeRole", "query": {"RoleSessionName": "-foreland-"}, "status": 403, "code": "AccessDenied", "message": "not you"})
        said = user.call(*user.RUN, expect=1).stdout
        summary = said[said.index("Final Summary"):]
        assert "pre-sync: anchorage: there is no bucket anchorage-browse-dot-show" in summary and "pre-sync: foreland: the role arn:aws:iam::222222222222:role/" in summary, summary
        assert summary.count("nothing is downloaded or transcribed") == 2, summary
        assert sent(between, world) == {"beacon": [old_world.MANIFEST, INDEX]} and refreshed(between) == ["search-api-beacon"], sent(between, world)
        said = user.call("doctor", expect=1).stdout
        assert [line for line in said.splitlines() if line.startswith("❌")] == said_by_doctor(said, "foreland: the role", "anchorage: there is no bucket"), said

        # The role is given, the bucket made: what was owed goes up.
        between.truth()
        world.moto.client("s3", world.keys("anchorage")).create_bucket(Bucket="anchorage-browse-dot-show")
        between.clear_log()
        report = user.run()
        assert not p.errors(report), p.errors(report)
        up = sent(between, world)
        assert set(up) == {"anchorage", "foreland"} and up["foreland"] == [old_world.MANIFEST, INDEX], up
        assert set(world.bucket("anchorage")) == set(up["anchorage"]) and len(up["anchorage"]) == 10, up
        assert refreshed(between) == ["search-api-anchorage", "search-api-foreland"]
        between.clear_log()
        assert user.run()["nothingNew"] and not done(between), done(between)

        # The older search function's index is made by the account's own function, and comes down by the next run.
        user.run("--env", "prod", "--skip-rss-retrieval", "--skip-audio-processing")
        assert refreshed(between) == sorted(f"{kind}-{site}" for kind in ("search-api", "srt-indexing") for site in accounts), refreshed(between)
        assert not sent(between, world)
        world.moto.client("s3", world.keys("beacon")).put_object(Bucket="beacon-browse-dot-show", Key="search-index/orama_index.msp", Body=b"newer")
        row = p.site_of(user.run(), "beacon")
        assert row["s3PreSyncFilesDownloaded"] == 1 and not row["errors"] and not row["s3SyncTotalFilesUploaded"], row
        with open(world.here("beacon", "search-index/orama_index.msp"), "rb") as index:
            assert index.read() == b"newer"


def said_by_doctor(said, *parts):
    """The lines that have these, one each."""
    return [line for part in parts for line in said.splitlines() if part in line]


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    s3_servers.or_skip(s3_servers.aws_program)
    p.run_tests(sys.modules[__name__])

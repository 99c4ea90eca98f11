#!/usr/bin/env python3
"""A podcast run over sites in two accounts: down from the buckets, up to them, refreshed, invalidated, killed on the way, and the second run free."""

import contextlib
import hashlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import lying_s3  # noqa: E402
import pipeline as p  # noqa: E402

FOLDERS = ("audio", "transcripts", "episode-manifest", "rss", "search-entries", "search-index")
ASKED = ("PutObject", "CreateMultipartUpload", "GetObject", "DeleteObject", "DeleteObjects", "Invoke", "CreateInvalidation")


class World:
    """Feeds, moto with the lying proxy in front of it, a workspace with three sites in two accounts."""

    def __init__(self, accounts=None):
        self.accounts = accounts or sites.ACCOUNTS

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.folder = self.stack.enter_context(p.Scratch())
        root = os.path.join(self.folder, "web")
        os.mkdir(root)
        self.feeds = p.Server(root)
        self.stack.callback(self.feeds.close)
        self.moto = self.stack.enter_context(s3_servers.or_skip(s3_servers.moto))
        self.between = self.stack.enter_context(lying_s3.LyingS3(self.moto))
        self.audio = p.make_audio(os.path.join(root, "one.mp3"))
        self.model = p.scripted_model(self.folder)
        self.data = self.machine("data")
        self.rows = sites.deploy(self.moto, sites.workspace(self.data.folder, self.accounts))
        for site in self.accounts:
            self.publish(site, 1)
        self.settle(self.data)
        return self

    def __exit__(self, *fault):
        self.stack.__exit__(*fault)

    def machine(self, name):
        data = p.Data(os.path.join(self.folder, name), environment=sites.environment(self.between))
        data.model = self.model
        return data

    def settle(self, data):
        """Mapping and feeds' addresses as they are here."""
        sites.mapping(data.folder, self.rows)
        for site in self.accounts:
            config = sites.config(site)
            config["includedPodcasts"][0]["url"] = f"{self.feeds.url}/{site}.xml"
            sites.write(os.path.join(data.folder, "sites", "my-sites", site, "site.config.json"), config)

    def another_machine(self, name):
        """The same workspace, no files, no memory."""
        data = self.machine(name)
        sites.workspace(data.folder, self.accounts)
        self.settle(data)
        return data

    def publish(self, site, count):
        items = [p.item(n, f"{site} {n}", f"{self.feeds.url}/one.mp3?{site}{n}", os.path.getsize(self.audio), guid=f"{site}-{n}") for n in range(1, count + 1)]
        self.feeds.write(f"{site}.xml", p.feed(site.title(), items))

    def client(self, site, service="s3"):
        return self.moto.client(service, self.moto.account(self.rows[site]["accountId"]))

    def bucket(self, site):
        """Every object of a site's bucket with its ETag."""
        found = {}
        for page in self.client(site).get_paginator("list_objects_v2").paginate(Bucket=self.rows[site]["bucketName"]):
            found.update({entry["Key"]: entry["ETag"] for entry in page.get("Contents", [])})
        return found

    def put(self, site, key, body):
        self.client(site).put_object(Bucket=self.rows[site]["bucketName"], Key=key, Body=body)

    def invalidations(self, site):
        client = self.client(site, "cloudfront")
        identity = self.rows[site]["cloudfrontId"]
        listed = client.list_invalidations(DistributionId=identity)["InvalidationList"].get("Items", [])
        return [client.get_invalidation(DistributionId=identity, Id=row["Id"])["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] for row in listed]

    def here(self, data, site):
        """The synced files of a site here."""
        found = set()
        root = data.site_files(site)
        for folder in FOLDERS:
            for place, _, names in os.walk(os.path.join(root, folder)):
                found.update(os.path.relpath(os.path.join(place, name), root) for name in names if not name.startswith("."))
        return {name for name in found if not name.endswith(("-wal", "-shm"))}

    def both_agree(self, data):
        for site in self.accounts:
            bucket = self.bucket(site)
            assert set(bucket) == self.here(data, site), (site, set(bucket) ^ self.here(data, site))
            for key, etag in bucket.items():
                with open(os.path.join(data.site_files(site), key), "rb") as file:
                    assert etag.strip('"') == hashlib.md5(file.read()).hexdigest(), (site, key)

    def run_idle(self, data):
        """The second run: nothing is written, fetched, called."""
        self.between.clear_log()
        report = data.run()
        assert report["nothingNew"] and not p.errors(report), report
        assert not sum(self.between.count(op) for op in ASKED), self.between.counts()
        return report


def test_a_backlog_goes_up_and_the_second_run_is_free():
    with World() as world:
        report = world.data.run()
        for site in world.accounts:
            row = p.site_of(report, site)
            assert not row["errors"], row["errors"]
            assert row["newEpisodesTranscribed"] == 1 and row["s3SyncSuccess"] and row["searchApiRefreshSuccess"], row
            assert row["s3SyncTotalFilesUploaded"] == row["filesToUpload"] == len(world.here(world.data, site)), row
            paths = world.invalidations(site)
            assert len(paths) == 1 and sorted(paths[0]) == sorted("/" + key for key in world.bucket(site)), paths
        world.both_agree(world.data)
        calls = [entry["path"].split("?")[0] for entry in world.between.requests("Invoke")]
        assert sorted(calls) == sorted(f"/2015-03-31/functions/search-api-{site}/invocations" for site in world.accounts), calls
        row = p.site_of(world.run_idle(world.data), "mill")
        assert row["filesInSync"] == len(world.here(world.data, "mill")) and not row["filesMissingLocally"], row
        gap = {row["siteId"]: row for row in world.data.json("podcast", "gap")}
        assert gap["mill"]["summary"]["totalConsistentFiles"] == row["filesInSync"] and not gap["mill"]["conflicts"], gap


def test_an_empty_machine_takes_all_from_the_buckets():
    with World() as world:
        world.data.run()
        other = world.another_machine("other")
        world.between.clear_log()
        report = other.run()
        assert not p.errors(report), p.errors(report)
        for site in world.accounts:
            row = p.site_of(report, site)
            assert row["s3PreSyncFilesDownloaded"] == len(world.bucket(site)) == row["filesMissingLocally"], row
            assert row["newAudioFilesDownloaded"] == row["newEpisodesTranscribed"] == row["s3SyncTotalFilesUploaded"] == 0, row
        assert not world.between.count("PutObject") and not world.between.count("Invoke"), world.between.counts()
        world.both_agree(other)
        world.run_idle(other)


def test_what_each_side_has_alone_goes_both_ways():
    with World() as world:
        world.data.run()
        world.put("mill", "transcripts/mill-cast/there.srt", b"1\n")
        sites.write(os.path.join(world.data.site_files("mill"), "transcripts", "mill-cast", "here.srt"), "2\n")
        world.publish("mill", 2)
        row = p.site_of(world.data.run(), "mill")
        assert not row["errors"] and row["s3PreSyncFilesDownloaded"] == 1 and row["newEpisodesTranscribed"] == 1, row
        assert "transcripts/mill-cast/here.srt" in world.bucket("mill")
        world.both_agree(world.data)
        paths = max(world.invalidations("mill"), key=lambda found: "/transcripts/mill-cast/here.srt" in found)
        assert "/transcripts/mill-cast/here.srt" in paths and "/transcripts/mill-cast/there.srt" not in paths, paths
        world.run_idle(world.data)


def test_a_stale_machine_does_not_overwrite_the_newer_manifest():
    with World({"mill": "222222222222"}) as world:
        world.data.run()
        other = world.another_machine("other")
        other.run()
        world.publish("mill", 3)
        world.data.run()
        # The other one, which knows of one episode, finds a fourth at the same time as the first finds two more.
        world.publish("mill", 4)
        report = other.run("--skip-pre-sync")
        assert any("both were united" in line for line in p.site_of(report, "mill")["warnings"]), report
        report = other.run()
        assert not p.errors(report), p.errors(report)
        assert not p.errors(world.data.run())
        for data in (world.data, other):
            rows = data.manifest("mill")["episodes"]
            assert sorted(row["sequentialId"] for row in rows) == [1, 2, 3, 4] and len({row["guid"] for row in rows}) == 4, rows
        world.run_idle(world.data)
        other.run()
        world.run_idle(other)


def test_what_fails_is_told_and_done_by_the_next_run():
    with World() as world:
        world.between.tell({"lie": "access_denied", "op": "PutObject", "prefix": "audio/", "bucket": "mill-browse-dot-show"},
                           {"lie": "error", "service": "lambda", "prefix": "functions/search-api-harbour/", "status": 403, "code": "AccessDeniedException", "message": "no"},
                           {"lie": "error", "service": "cloudfront", "status": 403, "code": "AccessDenied", "message": "no"})
        report = world.data.run(expect=1)
        mill, harbour, lighthouse = (p.site_of(report, site) for site in ("mill", "harbour", "lighthouse"))
        assert len([line for line in mill["errors"] if "upload: audio/" in line]) == 1, mill["errors"]
        assert mill["s3SyncSuccess"] is False and mill["s3SyncTotalFilesUploaded"] == mill["filesToUpload"] - 1, mill
        assert not harbour["searchApiRefreshSuccess"] and "lambda:InvokeFunction" in "".join(harbour["errors"]), harbour
        assert lighthouse["searchApiRefreshSuccess"] and not lighthouse["cloudfrontInvalidationSuccess"], lighthouse
        world.between.truth()
        world.between.clear_log()
        report = world.data.run()
        assert world.between.count("PutObject") == 1 and world.between.count("Invoke") == 2, world.between.counts()
        world.both_agree(world.data)
        for site in world.accounts:
            assert sorted(world.invalidations(site)[0]) == sorted("/" + key for key in world.bucket(site))
        world.run_idle(world.data)


def test_a_listing_that_fails_leads_to_no_second_transcription():
    with World() as world:
        world.data.run()
        other = world.another_machine("other")
        world.between.tell({"lie": "access_denied", "op": "ListObjectsV2", "bucket": "mill-browse-dot-show"})
        report = other.run(expect=1)
        row = p.site_of(report, "mill")
        assert row["newAudioFilesDownloaded"] == row["newEpisodesTranscribed"] == 0 and any("phase 1 failed" in line for line in row["warnings"]), row
        assert p.site_of(report, "harbour")["s3PreSyncFilesDownloaded"] > 0
        world.between.truth()
        report = other.run()
        assert not p.errors(report) and p.site_of(report, "mill")["newEpisodesTranscribed"] == 0, report
        world.run_idle(other)
        assert not p.errors(world.data.run())


def kill_when(world, condition):
    process = world.data.start(*world.data.RUN)
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end and not condition():
        time.sleep(0.002)
    process.kill()
    process.communicate()


def test_killed_anywhere_nothing_is_lost_and_all_is_told():
    with World() as world:
        for puts in (1, 4, 9, 15):
            kill_when(world, lambda: world.between.count("PutObject") >= puts)
        kill_when(world, lambda: world.between.count("Invoke") >= 1)
        kill_when(world, lambda: world.between.count("CreateInvalidation") >= 1)
        report = world.data.run()
        assert not p.errors(report), p.errors(report)
        world.both_agree(world.data)
        called = {entry["path"].split("?")[0] for entry in world.between.requests("Invoke")}
        assert len(called) == 3, called
        for site in world.accounts:
            # Whatever came when: each object was invalidated after it was there.
            told = {path for paths in world.invalidations(site) for path in paths}
            assert told == {"/" + key for key in world.bucket(site)}, (site, told ^ {"/" + key for key in world.bucket(site)})
        world.run_idle(world.data)


def test_flags():
    with World({"mill": "222222222222"}) as world:
        report = world.data.run("--local-run-only")
        assert not world.between.counts() and report["sites"][0]["s3SyncSuccess"] is None, report
        said = world.data.call(*world.data.RUN, "--dry-run").stdout
        assert "upload audio/mill-cast/" in said and "call search-api-mill" in said, said
        assert not world.bucket("mill") and not world.between.count("Invoke")
        assert world.data.call(*world.data.RUN, "--sync-folders", "audio,transcrips", expect=2).stderr.count("did you mean transcripts?") == 1
        report = world.data.run("--sync-folders", "rss", "--skip-cloudfront-invalidation")
        assert set(world.bucket("mill")) == {"rss/mill.xml"} and not world.invalidations("mill"), world.bucket("mill")
        assert world.between.count("Invoke") == 1
        report = world.data.run("--skip-s3-sync")
        assert set(world.bucket("mill")) == {"rss/mill.xml"} and world.invalidations("mill") == [["/rss/mill.xml"]]
        assert not p.errors(world.data.run())
        world.both_agree(world.data)
        said = world.data.call(*world.data.RUN).stdout
        for line in ("📊 Sync Consistency Report for mill:", "📤 Files to upload to S3: 0", "🎉 All files are in perfect sync!", "Phase 1 - Pre-sync", "CloudFront Invalidation", "nothing new"):
            assert line in said, said


def test_the_cloud_does_the_phases():
    with World({"mill": "222222222222", "harbour": "111111111111"}) as world:
        report = world.data.run("--env", "prod", "--download-jobs", "1")
        assert not p.errors(report), p.errors(report)
        called = [entry["path"].split("/")[3] for entry in world.between.requests("Invoke")]
        assert called == [f"{kind}-{site}" for kind in ("rss-retrieval", "whisper-transcription", "srt-indexing", "search-api") for site in ("harbour", "mill")], called
        assert not world.between.count("PutObject") and len(world.invalidations("mill")) == 1
        assert "exclude each other" in world.data.call(*world.data.RUN, "--env", "prod", "--local-run-only", expect=2).stderr


def test_accounts_that_are_wrong():
    with World() as world:
        rows = {**world.rows, "mill": {**world.rows["mill"], "accountId": "111111111111"}}
        rows["harbour"] = {"accountId": 7}
        del rows["lighthouse"]
        sites.mapping(world.data.folder, rows)
        report = world.data.run(expect=1)
        mill, harbour, lighthouse = ("\n".join(p.site_of(report, site)["errors"]) for site in ("mill", "harbour", "lighthouse"))
        assert "it must belong to account 111111111111" in mill, mill
        assert "/harbour/accountId: is a number" in harbour, harbour
        assert "has no row for the site lighthouse" in lighthouse, lighthouse
        sites.write(os.path.join(world.data.folder, ".site-account-mappings.json"), "[]")
        assert ".site-account-mappings.json: is a list" in world.data.call(*world.data.RUN, expect=3).stderr
        assert not p.errors(world.data.run("--local-run-only"))
        os.remove(os.path.join(world.data.folder, ".site-account-mappings.json"))
        world.between.clear_log()
        assert "A local run: there is no" in world.data.call(*world.data.RUN).stdout
        assert not world.between.counts()
        world.data.call("podcast", "account", "set", "mill", "--account-id", "222222222222", "--distribution", "E1")
        listed = world.data.json("podcast", "account")
        assert listed[0]["siteId"] == "mill" and listed[0]["bucketName"] == "mill-browse-dot-show", listed
        world.data.call("podcast", "account", "set", "mile", "--account-id", "222222222222", expect=2)


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

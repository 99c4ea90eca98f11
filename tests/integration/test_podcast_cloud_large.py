#!/usr/bin/env python3
"""A site with many files, its bucket on MinIO (a second opinion beside moto), its function and distribution on moto: up, again, down to an empty machine, again,
and killed on the way. FILES (2,000) says how many."""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import pipeline as p  # noqa: E402

FILES = int(os.environ.get("FILES", "2000"))
SITE = "mill"
LOCAL = ("--skip-rss-retrieval", "--skip-audio-processing", "--skip-local-indexing", "--role-name", "")


class World:
    def __enter__(self):
        self.scratch = p.Scratch()
        self.folder = self.scratch.__enter__()
        self.moto = s3_servers.or_skip(s3_servers.moto).__enter__()
        self.minio = s3_servers.or_skip(s3_servers.minio).__enter__()
        self.rows = sites.deploy(self.moto, sites.workspace(os.path.join(self.folder, "data"), {SITE: s3_servers.ACCOUNT}))
        self.minio.client("s3").create_bucket(Bucket=self.rows[SITE]["bucketName"])
        return self

    def __exit__(self, *fault):
        self.minio.__exit__(*fault)
        self.moto.__exit__(*fault)
        self.scratch.__exit__(*fault)

    def machine(self, name):
        """Keys are MinIO's, which moto takes too; there is no role between."""
        environment = {**self.minio.environment(endpoint=self.moto.endpoint), "AWS_ENDPOINT_URL_S3": self.minio.endpoint}
        data = p.Data(os.path.join(self.folder, name), environment=environment)
        sites.workspace(data.folder, {SITE: s3_servers.ACCOUNT})
        sites.mapping(data.folder, self.rows)
        os.remove(os.path.join(data.folder, ".env.automation"))
        return data

    def count(self):
        pages = self.minio.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.rows[SITE]["bucketName"])
        return sum(page["KeyCount"] for page in pages)


def fill(data):
    for number in range(FILES):
        folder = ("search-entries", "transcripts", "audio")[number % 3]
        kind = ("json", "srt", "mp3")[number % 3]
        sites.write(os.path.join(data.site_files(SITE), folder, f"cast-{number // 10000}", f"2024-01-01_Episode number {number}.{kind}"), f"{number}\n")


def run(data, what):
    began = time.monotonic()
    row = p.site_of(data.run(*LOCAL), SITE)
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)
    assert not row["errors"], row["errors"]
    return row


def files_here(data):
    return sum(len(names) for _, _, names in os.walk(data.site_files(SITE)))


def kill_halfway(data, done):
    process = data.start(*data.RUN, *LOCAL)
    while process.poll() is None and not done():
        time.sleep(0.05)
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


def test_many_files_up_and_down_each_killed_once_and_the_second_time_free():
    with World() as world:
        data, other = world.machine("data"), world.machine("other")
        fill(data)
        assert kill_halfway(data, lambda: world.count() > FILES / 3), "it was over before it could be killed"
        already = world.count()
        row = run(data, f"{FILES} files up, of which {already} were there")
        assert row["s3SyncTotalFilesUploaded"] <= FILES - already and world.count() == FILES, row
        row = run(data, "nothing new")
        assert row["s3SyncTotalFilesUploaded"] == row["s3PreSyncFilesDownloaded"] == 0 and row["filesInSync"] == FILES, row
        assert kill_halfway(other, lambda: files_here(other) > FILES / 3), "it was over before it could be killed"
        row = run(other, f"{FILES} files down, of which {files_here(other)} were there")
        assert row["s3SyncTotalFilesUploaded"] == 0 and files_here(other) == FILES, row
        row = run(other, "nothing new")
        assert row["s3PreSyncFilesDownloaded"] == 0 and row["filesInSync"] == FILES, row
        for folder, _, names in os.walk(other.site_files(SITE)):
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as text:
                    assert text.read() == name.split("number ")[1].split(".")[0] + "\n", name


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])

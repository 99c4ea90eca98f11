#!/usr/bin/env python3
"""Runs with a cloud, killed at random requests: both sides end up the same, nothing is fetched or called twice afterwards, and whatever went up was
refreshed and invalidated after it was there. ROUNDS (6) and SEED choose."""

import json
import os
import random
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import pipeline as p  # noqa: E402
from test_podcast_cloud import World  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "6"))
SEED = int(os.environ.get("SEED", str(random.randrange(1 << 30))))
LOCAL = ("--skip-rss-retrieval", "--skip-audio-processing")
SITES = {"harbour": "111111111111", "mill": "222222222222"}


def row(site, number):
    return {"sequentialId": number, "podcastId": site + "-cast", "title": f"E{number}", "fileKey": f"2024-01-{number:02d}_E{number}--17000000000{number:02d}",
            "originalAudioURL": f"http://127.0.0.1:1/{site}{number}.mp3", "summary": "", "publishedAt": f"2024-01-{number:02d}T08:00:00.000Z", "guid": f"{site}-{number}"}


def files_of(site, number):
    key = f"{site}-cast/{row(site, number)['fileKey']}"
    return {f"audio/{key}.mp3": f"sound {site} {number}" * 50, f"transcripts/{key}.srt": f"1\n00:00:01,000 --> 00:00:09,000\nThe tide of {site} number {number}.\n\n"}


def manifest(site, numbers):
    return json.dumps({"lastUpdated": "2025-01-01T00:00:00.000Z", "episodes": [row(site, number) for number in numbers]}, indent=2)


def scatter(world, chance):
    """Episodes 1 to 9 of each site: some here, some there, some on both sides; each manifest knows its own."""
    for site in SITES:
        here, there = [], []
        for number in range(1, 10):
            where = chance.choice("hhttb")
            if where in "hb":
                here.append(number)
                for key, text in files_of(site, number).items():
                    sites.write(os.path.join(world.data.site_files(site), key), text)
            if where in "tb":
                there.append(number)
                for key, text in files_of(site, number).items():
                    world.put(site, key, text.encode())
        sites.write(os.path.join(world.data.site_files(site), "episode-manifest", "full-episode-manifest.json"), manifest(site, here))
        world.put(site, "episode-manifest/full-episode-manifest.json", manifest(site, there).encode())


def run_killed(world, requests):
    """Kills the run when so many requests came; false when it ended before."""
    process = world.data.start(*world.data.RUN, *LOCAL)
    while process.poll() is None and len(world.between.log) < requests:
        time.sleep(0.001)
    killed = process.poll() is None
    process.kill()
    process.communicate()
    return killed


def check(world, site, before):
    bucket = world.bucket(site)
    numbers = {entry["guid"]: entry["sequentialId"] for entry in world.data.manifest(site)["episodes"]}
    assert set(numbers) == {f"{site}-{number}" for number in range(1, 10)} and len(set(numbers.values())) == 9, numbers
    for number in range(1, 10):
        assert set(files_of(site, number)) < set(bucket), (site, number)
    entries = [key for key in bucket if key.startswith("search-entries/")]
    assert len(entries) == 9, entries
    told = {path for paths in world.invalidations(site) for path in paths}
    made = {"/" + key for key, etag in bucket.items() if before.get(key) != etag}
    assert len(made) > 9, made
    assert made <= told, (site, made - told)


def test_killed_at_random_requests():
    print(f"seed {SEED}", flush=True)
    chance = random.Random(SEED)
    kills = 0
    with World(SITES) as world:
        for number in range(ROUNDS):
            world.moto.reset()
            world.rows = sites.deploy(world.moto, sites.workspace(world.data.folder, SITES))
            world.settle(world.data)
            for name in ("objects", "state", "run"):
                shutil.rmtree(os.path.join(world.data.folder, name), ignore_errors=True)
            scatter(world, chance)
            before = {site: world.bucket(site) for site in SITES}
            world.between.clear_log()
            requests = chance.randrange(1, 40)
            while run_killed(world, requests) and kills < 100 * ROUNDS:
                kills += 1
                requests = len(world.between.log) + chance.randrange(1, 60)
            report = world.data.run(*LOCAL)
            assert not p.errors(report), (number, p.errors(report))
            world.both_agree(world.data)
            for site in SITES:
                check(world, site, before[site])
            called = {entry["path"].split("/")[3] for entry in world.between.requests("Invoke")}
            assert called == {f"search-api-{site}" for site in SITES}, called
            world.between.clear_log()
            report = world.data.run(*LOCAL)
            assert report["nothingNew"] and not world.between.count("PutObject") and not world.between.count("Invoke"), report
    print(f"{kills} kills in {ROUNDS} rounds")
    assert kills >= ROUNDS / 2, kills


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

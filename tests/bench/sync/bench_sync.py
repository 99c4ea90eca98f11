#!/usr/bin/env python3
"""`tidemill sync` beside rclone and the AWS CLI on the same MinIO.

    bench_sync.py [PROGRAM] [--only nothing,small,large,list] [--repeat N] [--scale F] [--folder F]

PROGRAM is build/bench/tidemill; without the command `sync` in it only the peers run. --scale 0.01 is a quick look. Every command is run --repeat times and
its best run counts; ratios are the best peer's time by tidemill's (more is better).
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

MB = 1000 * 1000
ROOM = 12 * 1000 * MB  # that all data sets and the server need
ADOPTS = "its first run: it adopts what is there"
FAST = ["--fast-list", "--transfers", "32", "--checkers", "64"]


class Bench:
    def __init__(self, words, folder):
        self.words, self.folder = words, folder
        self.failures = []
        self.program = words.program
        self.aws = s3_servers.aws_program()
        self.rclone = s3_servers.built("rclone")
        self.server = None

    def scaled(self, number):
        return max(1, int(number * self.words.scale))

    def has_sync(self):
        if not os.access(self.program, os.X_OK):
            return False
        done = subprocess.run([self.program, "sync", "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0

    def environment(self, place):
        """For all three at once; each finds its own."""
        own = place.credentials
        config = os.path.join(self.folder, "aws-config")
        with open(config, "w", encoding="ascii") as out:
            out.write(f"[default]\n[profile fast]\naws_access_key_id = {own['AccessKeyId']}\naws_secret_access_key = {own['SecretAccessKey']}\n"
                      "s3 =\n  max_concurrent_requests = 32\n")
        rclone = {"TYPE": "s3", "PROVIDER": "Minio", "ACCESS_KEY_ID": own["AccessKeyId"], "SECRET_ACCESS_KEY": own["SecretAccessKey"],
                  "ENDPOINT": place.endpoint, "REGION": place.region}
        return {**os.environ, **place.environment(), "HOME": self.folder, "XDG_DATA_HOME": os.path.join(self.folder, "data"), "AWS_CONFIG_FILE": config,
                "RCLONE_CONFIG": os.path.join(self.folder, "rclone.conf"), **{f"RCLONE_CONFIG_S3_{name}": value for name, value in rclone.items()}}

    def run(self, place, command):
        result = os.path.join(self.folder, "result.json")
        with open(os.path.join(self.folder, "output.txt"), "w+b") as output:
            subprocess.run([sys.executable, "-I", "-S", os.path.join(HERE, "measure.py"), result, *command], stdin=subprocess.DEVNULL, stdout=output,
                           stderr=output, env=self.environment(place), check=True)
            output.seek(max(0, output.tell() - 800))
            told = output.read().decode("utf-8", "replace")
        with open(result, encoding="ascii") as text:
            measured = json.load(text)
        measured["told"] = told
        return measured

    def commands(self, place, source, target, rclone=(), aws=(), tidemill=()):
        """Name and command of every way from source to target (a folder or "s3://bucket/prefix")."""
        def remote(name):
            return name.replace("s3://", "s3:") if name.startswith("s3://") else name
        found = [(f"rclone {' '.join(more)}".strip(), [self.rclone, "sync", remote(source), remote(target), *more]) for more in ((), *rclone)]
        if self.has_sync():
            found += [(f"tidemill sync {' '.join(more)}".strip(), [self.program, "sync", source, target, "--endpoint-url", place.endpoint, *more])
                      for more in (tidemill or ((),))]
        # Last: for some seconds after its uploads in parts the server is slower, whoever comes next.
        found += [("aws s3 sync" + (f" {' '.join(more)}" if more else ""), [self.aws, "--endpoint-url", place.endpoint, "s3", "sync", source, target,
                   "--only-show-errors", *more]) for more in ((), *aws)]
        return found

    def table(self, title, rows, objects=None):
        """rows: (name, measured). Prints them and the ratio; gives the ratio back."""
        print(f"\n{title}\n")
        print("| | seconds | processor | most memory |" + (" bytes an object over 20 MB |" if objects else ""))
        print("|---|---|---|---|" + ("---|" if objects else ""))
        for name, measured in rows:
            line = f"| {name} | {measured['seconds']:.2f} | {measured['processor']:.2f} | {measured['memory'] / MB:.1f} MB |"
            print(line + (f" {max(0, measured['memory'] - 20 * MB) / objects:.0f} |" if objects else ""))
        peers = [(measured["seconds"], name) for name, measured in rows if not name.startswith("tidemill") and not name.startswith("the server")]
        ours = [measured["seconds"] for name, measured in rows if name.startswith("tidemill") and ADOPTS not in name]
        limit = [measured["seconds"] for name, measured in rows if name.startswith("the server")]
        if peers and ours:
            best, name = min(peers)
            print(f"\nratio against the best peer ({name}): {best / min(ours):.2f}", flush=True)
        if ours and limit:
            print(f"of what the server can take: {100 * limit[0] / min(ours):.0f} %", flush=True)

    def best(self, place, name, command, before=None, after=None, repeat=None):
        """The best of the runs; None when one failed."""
        runs = []
        for _ in range(repeat or self.words.repeat):
            if before:
                before()
            measured = self.run(place, command)
            wrong = f"exit {measured['status']}: {measured['told'].strip()}" if measured["status"] else after() if after else ""
            if wrong:
                self.failures.append(f"{name}: {wrong}")
                print(f"FAILED {name}: {wrong}", flush=True)
                return None
            runs.append(measured)
        return min(runs, key=lambda measured: measured["seconds"])

    def in_bucket(self, bucket, prefix=""):
        """Objects and bytes."""
        client, count, size = self.server.client(), 0, 0
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            count += len(page.get("Contents", []))
            size += sum(each["Size"] for each in page.get("Contents", []))
        return count, size

    def empty_bucket(self, bucket):
        client = self.server.client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
                client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        self.rest()

    def rest(self):
        """Until the server has cleared away what was deleted: else whoever comes next is slowed down by the one before."""
        trash = os.path.join(self.folder, "minio", ".minio.sys", "tmp", ".trash")
        for _ in range(300):
            if not os.path.isdir(trash) or not os.listdir(trash):
                break
            time.sleep(0.1)
        time.sleep(3)

    def fill(self, name, count, size, spread=1000):
        """A folder of files with bytes that do not compress, dated in the past."""
        folder = os.path.join(self.folder, name)
        numbers = random.Random(7)
        for number in range(count):
            path = os.path.join(folder, f"show-{number // spread:03}", f"episode-{number:06}.srt")
            if number % spread == 0:
                os.makedirs(os.path.dirname(path))
            with open(path, "wb") as out:
                left = size
                while left:
                    block = numbers.randbytes(min(left, 1 << 20))
                    out.write(block)
                    left -= len(block)
            os.utime(path, (1700000000 + number, 1700000000 + number))
        return folder

    def nothing_new(self):
        count, size = self.scaled(100000), 1000
        source = self.fill("many", count, size)
        self.server.client().create_bucket(Bucket="many")
        target = "s3://many/all"
        print(f"\nuploading {count} objects with rclone ...", flush=True)
        first = self.run(self.server, [self.rclone, "sync", source, target.replace("s3://", "s3:"), *FAST])
        if first["status"] or self.in_bucket("many") != (count, count * size):
            raise RuntimeError(f"the upload failed: {first['told']}")
        print(f"in {first['seconds']:.1f} s", flush=True)
        def unchanged():
            return "" if self.in_bucket("many") == (count, count * size) else "the bucket has changed"

        rows = []
        honest = [[*FAST, "--checksum"], [*FAST, "--size-only"], [*FAST, "--update", "--use-server-modtime"]]
        for name, command in self.commands(self.server, source, target, honest, [["--size-only"]]):
            if name.startswith("tidemill"):
                if first := self.best_once(f"{name} ({ADOPTS})", command):
                    rows.append((f"{name} ({ADOPTS})", first))
            if measured := self.best(self.server, name, command, after=unchanged):
                rows.append((name, measured))
        self.table(f"Nothing new over {count} objects of {size} bytes", rows, count)
        shutil.rmtree(source)

    def best_once(self, name, command):
        measured = self.run(self.server, command)
        if measured["status"]:
            self.failures.append(f"{name}: exit {measured['status']}: {measured['told'].strip()}")
            return None
        return measured

    def up_and_down(self, name, title, count, size, rclone, aws, limit=False):
        source, down = self.fill(name, count, size, 100), os.path.join(self.folder, name + "-down")
        self.server.client().create_bucket(Bucket=name)
        wanted = (count, count * size)

        def empty():
            shutil.rmtree(down, ignore_errors=True)
            # What tidemill remembers of the last agreement is not of this run.
            shutil.rmtree(os.path.join(self.folder, "data"), ignore_errors=True)
            self.empty_bucket(name)
            os.makedirs(down)

        def is_up():
            found = self.in_bucket(name, "x/")
            return "" if found == wanted else f"{found} objects and bytes are there, not {wanted}"

        def is_down():
            done = subprocess.run(["diff", "-rq", source, down], stdout=subprocess.PIPE, text=True, check=False)
            return done.stdout[-300:]

        rows = []
        most = self.limit(source, name, empty) if limit else None
        for words, command in self.commands(self.server, source, f"s3://{name}/x", rclone, aws):
            if measured := self.best(self.server, words, command, empty, is_up):
                rows.append((words, measured))
        if most:
            rows.append(("the server's limit: curl, four presigned PUTs at once", most))
        self.table(f"{title}, up", rows)
        empty()
        self.run(self.server, [self.rclone, "sync", source, f"s3:{name}/x", *FAST])

        def clear():
            shutil.rmtree(down, ignore_errors=True)
            shutil.rmtree(os.path.join(self.folder, "data"), ignore_errors=True)
            os.makedirs(down)

        rows = []
        for words, command in self.commands(self.server, f"s3://{name}/x", down, rclone, aws):
            if measured := self.best(self.server, words, command, clear, is_down):
                rows.append((words, measured))
        self.table(f"{title}, down", rows)
        clear()
        shutil.rmtree(source)
        self.empty_bucket(name)

    def limit(self, source, bucket, empty):
        """Plain PUTs of whole files by curl: no checksums of the client's, no listing."""
        config = os.path.join(self.folder, "curl.txt")
        runs = []
        for _ in range(self.words.repeat):
            empty()
            with open(config, "w", encoding="ascii") as out:
                for folder, _, names in os.walk(source):
                    for name in names:
                        url = self.server.client(signature_version="s3v4").generate_presigned_url("put_object", {"Bucket": bucket, "Key": name})
                        out.write(f'upload-file = "{os.path.join(folder, name)}"\nurl = "{url}"\noutput = "/dev/null"\n')
            measured = self.run(self.server, [shutil.which("curl"), "--silent", "--show-error", "--fail", "--parallel", "--parallel-max", "4",
                                              "--config", config])
            if measured["status"]:
                raise RuntimeError(measured["told"])
            runs.append(measured)
        return min(runs, key=lambda each: each["seconds"])

    def list_many(self):
        count = self.scaled(1000000)
        process = subprocess.Popen([sys.executable, os.path.join(HERE, "listing_server.py"), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        try:
            place = s3_servers.Place()
            place.endpoint, place.credentials = f"http://127.0.0.1:{int(process.stdout.readline())}", {"AccessKeyId": "a", "SecretAccessKey": "b"}
            empty = os.path.join(self.folder, "empty")
            os.makedirs(empty, exist_ok=True)
            dry = ["sync", "--dry-run", "--fast-list", "--size-only"]
            commands = [(f"rclone {' '.join(dry)}", [self.rclone, *dry, "--quiet", "s3:bucket", empty]),
                        ("rclone lsf -R --fast-list", [self.rclone, "lsf", "-R", "--fast-list", "s3:bucket"]),
                        ("aws s3 ls --recursive", [self.aws, "--endpoint-url", place.endpoint, "s3", "ls", "--recursive", "s3://bucket"])]
            if self.has_sync():
                commands.append(("tidemill sync --dry-run", [self.program, "sync", "--dry-run", "s3://bucket", empty, "--endpoint-url", place.endpoint]))
            rows = []
            for name, command in commands:
                if measured := self.best(place, name, command, repeat=1):
                    rows.append((name, measured))
            self.table(f"{count} keys listed (tidemill's ceiling: 256 MB)", rows, count)
        finally:
            process.communicate()

    def all(self):
        wanted = self.words.only.split(",")
        with s3_servers.minio(os.path.join(self.folder, "minio")) as self.server:
            if "small" in wanted:
                count = self.scaled(10000)
                self.up_and_down("small", f"{count} files of 10 kB", count, 10000, [FAST], [["--profile", "fast"]])
            if "large" in wanted:
                size = self.scaled(100 * MB)
                parts = ["--transfers", "4", "--s3-upload-concurrency", "4", "--s3-chunk-size", "16M"]
                whole = ["--transfers", "4", "--s3-upload-cutoff", "200M"]
                self.up_and_down("large", f"Ten files of {size / MB:.0f} MB", 10, size, [parts, whole], [["--profile", "fast"]], limit=True)
            if "nothing" in wanted:
                self.nothing_new()
        if "list" in wanted:
            self.list_many()


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("program", nargs="?", default=os.path.join(ROOT, "build", "bench", "tidemill"))
    words.add_argument("--only", default="small,large,nothing,list")
    words.add_argument("--repeat", type=int, default=2)
    words.add_argument("--scale", type=float, default=1.0)
    words.add_argument("--folder")
    words = words.parse_args()
    words.program = os.path.abspath(words.program)
    memory = "/dev/shm"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))  # with all that is cleared away at the end
    room = os.path.isdir(memory) and shutil.disk_usage(memory).free > ROOM * min(1.0, words.scale)
    with tempfile.TemporaryDirectory(prefix="tidemill-bench-", dir=words.folder or (memory if room else None)) as folder:
        bench = Bench(words, folder)
        version = subprocess.run([bench.rclone, "version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")[0]
        cli = subprocess.run([bench.aws, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0]
        print(f"{version}, {cli}, MinIO of 2026-02-12; data in {os.path.dirname(folder)}", flush=True)
        if not bench.has_sync():
            print(f"{words.program} has no command `sync`: the peers alone")
        bench.all()
    if bench.failures:
        sys.exit(f"{len(bench.failures)} failed: " + "; ".join(bench.failures)[:2000])


if __name__ == "__main__":
    main()

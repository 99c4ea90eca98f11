"""What the tests of `tidemill sync` share: a folder, a bucket, the program between them, and a proxy that counts, lies and kills.

    with sync_cases.Case(proxy) as case:          # a bucket and folders of its own
        case.write("a/b.txt", b"tide")
        case.sync(case.local, case.remote)        # fails unless the exit status is 0; .report, .actions
        case.same()                               # both sides hold the same bytes, checked with another client
        case.quiet(case.local, case.remote)       # once more: only listings, and nothing was touched
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import lying_s3  # noqa: E402
import pipeline  # noqa: E402
import s3_servers  # noqa: E402

MIB = 1 << 20
PART = 5 * MIB  # the smallest that S3 takes
LOOKS = {"ListObjectsV2", "HeadBucket"}  # what a run with nothing new may ask
PART_PREFIX = ".tidemill-part-"
OLD_SECONDS = 3 * 86400
TIMEOUT = 600


def md5(data):
    return hashlib.md5(data).hexdigest()


def seeded():
    """The random numbers of a run; the seed is printed, and SEED repeats it."""
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SEED={seed}", flush=True)
    return random.Random(seed)


def scaled(count):
    return max(1, int(count * float(os.environ.get("SCALE", "0.02"))))


class Result:
    """What a run said. `report` and `actions` (or `plan`) are those of --json; None where the run could not start."""

    def __init__(self, words, status, out, err):
        self.words, self.status, self.out, self.err = words, status, out, err
        told = json.loads(out) if out.startswith("{") else {}
        self.report, self.actions = told.get("report"), told.get("actions", told.get("plan"))

    def keys(self, action=None, failed=None):
        return sorted(line["key"] for line in self.actions
                      if (action is None or line["action"] == action) and (failed is None or ("error" in line) == failed))

    def errors(self):
        return {line["key"]: line["error"] for line in self.actions if "error" in line}

    def moved(self):
        return sum(self.report[side][what] for side in ("toLeft", "toRight") for what in ("copied", "removed", "renamed"))

    def __str__(self):
        return f"{self.words}: exit {self.status}\n{self.out[-3000:]}\n{self.err[-3000:]}"


class Case:
    """A bucket and folders of its own. `place` is where the program sends its requests: a proxy, or a server."""

    names = iter(range(1 << 20))
    lock = threading.Lock()
    clients = {}

    def __init__(self, place, direct=None, bucket=None, prefix="site"):
        with Case.lock:
            number = next(Case.names)
            self.place, self.direct = place, direct or getattr(place, "server", None) or place
            if self.direct not in Case.clients:
                Case.clients[self.direct] = self.direct.client(max_pool_connections=32)
            self.client = Case.clients[self.direct]
        self.folder = tempfile.mkdtemp(prefix="tidemill-sync-")
        self.local, self.data = os.path.join(self.folder, "local"), os.path.join(self.folder, "data")
        self.bucket, self.prefix = bucket or f"case-{os.getpid()}-{number}", prefix
        self.remote = f"s3://{self.bucket}/{prefix}" if prefix else f"s3://{self.bucket}"
        self.more = {}  # environment
        os.makedirs(self.local)
        if bucket is None:
            self.client.create_bucket(Bucket=self.bucket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- the program ----

    def environment(self, **more):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TIDEMILL_TEST"))}
        return {**clean, **self.place.environment(), "HOME": self.folder, "XDG_DATA_HOME": "", **self.more, **more}

    def start(self, *words, environment=None, before=(), program=None):
        return subprocess.Popen([*before, program or pipeline.TIDEMILL, "sync", *words, "--data", self.data], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, cwd=self.folder, env=self.environment(**(environment or {})))

    def sync(self, *words, expect=0, plain=False, **options):
        process = self.start(*words, *(() if plain else ("--json",)), **options)
        out, err = process.communicate(timeout=TIMEOUT)
        result = Result(words, process.returncode, out, err)
        assert expect is None or result.status == expect, f"expected exit {expect}: {result}"
        assert "Sanitizer" not in err, err
        return result

    # ---- both sides ----

    def path(self, key, folder=None):
        return os.path.join(folder or self.local, key)

    def write(self, key, body, folder=None, age=0):
        path = self.path(key, folder)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(body)
        if age:
            status = os.stat(path)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - age * 1000000000))

    def put(self, key, body, **more):
        self.client.put_object(Bucket=self.bucket, Key=self.whole(key), Body=body, **more)

    def whole(self, key):
        return f"{self.prefix}/{key}" if self.prefix else key

    def remove(self, key):
        self.client.delete_object(Bucket=self.bucket, Key=self.whole(key))

    def listed(self):
        """Key: (size, ETag) of the whole bucket below the prefix, by boto3 and without the proxy."""
        start = self.whole("")
        found = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=start):
            found.update({each["Key"][len(start):]: (each["Size"], each["ETag"].strip('"')) for each in page.get("Contents", [])})
        return found

    def get(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=self.whole(key))["Body"].read()

    def there(self):
        """Key: MD5 of the bytes in the bucket. The ETag of a plain object is that; the others are read."""
        return {key: tag if "-" not in tag else md5(self.get(key)) for key, (_, tag) in self.listed().items()}

    def here(self, folder=None):
        """Key: MD5 of the bytes of each file, whatever its name."""
        found = {}
        root = folder or self.local
        for where, _, names in os.walk(root):
            for name in names:
                path = os.path.join(where, name)
                with open(path, "rb") as data:
                    found[os.path.relpath(path, root)] = hashlib.file_digest(data, "md5").hexdigest()
        return found

    def same(self, wanted=None, folder=None, leftovers=0):
        """Both sides hold the same keys and bytes (and those, when they are named), and nothing is left of any work."""
        here, there = self.here(folder), self.there()
        assert not [key for key in here if PART_PREFIX in key], [key for key in here if PART_PREFIX in key]
        assert here == there, different(here, there)
        assert wanted is None or here == wanted, different(here, wanted)
        assert len(self.uploads()) == leftovers, self.uploads()
        return here

    def uploads(self):
        """Uploads in parts that were neither finished nor given up, as MinIO (an exact key each) and others list them."""
        found = []
        for key in self.listed_or_known():
            found += [each["Key"] for each in self.client.list_multipart_uploads(Bucket=self.bucket, Prefix=self.whole(key)).get("Uploads", [])]
        return sorted(found)

    def listed_or_known(self):
        big = {key for key, (size, _) in self.listed().items() if size > PART}
        for where, _, names in os.walk(self.local):
            big |= {os.path.relpath(os.path.join(where, name), self.local) for name in names if os.path.getsize(os.path.join(where, name)) > PART}
        return sorted(big)

    # ---- what a run may not touch ----

    def agreements(self):
        """The rows of every memory."""
        rows = []
        folder = os.path.join(self.data, "state", "sync")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if name.endswith(".db"):
                db = sqlite3.connect(os.path.join(folder, name))
                rows.append((name, db.execute("SELECT * FROM agreement ORDER BY key").fetchall()))
                db.close()
        return rows

    def stamps(self, folder=None):
        found = {}
        for where, folders, names in os.walk(folder or self.local):
            for name in [*folders, *names]:
                path = os.path.join(where, name)
                status = os.lstat(path)
                read = status.st_atime_ns if name in names else 0
                found[path] = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, read)
        return found

    def forget_reading(self, folder=None):
        """Sets all times of access back, so that a read shows on a file system that notes it at most once a day (relatime)."""
        for where, _, names in os.walk(folder or self.local):
            for name in names:
                path = os.path.join(where, name)
                status = os.lstat(path)
                os.utime(path, ns=(status.st_mtime_ns - OLD_SECONDS * 1000000000, status.st_mtime_ns), follow_symlinks=False)

    def quiet(self, *words, folder=None, expect=0, conflicts=0):
        """A run that changes nothing: it lists both sides, and no more."""
        self.forget_reading(folder)
        before = (self.stamps(folder), self.listed(), self.agreements())
        if hasattr(self.place, "clear_log"):
            self.place.clear_log()
        result = self.sync(*words, expect=expect)
        if hasattr(self.place, "counts"):
            counts = self.place.counts()
            assert set(counts) <= LOOKS, counts
        after = (self.stamps(folder), self.listed(), self.agreements())
        for was, now in zip(before, after):
            assert was == now, different(dict(was), dict(now))
        report = result.report
        assert result.moved() == 0 and report["foundEqual"] == 0 and report["conflicts"] == conflicts, result
        assert expect or result.actions == [], result
        return result

    # ---- killing ----

    def until_done(self, *words, rng, rounds, near=40, longest=0.05, expect=0):
        """Runs it again and again, and kills it (SIGKILL) within `longest` seconds of its nth request, n at most `near`, `rounds` times at most; then lets it
        end. Returns how many were killed."""
        killed = 0
        for _ in range(rounds):
            if not self.killed_once(rng, near, longest, words):
                break
            killed += 1
        self.place.truth()
        self.sync(*words, expect=expect)
        return killed

    def killed_once(self, rng, near, longest, words, rules=()):
        nth, wait, after = rng.randrange(near) + 1, rng.random() * longest, rng.random() < 0.5
        reached = threading.Event()
        self.place.truth()
        rule = {"lie": "call_after" if after else "call", "op": list(WORK), "after": nth - 1, "times": 1, "function": lambda *_: reached.set()}
        self.place.tell(rule, *rules)
        with tempfile.TemporaryFile() as heard:
            process = subprocess.Popen([pipeline.TIDEMILL, "sync", *words, "--data", self.data], stdin=subprocess.DEVNULL, stdout=heard, stderr=heard,
                                       cwd=self.folder, env=self.environment())
            watch = threading.Thread(target=lambda: (process.wait(), reached.set()), daemon=True)
            watch.start()
            assert reached.wait(TIMEOUT), "it neither worked nor ended"
            try:
                process.wait(timeout=wait)  # the moment of the kill, unless it ends before
            except subprocess.TimeoutExpired:
                pass
            alive = process.poll() is None
            process.send_signal(signal.SIGKILL)
            watch.join()
            heard.seek(0)
            said = heard.read().decode(errors="replace")
        assert alive or process.returncode in (0, 1), f"exit {process.returncode}: {said[-3000:]}"
        assert "Sanitizer" not in said, said
        self.place.count()  # what the dead one had asked for comes to its end
        return alive

    def done_twice(self):
        """What reached the server more than once: PUTs of whole objects, parts, copies, removals."""
        seen = {}
        for line in self.place.requests():
            if line["op"] in ("PutObject", "UploadPart", "CopyObject", "DeleteObject") and line["upstream"] in (200, 204):
                name = (line["op"], line["key"], line["query"].get("partNumber"))
                seen[name] = seen.get(name, 0) + 1
        return {name: count for name, count in seen.items() if count > 1}


WORK = ("PutObject", "GetObject", "HeadObject", "CopyObject", "DeleteObjects", "DeleteObject", "CreateMultipartUpload", "UploadPart",
        "CompleteMultipartUpload", "ListParts", "ListMultipartUploads")


def different(one, other):
    """What differs, in few words."""
    lines = [f"{key}: {one.get(key)} against {other.get(key)}" for key in sorted(set(one) | set(other)) if one.get(key) != other.get(key)]
    return f"{len(lines)} differ: " + "; ".join(lines[:8])


def run_against_minio(module):
    """Runs the script's tests with `module.proxy`, the lying proxy in front of MinIO."""
    with s3_servers.or_skip(s3_servers.MinIO) as server, lying_s3.LyingS3(server) as module.proxy:
        pipeline.run_tests(module)

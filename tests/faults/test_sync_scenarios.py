#!/usr/bin/env python3
"""The five scenarios of the nightly sync against MinIO: clean slate, local backlog, mixed, failure recovery, large. Each runs twice, and the second run
changes nothing; and each is killed (SIGKILL) at random moments until it is done.

    SCALE=1 ROUNDS=100 test_sync_scenarios.py       100,000 objects in the large ones (0.02 by default), 100 kills each (6)
    SEED=n repeats a run's kills.
"""

import os
import re
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import sync_cases as s  # noqa: E402

proxy = None
rng = s.seeded()
ROUNDS = int(os.environ.get("ROUNDS", "6"))
LARGE = s.scaled(100000)
SMALL = 30
BIG = 2 * s.PART + 100000  # three parts
PARTS = ("--part-size", str(s.PART))


def body(size=None):
    return rng.randbytes(rng.choice((0, 1, 300, 20000)) if size is None else size)


def site_keys():
    return [f"{folder}/{number:03} {'é+%2F'[number % 3:]}.mp3" for folder in ("audio/cast", "index", "transcripts/cast") for number in range(SMALL // 3)]


def whole_site():
    bodies = {key: body() for key in site_keys()}
    bodies["audio/cast/long.mp3"] = body(BIG)
    return bodies


def sums(bodies):
    return {key: s.md5(data) for key, data in bodies.items()}


class Scenario:
    """prepare() fills both sides; words are those of the run; check() is what is to be there in the end."""

    def __init__(self, case):
        self.case = case

    def check(self, result=None):
        self.case.same(self.wanted)


class CleanSlate(Scenario):
    def prepare(self):
        bodies = whole_site()
        for key, data in bodies.items():
            self.case.put(key, data)
        self.wanted = sums(bodies)
        self.words = (self.case.remote, self.case.local)


class LocalBacklog(Scenario):
    def prepare(self):
        bodies = whole_site()
        for key, data in bodies.items():
            self.case.write(key, data)
        self.wanted = sums(bodies)
        self.words = (self.case.local, self.case.remote, *PARTS)


class Mixed(Scenario):
    """Twelve of each kind, after a first sync that knows most of them."""

    EACH = 6
    ONE, OTHER, NEWER = b"one side", b"the other", b"newer by a day"

    def keys(self, kind):
        return [f"{kind}/{number}.txt" for number in range(self.EACH)]

    def prepare(self):
        case = self.case
        known = {key: body(900 + number) for number, key in enumerate(
            key for kind in ("kept", "here", "there", "gone here", "gone there", "conflict", "moved", "touched") for key in self.keys(kind))}
        for key, data in known.items():
            case.write(key, data, age=3600)
        self.words = (case.local, case.remote, "--both", "--delete", "--max-delete", "none", *PARTS)
        case.sync(*self.words)
        wanted = dict(known)
        for key in self.keys("here"):
            wanted[key] = self.ONE + key.encode()
            case.write(key, wanted[key])
        for key in self.keys("there"):
            wanted[key] = self.OTHER + key.encode()
            case.put(key, wanted[key])
        for key in self.keys("gone here"):
            os.remove(case.path(key))
            del wanted[key]
        for key in self.keys("gone there"):
            case.remove(key)
            del wanted[key]
        for key in self.keys("touched"):
            os.utime(case.path(key))
        for key in self.keys("moved"):
            os.renames(case.path(key), case.path("was " + key))
            wanted["was " + key] = wanted.pop(key)
        for key in self.keys("conflict"):
            wanted[key] = self.NEWER + key.encode()
            case.write(key, self.ONE + key.encode(), age=86400)
            case.put(key, wanted[key])
        for key in self.keys("new here") + self.keys("equal"):
            wanted[key] = self.ONE + key.encode()
            case.write(key, wanted[key])
        for key in self.keys("new there") + self.keys("equal"):
            wanted[key] = self.ONE + key.encode()
            case.put(key, wanted[key])
        wanted["long there.bin"], wanted["long here.bin"] = body(BIG), body(BIG)
        case.put("long there.bin", wanted["long there.bin"])
        case.write("long here.bin", wanted["long here.bin"])
        self.wanted = sums(wanted)

    def check(self, result=None):
        found = self.case.same()
        aside = {key: value for key, value in found.items() if ".conflict-" in key}
        s_keys = {key: value for key, value in found.items() if key not in aside}
        assert s_keys == self.wanted, s.different(s_keys, self.wanted)
        lost = {re.sub(r"\.conflict-\d{8}T\d{6}Z-[0-9a-f]{4}", "", key): value for key, value in aside.items()}
        assert len(lost) == len(aside) and lost == {key: s.md5(self.ONE + key.encode()) for key in self.keys("conflict")}, aside
        if result:
            report = result.report
            assert report["conflicts"] == self.EACH and report["foundEqual"] == 2 * self.EACH, result
            assert (report["toRight"]["renamed"], report["toRight"]["removed"], report["toLeft"]["removed"]) == (self.EACH, 2 * self.EACH, self.EACH), result
            assert sorted(line["key"] for line in result.actions if line["conflict"]) == self.keys("conflict"), result


class Large(Scenario):
    """Many small objects, up; the same program brings them down elsewhere."""

    def prepare(self):
        case = self.case
        self.wanted = {}
        for number in range(LARGE):
            key, data = f"{number % 100:02}/{number // 100:04}.json", b"%d" % number
            case.write(key, data)
            self.wanted[key] = s.md5(data)
        self.words = (case.local, case.remote, "--transfers", "16")


def go(kind):
    with s.Case(proxy) as case:
        scenario = kind(case)
        scenario.prepare()
        proxy.truth()
        result = case.sync(*scenario.words)
        scenario.check(result)
        case.quiet(*scenario.words)


def go_killed(kind, near):
    with s.Case(proxy) as case:
        scenario = kind(case)
        scenario.prepare()
        proxy.clear_log()
        killed = case.until_done(*scenario.words, rng=rng, rounds=ROUNDS, near=near)
        twice = {name: count for name, count in case.done_twice().items() if name[0] in ("PutObject", "UploadPart")}
        print(f"        {kind.__name__}: {killed} kills, {proxy.counts()}", flush=True)
        assert not twice, twice
        in_vain = proxy.requests("PutObject", upstream=412)  # by the plan's row of a file that a killed run had put aside already
        assert len(in_vain) <= 2 * Mixed.EACH, [line["key"] for line in in_vain]
        gets = proxy.count("GetObject")
        assert gets <= len(scenario.wanted) + 16 * (killed + 1), gets
        scenario.check()
        case.quiet(*scenario.words)


def test_clean_slate():
    go(CleanSlate)


def test_clean_slate_killed():
    go_killed(CleanSlate, near=6)


def test_local_backlog():
    go(LocalBacklog)


def test_local_backlog_killed():
    go_killed(LocalBacklog, near=6)


def test_mixed():
    go(Mixed)


def test_mixed_killed():
    go_killed(Mixed, near=12)


def failing(case):
    """A site whose halves are to be exchanged, and a server that refuses some of either. The keys that have to fail."""
    bodies = whole_site()
    for number, (key, data) in enumerate(bodies.items()):
        case.write(key, data) if number % 2 else case.put(key, data)
    bad_up = [key for number, key in enumerate(bodies) if number % 2 and "index/" in key][:4]
    bad_down = [key for number, key in enumerate(bodies) if not number % 2 and "transcripts/" in key][:4]
    broken = next(key for number, key in enumerate(bodies) if number % 2 and "transcripts/" in key)
    rules = [{"lie": "access_denied", "op": "PutObject", "prefix": case.whole(key)} for key in bad_up]
    rules += [{"lie": "access_denied", "op": "GetObject", "prefix": case.whole(key)} for key in bad_down]
    rules += [{"lie": "internal_error", "op": "PutObject", "prefix": case.whole(broken)}]
    return bodies, rules, sorted(bad_up + bad_down + [broken])


def test_failure_recovery():
    with s.Case(proxy) as case:
        bodies, rules, bad = failing(case)
        words = (case.local, case.remote, "--both", *PARTS)
        proxy.tell(*rules)
        result = case.sync(*words, expect=1)
        assert result.keys(failed=True) == bad and result.report["failed"] == len(bad), result
        assert all("AccessDenied" in why or "InternalError" in why for why in result.errors().values()), result.errors()
        here, there, wanted = case.here(), case.there(), sums(bodies)
        assert {**here, **there} == wanted and sorted(set(here) ^ set(there)) == bad, "more or less than those failed"
        proxy.truth()
        result = case.sync(*words)
        assert result.keys() == bad, result
        case.same(wanted)
        case.quiet(*words)


def test_failure_recovery_killed():
    with s.Case(proxy) as case:
        bodies, rules, bad = failing(case)
        words = (case.local, case.remote, "--both", *PARTS)
        killed = 0
        for _ in range(ROUNDS):
            killed += case.killed_once(rng, 12, 0.05, words, rules=[rule for rule in rules if rule["lie"] == "access_denied"])
        case.place.truth()
        case.sync(*words)
        print(f"        {killed} kills", flush=True)
        case.same(sums(bodies))
        case.quiet(*words)


def test_large():
    with s.Case(proxy) as case:
        large = Large(case)
        large.prepare()
        case.place = proxy.server
        result = case.sync(*large.words)
        assert result.report["toRight"]["copied"] == LARGE, result.report
        case.same(large.wanted)
        case.place = proxy  # another address is another place: all is read once
        assert case.sync(*large.words).report["foundEqual"] == LARGE
        case.quiet(*large.words)
        assert proxy.count("ListObjectsV2") <= 2 * LARGE / 1000 + 110, proxy.counts()
        other = os.path.join(case.folder, "other")
        os.makedirs(other)
        case.place = proxy.server
        case.sync(case.remote, other, "--transfers", "16")
        case.same(large.wanted, folder=other)
        case.place = proxy
        assert case.sync(case.remote, other).report["foundEqual"] == LARGE
        case.quiet(case.remote, other, folder=other)
        case.write("00/new.json", b"new")
        os.remove(case.path("01/0000.json"))
        result = case.sync(case.local, case.remote, "--delete")
        assert result.keys() == ["00/new.json", "01/0000.json"] and proxy.count("PutObject") == 1, result


def test_large_killed():
    with s.Case(proxy) as case:
        large = Large(case)
        large.prepare()
        proxy.clear_log()
        killed = case.until_done(*large.words, rng=rng, rounds=ROUNDS, near=max(8, LARGE // max(8, ROUNDS)))
        assert not case.done_twice(), case.done_twice()
        assert proxy.count("PutObject", upstream=200) == LARGE
        print(f"        {killed} kills of {LARGE} objects", flush=True)
        case.same(large.wanted)
        case.quiet(*large.words)


def run_and_kill(case, words, wanted):
    """Kills the run when wanted() is true."""
    process = case.start(*words)
    while not wanted():
        assert process.poll() is None, process.communicate()
        threading.Event().wait(0.01)  # nothing tells when a file has grown
    process.kill()
    process.communicate()


def test_an_upload_goes_on_where_it_was():
    with s.Case(proxy) as case:
        case.write("long.mp3", body(13 * s.PART + 5))
        words = (case.local, case.remote, *PARTS)
        proxy.clear_log()
        for _ in range(2):
            third = threading.Event()
            there = len(proxy.requests("UploadPart", upstream=200))
            proxy.truth()
            proxy.tell({"lie": "call_after", "op": "UploadPart", "after": 2, "times": 1, "function": lambda *_, event=third: event.set()})
            run_and_kill(case, words, third.is_set)
            assert len(proxy.requests("UploadPart", upstream=200)) >= there + 3
        proxy.truth()
        case.sync(*words)
        case.same()
        assert not case.done_twice(), case.done_twice()
        counts = proxy.counts()
        assert counts["CreateMultipartUpload"] == counts["CompleteMultipartUpload"] == 1 and proxy.count("UploadPart", upstream=200) == 14, counts
        case.quiet(*words)


def test_a_download_goes_on_where_it_was():
    with s.Case(proxy) as case:
        size = 24 * s.MIB
        case.put("long.mp3", body(size))
        words = (case.remote, case.local)
        for _ in range(2):
            proxy.truth()
            proxy.tell({"lie": "slow", "op": "GetObject", "stall_after": 6 * s.MIB})
            before = kept(case)
            run_and_kill(case, words, lambda was=before: kept(case) >= was + 5 * s.MIB)
        proxy.truth()
        proxy.clear_log()
        case.sync(*words)
        case.same()
        starts = [int(line["range"].partition("=")[2].partition("-")[0]) for line in proxy.requests("GetObject")]
        assert min(starts) >= 10 * s.MIB, proxy.requests("GetObject")
        case.quiet(*words)


def kept(case):
    return max([os.stat(os.path.join(case.local, name)).st_blocks * 512 for name in os.listdir(case.local) if s.PART_PREFIX in name], default=0)


if __name__ == "__main__":
    s.run_against_minio(sys.modules[__name__])

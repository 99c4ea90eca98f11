#!/usr/bin/env python3
"""A table of lies that an S3 server can tell (tests/support/lying_lies.py) against `tidemill sync`, up, down and both ways, in front of MinIO.

Whatever is told: no wrong bytes under a final name, nothing removed that should not be, the exit status and the message as the table has them; a run
without the lie mends all, and the one after it changes nothing.
"""

import concurrent.futures
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import lying_s3  # noqa: E402
import pipeline  # noqa: E402
import sync_cases as s  # noqa: E402

server = None   # MinIO
abroad = None   # another, in another region
AT_ONCE = 6
BAD = "b/2.txt"   # what a lie about one object is about, here
FAR = "b/3.txt"   # and in the bucket
LONG = "long.bin"
PUTS, GETS = ("PutObject", "UploadPart"), ("GetObject",)
LISTS = ("ListObjectsV2",)
OBJECTS = ["PutObject", "GetObject", "HeadObject", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload", "ListMultipartUploads"]


class Lie:
    """A row. `ways`: up, down, both. `status`: what the run ends with. `failed`: keys that fail (None: it does not matter). `says`: what the message of
    each of them, or of the run, tells. `delete`: with --delete. `leftovers`: uploads that nobody can know of, and that go after a week."""

    def __init__(self, name, ways, *rules, status=0, failed=(), says="", delete=False, more=(), prepare=None, place=None, leftovers=0):
        self.name, self.ways, self.rules, self.status, self.failed, self.says = name, ways.split(), rules, status, failed, says
        self.delete, self.more, self.prepare, self.place, self.leftovers = delete, more, prepare, place, leftovers


def rule(lie, op=None, key=None, **words):
    made = {"lie": lie, **words}
    if op:
        made["op"] = op if isinstance(op, str) else list(op)
    if key:
        made["prefix"] = "site/" + key
    return made


def credential_process(case):
    """Credentials of a program that is asked anew; each time MinIO's STS gives others."""
    script = os.path.join(case.folder, "credentials.py")
    with open(script, "w", encoding="utf-8") as out:
        out.write(f"""import sys, json
sys.path[:0] = {[path for path in sys.path if path]!r}
import boto3
one = boto3.client("sts", endpoint_url={server.endpoint!r}, region_name="us-east-1", aws_access_key_id={server.credentials["AccessKeyId"]!r},
    aws_secret_access_key={server.credentials["SecretAccessKey"]!r}).assume_role(RoleArn="arn:aws:iam::123456789012:role/night", RoleSessionName="night", DurationSeconds=3600)["Credentials"]
print(json.dumps({{"Version": 1, "AccessKeyId": one["AccessKeyId"], "SecretAccessKey": one["SecretAccessKey"], "SessionToken": one["SessionToken"],
    "Expiration": one["Expiration"].isoformat()}}))
open({os.path.join(case.folder, "asked")!r}, "a").write("x")
""")
    config = os.path.join(case.folder, "config")
    with open(config, "w", encoding="utf-8") as out:
        out.write(f"[profile night]\nregion = us-east-1\ncredential_process = {sys.executable} {script}\n")
    case.more = {"AWS_CONFIG_FILE": config, "AWS_PROFILE": "night", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def short_stall(case):
    os.makedirs(case.data)
    with open(os.path.join(case.data, "tidemill.yaml"), "w", encoding="utf-8") as out:
        out.write("fetch:\n  stall: 2s\n")


def other_region(case):
    case.more = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}


TABLE = [
    # ---- what passes is tried again ----
    Lie("503 SlowDown", "up down both", rule("slow_down", OBJECTS, every=3)),
    Lie("503 with Retry-After", "up down", rule("slow_down", OBJECTS, at=[2], retry_after=1)),
    Lie("503 ServiceUnavailable, listings too", "both", rule("service_unavailable", every=4)),
    Lie("500 InternalError", "up down", rule("internal_error", OBJECTS, every=3)),
    Lie("400 RequestTimeout", "up", rule("request_timeout", PUTS, every=3)),
    Lie("reset before the work", "up down both", rule("reset_before", OBJECTS, every=4)),
    Lie("reset after the work", "up down both", rule("reset_after", [op for op in OBJECTS if op != "CreateMultipartUpload"], every=4)),
    Lie("reset after an upload in parts was begun", "up", rule("reset_after", "CreateMultipartUpload", times=1), leftovers=1),
    Lie("reset after the parts were put together", "up", rule("reset_after", "CompleteMultipartUpload", times=1)),
    Lie("200 with an error inside, done", "up", rule("error_in_200", "CompleteMultipartUpload", times=1)),
    Lie("200 with an error inside, undone", "up", rule("error_in_200", "CompleteMultipartUpload", times=1, undone=True)),
    Lie("no answer", "up down", rule("hang", [*PUTS, *GETS], times=1), prepare=short_stall),
    Lie("an answer that stalls", "down", rule("slow", GETS, LONG, stall_after=2000000, times=1), prepare=short_stall),
    # ---- wrong bytes ----
    Lie("cut body", "down both", rule("cut", GETS, every=2)),
    Lie("cut body without an end", "down", rule("cut", GETS, every=2, how="chunked")),
    Lie("cut body, connection closed", "down", rule("cut", GETS, every=2, how="close")),
    Lie("cut body that says it is whole", "down", rule("cut", GETS, every=2, how="shorter")),
    Lie("cut body and a reset", "down", rule("cut", GETS, every=2, reset=True)),
    Lie("flipped bit, once", "down both", rule("flip", GETS, FAR, times=1)),
    Lie("flipped bit, always", "down both", rule("flip", GETS, FAR), status=1, failed=[FAR], says="the pieces that came are not those of the object"),
    Lie("flipped bit of a large object", "down", rule("flip", GETS, LONG), status=1, failed=[LONG], says="the pieces that came are not those"),
    Lie("a range that is not heeded", "down", rule("cut", GETS, LONG, times=1), rule("ignore_range", GETS, LONG), status=None, failed=None),
    Lie("wrong ETag of a get", "down", rule("wrong_etag", GETS, FAR)),
    Lie("wrong ETag of a put, once", "up", rule("wrong_etag", PUTS, LONG, times=1)),
    Lie("wrong ETag of a small put, once", "up", rule("wrong_etag", PUTS, BAD, times=1), status=None, failed=None),
    Lie("wrong ETag of a put, always", "up both", rule("wrong_etag", PUTS, BAD), status=1, failed=[BAD], says="ETag"),
    Lie("wrong checksum of a get", "down", rule("wrong_checksum", GETS, BAD), status=None, failed=None),
    Lie("wrong checksum of a put", "up", rule("wrong_checksum", PUTS, BAD), status=1, failed=[BAD], says="checksum"),
    Lie("no ETag, no checksum", "up down", rule("no_etag", [*PUTS, *GETS], BAD), rule("no_checksum", [*PUTS, *GETS], BAD), status=None, failed=None),
    Lie("a page of a hotel's network instead of an object", "down", rule("html", GETS, BAD), status=1, failed=[BAD]),
    Lie("a page of a hotel's network for a put", "up", rule("html", "PutObject", BAD), status=1, failed=[BAD]),
    Lie("a put that is lost", "up", rule("lost_put", "PutObject", BAD)),
    # ---- listings ----
    Lie("a token again and again", "up down both", rule("same_token"), status=3, says="token", delete=True),
    Lie("a listing that ends early, by its count", "up down both", rule("list_ends_early", keep=3), status=3, says="the listing tells of", delete=True),
    Lie("a listing that ends early, in good order", "down", rule("list_ends_early", keep=3, key_count=True), status=1, failed=None, delete=True),
    Lie("a listing that is empty, in good order", "down", rule("list_ends_early", keep=0, key_count=True), status=1, failed=None, delete=True),
    Lie("a listing out of order", "up down both", rule("list_shuffled"), status=3, says="backwards", delete=True),
    Lie("a key twice", "up down", rule("list_twice"), status=3, says="backwards", delete=True),
    Lie("a key of elsewhere", "down", rule("list_foreign"), status=3, says="", delete=True),
    Lie("a listing cut in its XML", "up down both", rule("list_cut_xml"), status=3, says="", delete=True),
    Lie("a listing as a page of HTML", "down", rule("html", LISTS), status=3, says="", delete=True),
    Lie("a listing that is not allowed", "up down both", rule("access_denied", LISTS), status=3, says="AccessDenied", delete=True),
    Lie("a listing that fails and fails", "down", rule("internal_error", LISTS), status=3, says="InternalError", delete=True),
    Lie("sizes that are not so", "down", rule("list_wrong_size"), status=1, failed=None),
    # ---- refusals ----
    Lie("no such bucket", "up down", rule("no_such_bucket"), status=3, says="there is no such bucket", delete=True),
    Lie("the bucket goes away in the middle", "up", rule("no_such_bucket", PUTS, after=2), status=1, failed=None, says="NoSuchBucket"),
    Lie("access denied below a prefix", "up both", rule("access_denied", PUTS, "b/"), status=1, failed=None, says="AccessDenied"),
    Lie("access denied to one object", "down", rule("access_denied", GETS, BAD), status=1, failed=[BAD], says="AccessDenied"),
    Lie("an object that is gone", "down", rule("no_such_key", ["GetObject", "HeadObject"], BAD), status=1, failed=[BAD]),
    Lie("removals that are denied", "up", rule("delete_errors", n=2), status=1, failed=None, says="AccessDenied", delete=True, more=("--max-delete", "none")),
    # ---- who asks, when, where ----
    Lie("a token that expires, and another", "up down both", rule("expired_token", after=4), prepare=credential_process),
    Lie("a token that expires, and no other", "up", rule("expired_token", after=4), status=1, failed=None, says="expired"),
    Lie("a clock 20 minutes ahead", "up down", rule("skewed_clock", minutes=20)),
    Lie("a clock 20 minutes behind", "both", rule("skewed_clock", minutes=-20)),
    Lie("another region, 301", "up down", rule("redirect", region="eu-west-1"), prepare=other_region, place="abroad"),
    Lie("another region, 400", "both", rule("redirect", region="eu-west-1", status=400), prepare=other_region, place="abroad"),
]


def bodies():
    source = random.Random(7)
    made = {f"{folder}/{number}.txt": source.randbytes(100 + 50 * number) for folder in "ab" for number in range(4)}
    made[LONG] = source.randbytes(s.PART + 1234)
    return made


def prepare(case, way, delete):
    """Sides that differ: what is new, what has changed (by time: the target's is old), what is on the target alone. What each side may hold of each key
    while the lie is told, and what both hold at the end."""
    new = bodies()
    put = {"up": case.write, "down": case.put}
    to = {"up": case.put, "down": case.write}
    allowed = {key: {s.md5(data)} for key, data in new.items()}
    if way == "both":
        for number, (key, data) in enumerate(new.items()):
            case.write(key, data) if number % 2 == 0 or key == LONG else case.put(key, data)
        return allowed, {key: s.md5(data) for key, data in new.items()}
    for key, data in new.items():
        put[way](key, data)
    for key in ("a/1.txt", "b/3.txt"):
        to[way](key, b"old")
        allowed[key].add(s.md5(b"old"))
    extra = [f"extra/{number}" for number in range(8)]
    for key in extra:
        to[way](key, b"extra")
        allowed[key] = {s.md5(b"extra")}
    wanted = {key: s.md5(data) for key, data in new.items()}
    return allowed, wanted if delete else {**wanted, **{key: s.md5(b"extra") for key in extra}}


def looks_right(case, allowed, before, lie):
    """No wrong bytes anywhere, and no key is gone (but those that were to be removed)."""
    now = (case.here(), case.there())
    for side, was, name in zip(now, before, ("folder", "bucket")):
        visible = {key: value for key, value in side.items() if s.PART_PREFIX not in key}
        wrong = {key: value for key, value in visible.items() if value not in allowed.get(key, ())}
        assert not wrong, f"wrong bytes in the {name}: {wrong}"
        gone = sorted(set(was) - set(visible) - ({key for key in was if key.startswith("extra/")} if lie.more and "none" in lie.more else set()))
        assert not gone, f"gone from the {name}: {gone}"


def words_of(case, way, lie):
    ends = (case.remote, case.local) if way == "down" else (case.local, case.remote)
    return (*ends, *(("--both",) if way == "both" else ()), *(("--delete",) if lie.delete else ()), "--part-size", str(s.PART), *lie.more)


def check_told(lie, result):
    """The exit status, the keys that failed, and what is said of them."""
    assert result.status == lie.status or (lie.status is None and result.status in (0, 1)), f"expected exit {lie.status}: {result}"
    if result.status == 3:
        assert lie.says in result.err and "site" not in result.out, result
        return
    errors = result.errors()
    if lie.failed is not None:
        assert sorted(errors) == sorted(lie.failed), result
    assert bool(errors) or result.report["heldBack"] or result.status == 0, result
    for key, why in errors.items():
        assert why and lie.says in why, f"{key}: {why}"


def tell_one(lie, way):
    place = abroad if lie.place == "abroad" else server
    with lying_s3.LyingS3(place) as proxy, s.Case(proxy) as case:
        if lie.prepare:
            lie.prepare(case)
        allowed, wanted = prepare(case, way, lie.delete)
        words = words_of(case, way, lie)
        before = (case.here(), case.there())
        rules = proxy.tell(*lie.rules)
        result = case.sync(*words, expect=None)
        told = proxy.count(lie=True)
        check_told(lie, result)
        looks_right(case, allowed, before, lie)
        assert told and all(each.told for each in rules), "the lie was not told"
        if "expires, and another" in lie.name:
            assert os.path.getsize(os.path.join(case.folder, "asked")) == 2
        proxy.truth()
        mending = (*words, "--max-delete", "none") if lie.delete and "--max-delete" not in words else words
        case.sync(*mending)
        if way == "both" or lie.delete:
            case.same(wanted, leftovers=lie.leftovers)
        else:
            target = case.there() if way == "up" else case.here()
            assert target == wanted, s.different(target, wanted)
            assert len(case.uploads()) == lie.leftovers, case.uploads()
        case.quiet(*mending)


def timed(lie, way):
    start = time.monotonic()
    try:
        tell_one(lie, way)
        return None, time.monotonic() - start
    except Exception as fault:  # every row is reported
        return fault, time.monotonic() - start


def test_table():
    only = os.environ.get("LIE", "")
    rows = [(lie, way) for lie in TABLE for way in lie.ways if only in f"{lie.name}, {way}"]
    failed = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as crew:
        for (lie, way), (fault, seconds) in zip(rows, crew.map(lambda row: timed(*row), rows)):
            print(f"        {'ok    ' if fault is None else 'FAILED'} {lie.name}, {way} ({seconds:.1f} s)" + (f": {str(fault)[:1500]!s}" if fault is not None else ""), flush=True)
            if fault is not None:
                failed.append(f"{lie.name}, {way}")
                if only:
                    raise fault
    assert not failed, failed


def test_a_redirect_to_elsewhere_is_not_followed():
    """Of a service that is not AWS's: what is signed for one host is sent to no other."""
    with lying_s3.LyingS3(server) as proxy, lying_s3.LyingS3(server) as elsewhere, s.Case(proxy) as case:
        case.write("a.txt", b"moved")
        proxy.tell({"lie": "redirect", "status": 307, "endpoint": elsewhere.endpoint})
        result = case.sync(case.local, case.remote, expect=3)
        assert "TemporaryRedirect" in result.err and elsewhere.count() == 0, result
        proxy.truth()
        case.sync(case.local, case.remote)
        case.same()


def test_empty_listings_after_an_agreement():
    """Both sides were the same once; now the bucket says, in good order, that it has nothing."""
    for more in ((), ("--both",)):
        with lying_s3.LyingS3(server) as proxy, s.Case(proxy) as case:
            for key, data in bodies().items():
                case.write(key, data)
            case.sync(case.local, case.remote)
            was = case.same()
            words = (case.remote, case.local, "--delete", *more)
            proxy.tell(rule("list_ends_early", keep=0, key_count=True))
            result = case.sync(*words, expect=1)
            assert result.report["heldBack"] == len(was) and result.moved() == 0, result
            case.same(was)
            proxy.tell(rule("access_denied", LISTS))
            case.sync(*words, "--max-delete", "none", expect=3)
            case.same(was)
            proxy.truth()
            case.quiet(*words)


if __name__ == "__main__":
    with s3_servers.or_skip(s3_servers.MinIO) as server, s3_servers.MinIO(region="eu-west-1") as abroad:
        pipeline.run_tests(sys.modules[__name__])

#!/usr/bin/env python3
"""The s3 driver against MinIO and moto, beside the AWS CLI and boto3 on the same buckets, and behind a proxy that lies."""

import bisect
import concurrent.futures
import hashlib
import html
import http.server
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import lying_s3  # noqa: E402
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import pipeline  # noqa: E402

FIXTURE = os.path.join(os.environ["BUILD_DIR"], "s3_fixture")
MIB = 1 << 20
PART = 5 * MIB
KEYS = ["a b/c d.srt", "plus+plus", "per%2Fcent%20", "quote'\"\"'", "ünïcödé/日本語/🎧.mp3", "amp&lt;<tag>", "semi;colon=?#", "tilde~!*()", "/".join(["x" * 127] * 8) + "y",
        "a-b", "a.b", "a/b", "a0b"]
minio = None
moto = None
lying = None  # the proxy before MinIO
folder = None
numbers = iter(range(1 << 20))


def fresh(*servers):
    """A bucket of its own on each."""
    name = f"tide-{next(numbers)}"
    for server in servers:
        server.client().create_bucket(Bucket=name)
    return name


def start(server, *words, **options):
    return subprocess.Popen([FIXTURE, f"endpoint={server.endpoint}", *words], env={**os.environ, **server.environment()}, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def ask(server, *words):
    """The answer, and whether it went well."""
    process = start(server, *words)
    told, errors = process.communicate(timeout=300)
    errors = [line for line in errors.splitlines() if "this machine's clock is" not in line]
    assert process.returncode in (0, 1) and not errors, (words, process.returncode, told, errors)
    return json.loads(told), process.returncode == 0


def good(server, *words):
    answer, went_well = ask(server, *words)
    assert went_well, (words, answer)
    return answer


def bad(error, server, *words):
    answer, went_well = ask(server, *words)
    assert not went_well and answer["error"] == error, (words, answer)
    return answer


def file_of(data, name="in"):
    path = os.path.join(folder, f"{name}-{next(numbers)}")
    with open(path, "wb") as file:
        file.write(data)
    return path


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def out():
    return os.path.join(folder, f"out-{next(numbers)}")


def got(server, *words):
    path = out()
    good(server, *words, path)
    return bytes_of(path)


def keys_of(answer):
    return [each["key"] for each in answer]


# ---- with others on the same bucket ----


def check_small(server):
    bucket = fresh(server)
    client = server.client()
    here = f"bucket={bucket}"
    assert good(server, here, "list") == []
    for key in KEYS:
        data = key.encode() * 3
        told = good(server, here, "put", key, file_of(data))
        assert told["size"] == len(data) and told["etag"] == hashlib.md5(data).hexdigest(), told
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == data
        assert got(server, here, "get", key) == data
        assert good(server, here, "head", key)["etag"] == told["etag"]
        url = good(server, here, "seconds=60", "url", key)
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == data
    listing = good(server, here, "list")
    assert keys_of(listing) == sorted(KEYS, key=str.encode)
    assert [each["size"] for each in listing] == [3 * len(key.encode()) for key in keys_of(listing)]
    assert keys_of(good(server, here, "list", "a")) == ["a b/c d.srt", "a-b", "a.b", "a/b", "a0b", "amp&lt;<tag>"]
    assert good(server, here, "remove", *KEYS) == {key: None for key in KEYS}
    assert good(server, here, "list") == []
    good(server, here, "remove", "was never there")
    bad("absent", server, here, "head", "was never there")
    bad("absent", server, here, "get", "was never there", out())


def test_small_objects_on_minio():
    check_small(minio)


def test_small_objects_on_moto():
    check_small(moto)


def test_attributes():
    for server in (minio, moto):
        bucket = fresh(server)
        here = f"bucket={bucket}"
        good(server, here, "mtime=1700000000123", "cache=max-age=60", "put", "site/index.html", file_of(b"<p>"))
        head = server.client().head_object(Bucket=bucket, Key="site/index.html")
        assert (head["ContentType"], head["CacheControl"], head["Metadata"]["mtime"]) == ("text/html", "max-age=60", "1700000000.123")
        assert good(server, here, "head", "site/index.html")["modified_ms"] == 1700000000123
        for key, wanted in (("a.mp3", "audio/mpeg"), ("a.JSON", "application/json"), ("no.ending/here", "binary/octet-stream")):
            good(server, here, "put", key, file_of(b"x"))
            assert server.client().head_object(Bucket=bucket, Key=key)["ContentType"] == wanted
        good(server, here, "type=text/x-own", f"part={PART}", "tags=show=tide&n=1", "put", "large.mp3", file_of(os.urandom(PART + 1)))
        assert server.client().head_object(Bucket=bucket, Key="large.mp3")["ContentType"] == "text/x-own"
        tags = server.client().get_object_tagging(Bucket=bucket, Key="large.mp3")["TagSet"]
        assert sorted((each["Key"], each["Value"]) for each in tags) == [("n", "1"), ("show", "tide")]
    bucket = fresh(moto)
    good(moto, f"bucket={bucket}", "class=STANDARD_IA", "encryption=AES256", "put", "k", file_of(b"x"))
    head = moto.client().head_object(Bucket=bucket, Key="k")
    assert (head["StorageClass"], head["ServerSideEncryption"]) == ("STANDARD_IA", "AES256")


def test_prefix_of_the_store():
    bucket = fresh(minio)
    client = minio.client()
    for key in ("sites/", "sites/a/", "sites/a/1", "sites/ab", "sites/a/empty/"):
        client.put_object(Bucket=bucket, Key=key, Body=b"x" if key[-1] != "/" else b"")
    here = (f"bucket={bucket}", "prefix=sites/a/")
    good(minio, *here, "put", "2", file_of(b"y"))
    assert client.get_object(Bucket=bucket, Key="sites/a/2")["Body"].read() == b"y"
    assert keys_of(good(minio, *here, "list")) == ["1", "2"]
    assert good(minio, *here, "remove", "1", "2") == {"1": None, "2": None}
    assert keys_of(good(minio, f"bucket={bucket}", "list")) == ["sites/ab"]


def check_large(server):
    bucket = fresh(server)
    here = (f"bucket={bucket}", f"part={PART}")
    data = os.urandom(3 * PART + 12345)
    path = file_of(data)
    etags = set()
    for more in ((), ("stream=1",), ("checksum=SHA256",), ("checksum=none",), ("parallel=1",)):
        told = good(server, *here, *more, "put", "large.mp3", path)
        etags.add(told["etag"])
        assert told["size"] == len(data)
        assert got(server, *here, "get", "large.mp3") == data
        assert good(server, *here, "match", "large.mp3", path) == "same", more
    parts = [hashlib.md5(data[at:at + PART]).digest() for at in range(0, len(data), PART)]
    assert etags == {hashlib.md5(b"".join(parts)).hexdigest() + "-4"}
    assert got(server, *here, f"from={PART - 5}", "length=10", "get", "large.mp3") == data[PART - 5:PART + 5]
    assert got(server, *here, f"from={len(data)}", "get", "large.mp3") == b""
    bad("limit", server, *here, f"from={len(data) + 1}", "get", "large.mp3", out())
    # One that fits in a part is one PUT, to the byte.
    for size in (PART - 1, PART, PART + 1):
        for more in ((), ("stream=1",)):
            told = good(server, *here, *more, "put", "edge", file_of(data[:size]))
            assert told["etag"].endswith("-2") == (size > PART), (size, told)
            assert got(server, *here, "get", "edge") == data[:size]
    wrong = file_of(data[:-1] + bytes([data[-1] ^ 1]))
    assert good(server, *here, "match", "large.mp3", wrong) != "same"
    assert good(server, *here, "match", "large.mp3", file_of(data[:-1])) == "different"


def test_large_objects_on_minio():
    check_large(minio)


def test_large_objects_on_moto():
    check_large(moto)


def test_what_the_cli_wrote_is_known():
    """The CLI cuts at 8 MiB; others at sizes that nobody guesses, which the service is asked for."""
    for server in (minio, moto):
        bucket = fresh(server)
        here = f"bucket={bucket}"
        data = os.urandom(17 * MIB)
        path = file_of(data)
        server.aws("s3", "cp", path, f"s3://{bucket}/cli.mp3")
        assert good(server, here, "head", "cli.mp3")["etag"].endswith("-3")
        assert good(server, here, "match", "cli.mp3", path) == "same"
        assert got(server, here, "get", "cli.mp3") == data
        good(server, here, f"part={PART}", "put", "ours.mp3", path)
        back = out()
        server.aws("s3", "cp", f"s3://{bucket}/ours.mp3", back)
        assert bytes_of(back) == data
        assert f"{len(data)} ours.mp3" in server.aws("s3", "ls", f"s3://{bucket}/").stdout
    bucket = fresh(minio)
    client = minio.client()
    upload = client.create_multipart_upload(Bucket=bucket, Key="odd")["UploadId"]
    cuts = [data[at:at + 7 * MIB + 11] for at in range(0, len(data), 7 * MIB + 11)]
    parts = [{"PartNumber": number, "ETag": client.upload_part(Bucket=bucket, Key="odd", UploadId=upload, PartNumber=number, Body=cut)["ETag"]}
             for number, cut in enumerate(cuts, 1)]
    client.complete_multipart_upload(Bucket=bucket, Key="odd", UploadId=upload, MultipartUpload={"Parts": parts})
    assert good(minio, f"bucket={bucket}", "match", "odd", path) == "same"
    assert good(minio, f"bucket={bucket}", "match", "odd", file_of(data[::-1])) == "different"


def test_other_checksums_are_understood():
    """Where the ETag is of no help, what a head tells is: here the ETag is hidden behind a part size that nobody guesses."""
    data = os.urandom(6 * MIB)
    for algorithm in ("CRC32", "SHA256", "CRC64NVME"):
        bucket = fresh(minio)
        extra = {"ChecksumCRC64NVME": crc64nvme(data)} if algorithm == "CRC64NVME" else {"ChecksumAlgorithm": algorithm}
        minio.client().put_object(Bucket=bucket, Key="k", Body=data, **extra)
        with lying_s3.LyingS3(minio) as proxy:
            proxy.tell({"lie": "wrong_etag", "op": "HeadObject"})  # as a KMS key would have it, but that nobody says so
            assert good(proxy, f"bucket={bucket}", "match", "k", file_of(data)) in ("different", "unknown")
        assert good(minio, f"bucket={bucket}", "match", "k", file_of(data)) == "same"
        assert got(minio, f"bucket={bucket}", "get", "k") == data


def crc64nvme(data):
    """In base64, by the book."""
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x9A6C9329AC4BC9B5 if rest & 1 else 0)
        table.append(rest)
    rest = (1 << 64) - 1
    for byte in data:
        rest = rest >> 8 ^ table[(rest ^ byte) & 255]
    import base64

    return base64.b64encode((rest ^ (1 << 64) - 1).to_bytes(8, "big")).decode()


# ---- conditions ----


def test_conditions():
    for server in (minio, moto):
        bucket = fresh(server)
        here = f"bucket={bucket}"
        first, second = file_of(b"first"), file_of(b"second")
        etag = good(server, here, "if_absent=1", "put", "k", first)["etag"]
        bad("exists", server, here, "if_absent=1", "put", "k", second)
        bad("changed", server, here, "if_match=" + "0" * 32, "put", "k", second)
        bad("changed", server, here, f"if_match={etag}", "put", "other", second)
        good(server, here, f"if_match={etag}", "put", "k", second)
        bad("changed", server, here, f"if_match={etag}", "put", "k", first)
        assert got(server, here, "get", "k") == b"second"
        large = file_of(os.urandom(PART + 1))
        good(server, here, f"part={PART}", "if_absent=1", "put", "large", large)
        bad("exists", server, here, f"part={PART}", "if_absent=1", "put", "large", large)
        assert "Uploads" not in server.client().list_multipart_uploads(Bucket=bucket, Prefix="large")


def test_two_writers_one_winner():
    bucket = fresh(minio)
    for turn in range(5):
        files = [file_of(b"%d" % number) for number in range(6)]
        processes = [start(minio, f"bucket={bucket}", "if_absent=1", "put", f"k{turn}", path) for path in files]
        ends = [process.communicate()[0] for process in processes]
        won = [number for number, process in enumerate(processes) if process.returncode == 0]
        assert len(won) == 1, ends
        assert all(json.loads(end)["error"] in ("exists", "busy") for number, end in enumerate(ends) if number not in won), ends
        assert got(minio, f"bucket={bucket}", "get", f"k{turn}") == b"%d" % won[0]


def test_lost_answers_of_conditional_puts():
    """The put was done, its answer lost, and the second attempt finds the key taken: by ourselves."""
    bucket = fresh(minio)
    for size in (10, PART + 1):
        lying.truth()
        lying.tell({"lie": "reset_after", "op": ["PutObject", "CompleteMultipartUpload"], "times": 1})
        told = good(lying, f"bucket={bucket}", f"part={PART}", "if_absent=1", "put", f"k{size}", file_of(os.urandom(size)))
        assert told["size"] == size
        bad("exists", lying, f"bucket={bucket}", f"part={PART}", "if_absent=1", "put", f"k{size}", file_of(os.urandom(size)))
    lying.truth()


# ---- broken off ----


def test_killed_in_the_middle_and_gone_on():
    bucket = fresh(minio)
    data = os.urandom(6 * PART + 1)
    path = file_of(data)
    words = (f"bucket={bucket}", f"part={PART}", "parallel=1", "resume=1", "put", "large", path)
    lying.truth()
    lying.clear_log()
    reached, go_on = threading.Event(), threading.Event()

    def hold(_exchange):
        reached.set()
        go_on.wait(60)

    lying.tell({"lie": "call", "op": "UploadPart", "at": [4], "function": hold})
    process = start(lying, *words)
    assert reached.wait(60)
    process.kill()
    process.communicate()
    go_on.set()
    lying.truth()
    assert lying.count("UploadPart", status=200) >= 3
    there = minio.client().list_multipart_uploads(Bucket=bucket, Prefix="large")["Uploads"]
    listed = len(minio.client().list_parts(Bucket=bucket, Key="large", UploadId=there[0]["UploadId"])["Parts"])
    assert len(there) == 1 and listed >= 3
    bad("absent", minio, f"bucket={bucket}", "head", "large")
    lying.clear_log()
    good(lying, *words)
    assert lying.count("CreateMultipartUpload") == 0 and lying.count("UploadPart") == 7 - listed
    assert got(minio, f"bucket={bucket}", "get", "large") == data
    # Other bytes: what is there is not used, part by part.
    lying.tell({"lie": "access_denied", "op": "UploadPart", "after": 3})
    bad("denied", lying, *words[:-1], path)
    lying.truth()
    other = bytearray(data)
    other[0] ^= 1
    lying.clear_log()
    good(lying, *words[:-1], file_of(bytes(other)))
    assert lying.count("CreateMultipartUpload") == 0 and lying.count("UploadPart") == 5
    assert got(minio, f"bucket={bucket}", "get", "large") == bytes(other)


def test_what_fails_is_aborted():
    bucket = fresh(minio)
    lying.truth()
    lying.tell({"lie": "access_denied", "op": "UploadPart", "after": 1})
    for more in ((), ("stream=1",)):
        bad("denied", lying, f"bucket={bucket}", f"part={PART}", *more, "put", "large", file_of(os.urandom(3 * PART)))
        assert "Uploads" not in minio.client().list_multipart_uploads(Bucket=bucket, Prefix="large")
    lying.truth()


def test_orphans_are_found_and_aborted():
    bucket = fresh(minio, moto)
    for server in (minio, moto):
        client = server.client()
        for key in ("a/1", "a/2", "b/1"):
            upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"x")
        here = f"bucket={bucket}"
        assert good(server, here, "before=1000", "tidy") == 0
        assert good(server, here, "before=4000000000000", "tidy", "a/") == 2
        assert good(server, here, "before=4000000000000", "tidy", "a/") == 0
        assert good(server, here, "before=4000000000000", "tidy") == 1
        assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


def test_reads_that_break_off_go_on():
    bucket = fresh(minio)
    data = os.urandom(3 * MIB)
    minio.client().put_object(Bucket=bucket, Key="k", Body=data)
    for how in ("length", "close"):
        lying.truth()
        lying.clear_log()
        lying.tell({"lie": "cut", "times": 2, "how": how, "bytes": 100000})
        assert got(lying, f"bucket={bucket}", "get", "k") == data
        ranges = [line["range"] for line in lying.requests("GetObject")]
        assert ranges == ([None, "bytes=100000-", "bytes=200000-"] if how == "length" else [None] * 3), ranges
    lying.truth()
    lying.tell({"lie": "cut", "how": "shorter", "times": 1})
    answer, went_well = ask(lying, f"bucket={bucket}", "get", "k", out())
    assert not went_well and answer["retryable"], answer
    # Replaced while it is read: the halves are of different objects.
    lying.truth()
    lying.tell({"lie": "cut", "how": "length", "times": 1},
               {"lie": "call", "op": "GetObject", "at": [2], "function": lambda _: minio.client().put_object(Bucket=bucket, Key="k", Body=data[::-1])})
    bad("changed", lying, f"bucket={bucket}", "get", "k", out())
    lying.truth()


def test_wrong_bytes_are_seen():
    bucket = fresh(minio)
    data = os.urandom(PART + 10)
    good(minio, f"bucket={bucket}", f"part={PART}", "put", "parts", file_of(data))
    minio.aws("s3", "cp", file_of(data * 2), f"s3://{bucket}/cli")
    good(minio, f"bucket={bucket}", "put", "whole", file_of(data))
    for key in ("parts", "whole", "cli"):
        lying.truth()
        lying.tell({"lie": "flip", "times": 1}, {"lie": "no_checksum", "op": ["GetObject", "HeadObject"]})
        assert bad("io", lying, f"bucket={bucket}", f"part={PART}", "get", key, out())["retryable"], key
    lying.truth()
    lying.tell({"lie": "ignore_range"})
    assert bad("io", lying, f"bucket={bucket}", "from=10", "get", "whole", out())


def test_wrong_answers_to_puts_are_seen():
    bucket = fresh(minio)
    path = file_of(os.urandom(PART + 10))
    for lie in ("wrong_etag", "wrong_checksum"):
        lying.truth()
        lying.tell({"lie": lie, "op": ["PutObject", "UploadPart"]})
        bad("io", lying, f"bucket={bucket}", "attempts=2", "put", "k", path)
        if lie == "wrong_checksum":
            bad("io", lying, f"bucket={bucket}", "attempts=2", f"part={PART}", "put", "k", path)
        lying.truth()
        lying.clear_log()
        lying.tell({"lie": lie, "op": ["PutObject", "UploadPart"], "times": 1})
        good(lying, f"bucket={bucket}", f"part={PART}", "put", "k", path)
        assert got(minio, f"bucket={bucket}", "get", "k") == bytes_of(path)
        # The ETag of a part is believed until the service refuses it: then it is made of the bytes, and asked again.
        wrong_etag = lie == "wrong_etag"
        assert (lying.count("UploadPart"), lying.count("CompleteMultipartUpload")) == ((2, 2) if wrong_etag else (3, 1))
    lying.truth()
    lying.tell({"lie": "error_in_200", "op": "CompleteMultipartUpload", "times": 1})
    good(lying, f"bucket={bucket}", f"part={PART}", "put", "twice", path)
    assert got(minio, f"bucket={bucket}", "get", "twice") == bytes_of(path)
    lying.truth()
    lying.tell({"lie": "html", "op": "CreateMultipartUpload"})
    bad("invalid", lying, f"bucket={bucket}", f"part={PART}", "put", "k", path)
    lying.truth()


def test_services_that_stumble():
    bucket = fresh(minio)
    path = file_of(os.urandom(2 * PART + 10))
    lying.truth()
    lying.tell({"lie": "slow_down", "every": 3}, {"lie": "reset_before", "every": 4})
    good(lying, f"bucket={bucket}", f"part={PART}", "put", "k", path)
    assert got(lying, f"bucket={bucket}", "get", "k") == bytes_of(path)
    assert keys_of(good(lying, f"bucket={bucket}", "list")) == ["k"]
    lying.truth()
    for lie in ("expired_token", "access_denied"):
        lying.truth()
        lying.tell({"lie": lie})
        bad("denied", lying, f"bucket={bucket}", "list")
    lying.truth()
    lying.clear_log()
    lying.tell({"lie": "skewed_clock", "minutes": 90})
    good(lying, f"bucket={bucket}", f"part={PART}", "put", "later", path)
    assert lying.count(status=403) >= 1
    lying.truth()
    lying.tell({"lie": "error", "op": "GetObject", "status": 403, "code": "InvalidObjectState", "message": "archived"})
    answer = bad("unsupported", lying, f"bucket={bucket}", "get", "k", out())
    assert "restore" in answer["hint"], answer
    lying.truth()


def test_regions():
    with s3_servers.minio(region="eu-central-1") as other, lying_s3.LyingS3(other) as proxy:
        other.client().create_bucket(Bucket="tide", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        assert good(other, "region=us-east-1", "put", "k", file_of(b"x"))["size"] == 1
        assert good(other, "region=us-east-1", "check") == "eu-central-1"
        for more in ({}, {"quiet": True}):
            for status in (301, 400):
                proxy.truth()
                proxy.tell({"lie": "redirect", "region": "eu-central-1", "status": status, **more})
                if more and status == 400:
                    continue  # nobody says where
                if not more:
                    assert good(proxy, "region=us-west-2", "put", "k", file_of(b"x"))["size"] == 1
                    assert keys_of(good(proxy, "region=us-west-2", "list")) == ["k"]


class NamedMinIO(s3_servers.MinIO):
    """Buckets in the host's name, too: tide.localhost."""

    def settings(self):
        return {**super().settings(), "MINIO_DOMAIN": "localhost"}


def test_buckets_in_the_hosts_name():
    with NamedMinIO() as other:
        for server in (other, moto):
            bucket = fresh(server)
            place = s3_servers.Place()
            place.endpoint, place.credentials = server.endpoint.replace("127.0.0.1", "localhost"), server.credentials
            here = (f"bucket={bucket}", "style=virtual")
            good(place, *here, "put", "a b/c", file_of(b"bytes"))
            good(place, *here, f"part={PART}", "put", "large", file_of(b"x" * (PART + 1)))
            assert keys_of(good(place, *here, "list")) == ["a b/c", "large"]
            assert got(place, *here, "get", "a b/c") == b"bytes"
            assert f"//{bucket}.localhost:" in good(place, *here, "url", "a b/c")
            assert server.client().get_object(Bucket=bucket, Key="a b/c")["Body"].read() == b"bytes"


def test_the_bucket_that_is_not_there_or_not_ours():
    path = file_of(b"x")
    for server in (minio, moto):
        here = "bucket=tide-none"
        bad("absent", server, here, "check")
        for words in (("list",), ("head", "k"), ("get", "k", out()), ("put", "k", path), ("remove", "k", "l")):
            bad("config", server, here, *words)
    bucket = fresh(moto)
    moto.client().put_object(Bucket=bucket, Key="k", Body=b"x")
    good(moto, f"bucket={bucket}", "account=123456789012", "list")
    assert good(minio, f"bucket={fresh(minio)}", "list") == []
    answer, went_well = ask(minio, "bucket=no/bucket", "list")
    assert not went_well and answer["error"] == "invalid"


# ---- listings ----


def fill(server, bucket, keys):
    client = server.client(max_pool_connections=8)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=bucket, Key=key, Body=b"x"), keys))


class Pages(http.server.BaseHTTPRequestHandler):
    """ListObjectsV2 over a sorted list of keys, as AWS does it, with pages of any size."""

    keys, size, asked = [], 1000, []

    def log_message(self, *_):
        pass

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))
        prefix, delimiter = query["prefix"].encode(), query.get("delimiter", "").encode()
        after = query.get("continuation-token", query.get("start-after", "")).encode()
        type(self).asked.append(query)
        at, found, last, count = bisect.bisect_right(self.keys, after), [], b"", 0
        at = max(at, bisect.bisect_left(self.keys, prefix))
        if delimiter and after.endswith(delimiter) and after.startswith(prefix):
            at = bisect.bisect_left(self.keys, after[:-1] + bytes([after[-1] + 1]))
        while at < len(self.keys) and self.keys[at].startswith(prefix) and count < self.size:
            key, cut = self.keys[at], self.keys[at].find(delimiter, len(prefix)) if delimiter else -1
            if cut >= 0:
                last = key[:cut + 1]
                found.append(f"<CommonPrefixes><Prefix>{urllib.parse.quote(last)}</Prefix></CommonPrefixes>")
                at = bisect.bisect_left(self.keys, last[:-1] + bytes([last[-1] + 1]))
            else:
                last = key
                found.append(f"<Contents><Key>{urllib.parse.quote(key)}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
                             f"<ETag>&quot;{'0' * 32}&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></Contents>")
                at += 1
            count += 1
        more = at < len(self.keys) and self.keys[at].startswith(prefix)
        token = f"<NextContinuationToken>{html.escape(last.decode())}</NextContinuationToken>" if more else ""
        body = (f"<?xml version='1.0' encoding='UTF-8'?><ListBucketResult><EncodingType>url</EncodingType><KeyCount>{count}</KeyCount>"
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(found)}</ListBucketResult>").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class PagesServer(s3_servers.Place):
    """A bucket that is nothing but a listing."""

    credentials = {"AccessKeyId": "k", "SecretAccessKey": "s"}

    def __init__(self, keys, size):
        self.handler = type("Listed", (Pages,), {"keys": sorted(key.encode() for key in keys), "size": size, "asked": []})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_long_listing():
    """More than a page, of a real server."""
    bucket = fresh(minio)
    keys = [f"{name}{number:04}" for name, count in (("audio/x/", 500), ("audio/y/", 5), ("audio-old/", 300), ("audio0", 3), ("srt/", 400)) for number in range(count)]
    fill(minio, bucket, keys)
    for more in ((), ("parallel=1",)):
        assert keys_of(good(minio, f"bucket={bucket}", *more, "list")) == sorted(keys), more
    assert good(minio, f"bucket={bucket}", "quiet=1", "list", "audio/") == 505
    # Removed in two calls.
    assert len(good(minio, f"bucket={bucket}", "remove", *keys)) == 1208
    assert good(minio, f"bucket={bucket}", "list") == []


def test_listings_in_lanes():
    """By folders, side by side, in one order, whatever the tree looks like."""
    chance = random.Random(1)
    trees = [[f"one/only/flat/{number:05}" for number in range(205)],
             [f"{folder_name}{number:04}" for folder_name, count in (("audio/x/", 70), ("audio/y/", 5), ("audio-old/", 30), ("audio0", 3), ("zz", 2))
              for number in range(count)],
             [f"{number:03}/x" for number in range(700)], ["/".join("abc-.0"[chance.randrange(6)] for _ in range(chance.randrange(1, 9))) for _ in range(900)],
             ["a", *(f"a/{number}" for number in range(50)), *(f"a b/{number}+%20" for number in range(50)), *(f"a\u00fc/{number}" for number in range(50))]]
    for keys in trees:
        wanted = sorted(set(keys), key=str.encode)
        for size in (1, 10, 1000):
            if size == 1 and len(keys) > 300:
                continue
            with PagesServer(set(keys), size) as server:
                for more in ((), ("parallel=1",), ("parallel=9",)):
                    assert keys_of(good(server, *more, "list")) == wanted, (size, more)
                prefix = wanted[len(wanted) // 2][:2]
                assert keys_of(good(server, "list", prefix)) == [key for key in wanted if key.startswith(prefix)]
    with PagesServer([f"{name}/{number:05}" for name in "abcd" for number in range(1000)], 1000) as server:
        assert good(server, "quiet=1", "list") == 4000
        lanes = {query["prefix"] for query in server.handler.asked}
        assert lanes == {"", "a/", "b/", "c/", "d/"} or lanes == {"", "b/", "c/", "d/"}, lanes
    with PagesServer(["few", "keys"], 1000) as server:
        assert good(server, "quiet=1", "list") == 2 and len(server.handler.asked) == 1


def test_listings_that_lie():
    bucket = fresh(minio)
    fill(minio, bucket, [f"{name}/{number:04}" for name in "ab" for number in range(600)])
    with lying_s3.LyingS3(minio) as proxy:
        for rule in ({"lie": "same_token"}, {"lie": "list_ends_early", "keep": 10}, {"lie": "list_cut_xml"}, {"lie": "list_shuffled"}, {"lie": "list_twice"},
                     {"lie": "list_foreign"}, {"lie": "html"}, {"lie": "access_denied"}, {"lie": "list_cut_xml", "after": 1}, {"lie": "access_denied", "after": 1}):
            for more in ((), ("parallel=1",)):
                proxy.truth()
                proxy.tell(rule)
                answer, went_well = ask(proxy, f"bucket={bucket}", *more, "quiet=1", "list", "a" if rule["lie"] == "list_foreign" else "")
                assert not went_well, (rule, answer)
        proxy.truth()
        proxy.tell({"lie": "slow_down", "every": 2})
        assert good(proxy, f"bucket={bucket}", "quiet=1", "list") == 1200


# ---- on the server's side ----


def test_copies():
    for server in (minio, moto):
        bucket, other = fresh(server), fresh(server)
        here = f"bucket={bucket}"
        good(server, here, "type=text/x-own", "put", "a b+c/ü", file_of(b"bytes"))
        good(server, here, "copy", "a b+c/ü", "new/ü")
        head = server.client().head_object(Bucket=bucket, Key="new/ü")
        assert (head["ContentLength"], head["ContentType"]) == (5, "text/x-own")
        told = good(server, f"bucket={other}", "transfer", "a b+c/ü", bucket, "there")
        assert (told["size"], told["etag"]) == (5, hashlib.md5(b"bytes").hexdigest())
        assert got(server, f"bucket={other}", "get", "there") == b"bytes"
        bad("absent", server, here, "copy", "none", "new")
    bucket, other = fresh(minio), fresh(minio)
    good(minio, f"bucket={bucket}", "put", "k", file_of(b"bytes"))
    lying.truth()
    lying.clear_log()
    good(lying, f"bucket={other}", "transfer", "k", bucket, "k")
    assert lying.count("GetObject") == 0 and lying.count("CopyObject") == 1
    # Where the server may not, the long way is gone.
    lying.clear_log()
    lying.tell({"lie": "access_denied", "op": "CopyObject"})
    good(lying, f"bucket={other}", "transfer", "k", bucket, "again")
    assert lying.count("GetObject") >= 1 and lying.count("PutObject") == 1, lying.counts()
    assert got(minio, f"bucket={other}", "get", "again") == b"bytes"
    lying.truth()


def test_removals_that_fail_are_named():
    bucket = fresh(minio)
    for key in "abc":
        good(minio, f"bucket={bucket}", "put", key, file_of(b"x"))
    lying.truth()
    lying.tell({"lie": "delete_errors", "n": 1})
    told = good(lying, f"bucket={bucket}", "remove", "a", "b", "c")
    assert sorted(told) == ["a", "b", "c"] and len([1 for why in told.values() if why]) == 1
    lying.truth()


def main():
    global minio, moto, lying, folder
    s3_servers.or_skip(s3_servers.aws_program)
    s3_servers.or_skip(s3_servers.built, "minio")
    with tempfile.TemporaryDirectory() as folder, s3_servers.minio() as minio, s3_servers.moto() as moto, lying_s3.LyingS3(minio) as lying:
        pipeline.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()

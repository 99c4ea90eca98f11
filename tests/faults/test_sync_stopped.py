#!/usr/bin/env python3
"""Ctrl-C while the service says nothing, in each phase of a sync: the program ends at once with 130, and the next run finishes what was begun."""

import os
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import sync_cases as s  # noqa: E402

proxy = None
PATIENCE = 20  # seconds under sanitizers; a service that stalls is given up after 60
BIG = 2 * s.PART + 100000
PARTS = ("--part-size", str(s.PART))


def stopped(case, op, words, after=0, patience=PATIENCE):
    """Sends SIGINT when the request of that operation, which is never answered, is there."""
    asked, over = threading.Event(), threading.Event()

    def silence(_):
        asked.set()
        over.wait()

    proxy.truth()
    proxy.tell({"lie": "call", "op": op, "after": after, "function": silence})
    process = case.start(*words, "--json")
    assert asked.wait(s.TIMEOUT), f"{op} was not asked for"
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{op}: it waits for a service that says nothing") from None
    finally:
        over.set()
        proxy.truth()
    assert process.returncode == 130, f"{op}: {process.returncode}\n{out}\n{err}"
    assert "Sanitizer" not in err, err


def fill(case):
    for number in range(40):
        case.write(f"up/{number:02}", b"%d" % number)
        case.put(f"down/{number:02}", b"%d!" % number)
    case.write("up/long", os.urandom(BIG))
    case.put("down/long", os.urandom(BIG))


def test_while_copying():
    for op, after in (("HeadBucket", 0), ("ListObjectsV2", 0), ("PutObject", 5), ("GetObject", 5), ("UploadPart", 1), ("CompleteMultipartUpload", 0)):
        with s.Case(proxy) as case:
            fill(case)
            words = (case.local, case.remote, "--both", *PARTS)
            stopped(case, op, words, after)
            case.sync(*words)
            assert len(case.same()) == 82
            case.quiet(*words)


def test_while_comparing():
    """Whether a file is the object of unusual parts, a head tells."""
    with s.Case(proxy) as case:
        body = os.urandom(BIG)
        case.write("long", body)
        key = {"Bucket": case.bucket, "Key": case.whole("long")}
        upload = {**key, "UploadId": case.client.create_multipart_upload(**key)["UploadId"]}
        cuts = (0, s.PART + 4321, BIG)
        parts = [{"PartNumber": n, "ETag": case.client.upload_part(**upload, PartNumber=n, Body=body[cuts[n - 1]:cuts[n]])["ETag"]} for n in (1, 2)]
        case.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        words = (case.local, case.remote)
        stopped(case, "HeadObject", words)
        assert case.sync(*words).report["foundEqual"] == 1
        case.quiet(*words)


def test_while_removing_and_renaming():
    for op in ("HeadObject", "DeleteObjects", "CopyObject"):
        with s.Case(proxy) as case:
            fill(case)
            words = (case.local, case.remote, "--both", "--delete", "--max-delete", "none", *PARTS)
            case.sync(*words)
            for number in range(20):
                os.remove(case.path(f"up/{number:02}"))
                os.rename(case.path(f"down/{number:02}"), case.path(f"down/moved-{number:02}"))
            stopped(case, op, words)
            case.sync(*words)
            here = case.same()
            assert len(here) == 62 and "up/00" not in here and "down/00" not in here and "down/moved-00" in here, sorted(here)
            case.quiet(*words)


if __name__ == "__main__":
    s.run_against_minio(sys.modules[__name__])

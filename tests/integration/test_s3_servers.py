#!/usr/bin/env python3
"""The S3 servers that other tests stand on: boto3 and the AWS CLI against MinIO and moto, and each lie of the proxy seen by a plain client."""

import base64
import datetime
import email.utils
import hashlib
import http.client
import json
import os
import re
import select
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

from botocore.exceptions import ClientError  # noqa: E402

import lying_lies  # noqa: E402
import pipeline  # noqa: E402

MIB = 1 << 20
minio = None
moto = None
s3 = None  # the proxy before minio
KEYS = [f"k/{number:02}" for number in range(6)]
BODY = bytes(range(256)) * 400


def refused(code, function, **request):
    try:
        function(**request)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error.response
        return error.response
    raise AssertionError(f"{code} was expected")


def fresh_bucket(server, name):
    client = server.client()
    client.create_bucket(Bucket=name)
    return client


def put_get_list(server, bucket):
    client = fresh_bucket(server, bucket)
    body = os.urandom(1000)
    put = client.put_object(Bucket=bucket, Key="a b/ü+%2F.txt", Body=body, ContentType="text/x-tide", ChecksumAlgorithm="SHA256")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = client.get_object(Bucket=bucket, Key="a b/ü+%2F.txt", ChecksumMode="ENABLED")
    assert (got["Body"].read(), got["ContentType"], got["ETag"]) == (body, "text/x-tide", put["ETag"])
    assert got["ChecksumSHA256"] == put["ChecksumSHA256"]
    for number in range(5):
        client.put_object(Bucket=bucket, Key=f"page/{number}", Body=b"x")
    first = client.list_objects_v2(Bucket=bucket, Prefix="page/", MaxKeys=3)
    rest = client.list_objects_v2(Bucket=bucket, Prefix="page/", MaxKeys=3, ContinuationToken=first["NextContinuationToken"])
    assert first["IsTruncated"] and not rest["IsTruncated"]
    assert [each["Key"] for each in first["Contents"] + rest["Contents"]] == [f"page/{number}" for number in range(5)]
    refused("NoSuchKey", client.get_object, Bucket=bucket, Key="none")
    refused("NoSuchBucket", client.list_objects_v2, Bucket=bucket + "-none")


def multipart(server, bucket):
    client = fresh_bucket(server, bucket)
    parts = [os.urandom(5 * MIB), os.urandom(1000)]
    upload = client.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    listed = client.list_multipart_uploads(Bucket=bucket, Prefix="big")["Uploads"]
    assert [each["UploadId"] for each in listed] == [upload]
    tags = [client.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=part)["ETag"] for number, part in enumerate(parts, 1)]
    assert [part["ETag"] for part in client.list_parts(Bucket=bucket, Key="big", UploadId=upload)["Parts"]] == tags
    done = client.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]})
    whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert done["ETag"] == f'"{whole}-2"'
    assert client.get_object(Bucket=bucket, Key="big", Range=f"bytes={5 * MIB - 1}-{5 * MIB}")["Body"].read() == parts[0][-1:] + parts[1][:1]
    dropped = client.create_multipart_upload(Bucket=bucket, Key="left")["UploadId"]
    client.abort_multipart_upload(Bucket=bucket, Key="left", UploadId=dropped)
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")


def conditions(server, bucket):
    client = fresh_bucket(server, bucket)
    tag = client.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")["ETag"]
    refused("PreconditionFailed", client.put_object, Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")
    client.put_object(Bucket=bucket, Key="once", Body=b"3", IfMatch=tag)
    refused("PreconditionFailed", client.put_object, Bucket=bucket, Key="once", Body=b"4", IfMatch=tag)
    assert client.get_object(Bucket=bucket, Key="once")["Body"].read() == b"3"


def command_line(server, bucket):
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "up", "deep"))
        with open(os.path.join(folder, "up", "deep", "a.txt"), "w", encoding="ascii") as out:
            out.write("high water")
        with open(os.path.join(folder, "up", "big"), "wb") as out:
            out.write(os.urandom(9 * MIB))  # the CLI uploads it in parts
        server.aws("s3", "mb", f"s3://{bucket}")
        assert server.aws("s3", "sync", os.path.join(folder, "up"), f"s3://{bucket}/x").stdout.count("upload: ") == 2
        assert server.aws("s3", "sync", os.path.join(folder, "up"), f"s3://{bucket}/x").stdout == ""
        server.aws("s3", "sync", f"s3://{bucket}/x", os.path.join(folder, "down"))
        for name in ("big", "deep/a.txt"):
            with open(os.path.join(folder, "up", name), "rb") as one, open(os.path.join(folder, "down", name), "rb") as other:
                assert one.read() == other.read(), name
        assert server.aws("s3", "ls", "s3://no-such-bucket-here", check=False).returncode != 0


def test_minio_objects_and_pages():
    put_get_list(minio, "pages")


def test_minio_multipart():
    multipart(minio, "parts")


def test_minio_conditions():
    conditions(minio, "conditions")


def test_minio_command_line():
    command_line(minio, "cli")


def test_minio_checks_signatures_and_checksums():
    client = fresh_bucket(minio, "checks")
    wrong = {**minio.credentials, "SecretAccessKey": "wrong"}
    refused("SignatureDoesNotMatch", minio.client(credentials=wrong).list_buckets)
    bad = refused("XAmzContentChecksumMismatch", client.put_object, Bucket="checks", Key="a", Body=b"tide", ChecksumCRC32C="AAAAAA==")
    assert bad["ResponseMetadata"]["HTTPStatusCode"] == 400
    refused("NoSuchKey", client.get_object, Bucket="checks", Key="a")


def test_minio_keeps_its_data_over_a_kill():
    client = fresh_bucket(minio, "kept")
    client.put_object(Bucket="kept", Key="a", Body=b"kept")
    minio.kill()
    minio.start()
    assert client.get_object(Bucket="kept", Key="a")["Body"].read() == b"kept"


def test_moto_objects_and_pages():
    put_get_list(moto, "pages")


def test_moto_multipart():
    multipart(moto, "parts")


def test_moto_conditions():
    conditions(moto, "conditions")


def test_moto_command_line():
    command_line(moto, "cli")


def test_moto_accounts_are_apart():
    other = moto.account("210987654321", role="podcast-sync-role", session="nightly")
    assert moto.client("sts", other).get_caller_identity()["Arn"] == "arn:aws:sts::210987654321:assumed-role/podcast-sync-role/nightly"
    mine, theirs = moto.client(), moto.client(credentials=other)
    mine.create_bucket(Bucket="mine")
    theirs.create_bucket(Bucket="theirs")
    assert [each["Name"] for each in theirs.list_buckets()["Buckets"]] == ["theirs"]
    refused("AccessDenied", mine.list_objects_v2, Bucket="theirs")
    refused("AccessDenied", theirs.put_object, Bucket="mine", Key="a", Body=b"x")
    assert moto.aws("s3", "ls", credentials=other).stdout.split()[-1] == "theirs"


def test_moto_lambda_cloudfront_sns():
    other = moto.account("210987654321")
    for account, credentials in ((s3_servers.ACCOUNT, None), ("210987654321", other)):
        iam, functions = moto.client("iam", credentials), moto.client("lambda", credentials)
        role = iam.create_role(RoleName="indexer", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        functions.create_function(FunctionName="indexer", Runtime="nodejs20.x", Role=role, Handler="x.y", Code={"ZipFile": b"never run"})
        moto.lambda_answers('{"status": "SUCCESS"}', '{"status": "PARTIAL"}', account=account)
        said = [functions.invoke(FunctionName="indexer", Payload=b"{}") for _ in range(3)]
        assert [(each["StatusCode"], each["Payload"].read()) for each in said] == [
            (200, b'{"status": "SUCCESS"}'), (200, b'{"status": "PARTIAL"}'), (200, b"{}")]
        cloudfront = moto.client("cloudfront", credentials)
        made = cloudfront.create_distribution(DistributionConfig={
            "CallerReference": "1", "Comment": "", "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "tide.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
                                     "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}}})["Distribution"]["Id"]
        cloudfront.create_invalidation(DistributionId=made, InvalidationBatch={"Paths": {"Quantity": 2, "Items": ["/a", "/b c"]}, "CallerReference": "1"})
        listed = cloudfront.list_invalidations(DistributionId=made)["InvalidationList"]["Items"]
        paths = cloudfront.get_invalidation(DistributionId=made, Id=listed[0]["Id"])["Invalidation"]["InvalidationBatch"]["Paths"]["Items"]
        assert len(listed) == 1 and paths == ["/a", "/b c"]
        topic = moto.client("sns", credentials).create_topic(Name="notices")["TopicArn"]
        assert topic == f"arn:aws:sns:us-east-1:{account}:notices"
        assert moto.client("sns", credentials).publish(TopicArn=topic, Message="three nights")["MessageId"]


class Raw:
    """The answer to one signed request, as it came; `broken` is what ended it early."""

    def __init__(self, place, method, target, body=b"", minutes=0, region=None, headers=()):
        where = urllib.parse.urlsplit(place.endpoint).netloc
        date = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")
        sent = {"host": where, "x-amz-date": date, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), **dict(headers)}
        signed = sorted(sent)
        own = place.credentials
        scope = f"{date[:8]}/{region or place.region}/s3/aws4_request"
        fields = {**sent, "Authorization": f"AWS4-HMAC-SHA256 Credential={own['AccessKeyId']}/{scope}, SignedHeaders={';'.join(signed)}, Signature="}
        exchange = lying_s3.Exchange(method, target, fields)
        fields["Authorization"] += lying_s3.signature(exchange, sent, date, signed, own["SecretAccessKey"])[1]
        self.broken, self.body, self.status, self.headers = None, b"", None, {}
        link = http.client.HTTPConnection(where, timeout=60)
        try:
            link.request(method, target, body or None, fields)
            answer = link.getresponse()
            self.status, self.headers = answer.status, answer.headers
            self.body = answer.read()
        except http.client.IncompleteRead as fault:
            self.broken, self.body = fault, fault.partial
        except (OSError, http.client.HTTPException) as fault:
            self.broken = fault
        finally:
            link.close()

    def field(self, name):
        found = re.search(f"<{name}>(.*?)</{name}>", self.body.decode("utf-8", "replace"), re.DOTALL)
        return found.group(1) if found else None

    def keys(self):
        return re.findall("<Key>(.*?)</Key>", self.body.decode())


def silent_after(wanted):
    """Gets k/00 and sees so many bytes of it, then nothing more."""
    place = urllib.parse.urlsplit(s3.client().generate_presigned_url("get_object", {"Bucket": "lies", "Key": "k/00"}))
    link = http.client.HTTPConnection(place.netloc, timeout=60)
    link.request("GET", f"{place.path}?{place.query}")
    try:
        if wanted:
            answer = link.getresponse()
            assert answer.status == 200 and answer.read(len(wanted)) == wanted
        else:
            while not s3.log:
                threading.Event().wait(0.01)  # until it was heard
        assert select.select([link.sock or answer.fp], [], [], 0.2)[0] == []
    finally:
        link.close()
        if wanted:
            answer.close()


LISTING = "/lies?list-type=2&prefix=k%2F"
told = set()


def lies(*rules):
    """A fresh plan; nothing of the last one stays."""
    told.update(lie for line in s3.requests() for lie in line["lies"])
    s3.truth()
    s3.clear_log()
    s3.tell(*rules)


def get(**more):
    return Raw(s3, "GET", "/lies/k/00", **more)


def put(key="new", body=b"tide", **more):
    return Raw(s3, "PUT", f"/lies/{key}", body=body, **more)


def is_there(key):
    return key in [each["Key"] for each in minio.client().list_objects_v2(Bucket="lies").get("Contents", [])]


def test_lies_begin_with_the_truth():
    client = fresh_bucket(minio, "lies")
    for key in KEYS:
        client.put_object(Bucket="lies", Key=key, Body=BODY)
    lies()
    assert (get().status, get().body, Raw(s3, "GET", LISTING).keys()) == (200, BODY, KEYS)
    assert (put("a%20b").status, put("a%20b").headers["ETag"]) == (200, f'"{hashlib.md5(b"tide").hexdigest()}"')
    put_get_list(s3, "through")
    multipart(s3, "throughparts")
    conditions(s3, "throughconditions")
    assert s3.count("UploadPart") == 2 and s3.count("CreateMultipartUpload") == 2 and s3.count("AbortMultipartUpload") == 1
    assert s3.count(lie=True) == 0 and all(line["status"] == line["upstream"] and not line["fault"] for line in s3.requests())
    line = s3.requests("PutObject", key="a b")[0]
    assert (line["method"], line["path"], line["bucket"], line["region"], line["access_key"]) == (
        "PUT", "/lies/a%20b", "lies", "us-east-1", minio.credentials["AccessKeyId"])
    assert s3.aws("s3", "ls", "s3://lies/k/").stdout.count("k/") == 0 and s3.counts()["ListObjectsV2"] >= 3
    command_line(s3, "throughcli")


def test_lies_before_the_work():
    for lie, status, code in (("slow_down", 503, "SlowDown"), ("internal_error", 500, "InternalError"), ("access_denied", 403, "AccessDenied"),
                              ("service_unavailable", 503, "ServiceUnavailable"), ("request_timeout", 400, "RequestTimeout"),
                              ("no_such_bucket", 404, "NoSuchBucket"), ("no_such_key", 404, "NoSuchKey")):
        lies({"lie": lie, "op": "PutObject"})
        seen = put("never")
        assert (seen.status, seen.field("Code"), seen.headers["Retry-After"]) == (status, code, None), lie
        assert get().body == BODY and not is_there("never")
        assert s3.count("PutObject", lie=lie) == 1 and s3.count(lie=True) == 1
    lies({"lie": "slow_down", "retry_after": 7}, {"lie": "error", "status": 418, "code": "Odd", "fields": {"Pot": "tea"}})
    assert put().headers["Retry-After"] == "7"
    lies({"lie": "error", "status": 418, "code": "Odd", "fields": {"Pot": "tea"}})
    assert (get().status, get().field("Pot")) == (418, "tea")
    lies({"lie": "html"})
    assert (get().status, get().headers["Content-Type"]) == (200, "text/html")
    lies({"lie": "lost_put"})
    lost = put("lost")
    assert (lost.status, lost.headers["ETag"]) == (200, f'"{hashlib.md5(b"tide").hexdigest()}"') and not is_there("lost")


def test_when_a_lie_is_told():
    lies({"lie": "slow_down", "every": 3})
    assert [get().status for _ in range(7)] == [200, 200, 503, 200, 200, 503, 200]
    lies({"lie": "slow_down", "after": 2, "times": 2})
    assert [get().status for _ in range(6)] == [200, 200, 503, 503, 200, 200]
    lies({"lie": "slow_down", "at": [2, 4], "op": ["GetObject", "HeadObject"]})
    assert [get().status, put().status, get().status, get().status, get().status] == [200, 200, 503, 200, 503]
    seen = []
    for _ in range(2):
        lies({"lie": "internal_error", "chance": 0.5, "seed": 5})
        seen.append([get().status for _ in range(20)])
    assert seen[0] == seen[1] and set(seen[0]) == {200, 500}
    lies({"lie": "access_denied", "prefix": "k/", "op": "ListObjectsV2"}, {"lie": "access_denied", "prefix": "k/03"})
    assert Raw(s3, "GET", LISTING).status == 403 and Raw(s3, "GET", "/lies?list-type=2").status == 200
    assert Raw(s3, "GET", "/lies/k/03").status == 403 and get().status == 200


def test_lies_about_the_connection():
    lies({"lie": "reset_before", "op": "PutObject"})
    assert isinstance(put("before").broken, ConnectionResetError) and not is_there("before")
    lies({"lie": "reset_after", "op": "PutObject"})
    assert isinstance(put("after").broken, ConnectionResetError) and is_there("after")
    line = s3.requests("PutObject")[0]
    assert (line["status"], line["upstream"], line["lies"]) == (None, 200, ["reset_after"])
    lies({"lie": "cut", "bytes": 1000})
    assert isinstance(get().broken, http.client.IncompleteRead) and get().body == BODY[:1000]
    lies({"lie": "cut", "bytes": 1000, "how": "chunked"})
    seen = get()
    assert (seen.headers["Transfer-Encoding"], isinstance(seen.broken, http.client.IncompleteRead)) == ("chunked", True)
    lies({"lie": "cut", "bytes": 1000, "how": "close"})
    seen = get()
    assert (seen.headers["Content-Length"], seen.broken, seen.body) == (None, None, BODY[:1000])
    lies({"lie": "cut", "bytes": 1000, "how": "shorter"})
    seen = get()
    assert (seen.headers["Content-Length"], seen.broken, seen.body) == ("1000", None, BODY[:1000])
    lies({"lie": "cut", "bytes": 1000, "reset": True})
    assert get().broken is not None
    lies({"lie": "hang"})
    silent_after(b"")
    assert s3.count(lie="hang") == 1


def test_lies_about_bytes():
    lies({"lie": "flip", "byte": 70000})
    seen = get().body
    assert len(seen) == len(BODY) and [at for at, pair in enumerate(zip(seen, BODY)) if pair[0] != pair[1]] == [70000]
    true = f'"{hashlib.md5(BODY).hexdigest()}"'
    lies({"lie": "wrong_etag"})
    assert get().headers["ETag"] not in (None, true) and get().body == BODY
    assert put().headers["ETag"] not in (None, f'"{hashlib.md5(b"tide").hexdigest()}"')
    lies({"lie": "wrong_etag", "op": "ListObjectsV2"})
    listed = s3.client().list_objects_v2(Bucket="lies", Prefix="k/")["Contents"]
    assert [each["Key"] for each in listed] == KEYS and all(each["ETag"] != true for each in listed)
    lies({"lie": "no_etag"})
    assert get().headers["ETag"] is None and get().status == 200
    body = b"checked"
    sent = {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()}
    lies({"lie": "wrong_checksum"})
    seen = put("checked", body, headers=sent).headers["x-amz-checksum-sha256"]
    assert seen and seen != sent["x-amz-checksum-sha256"]
    lies({"lie": "no_checksum"})
    assert put("checked", body, headers=sent).headers["x-amz-checksum-sha256"] is None
    part = {"range": "bytes=10-19"}  # signed here, so that the proxy has to sign again
    lies()
    assert get(headers=part).body == BODY[10:20]
    lies({"lie": "ignore_range"})
    seen = get(headers=part)
    assert (seen.status, seen.body) == (200, BODY) and s3.count(lie="ignore_range") == 1
    assert get().body == BODY and s3.count(lie="ignore_range") == 1


def test_lies_of_an_error_after_200():
    client = s3.client()
    for undone in (False, True):
        lies({"lie": "error_in_200", "undone": undone, "op": "CompleteMultipartUpload"})
        upload = client.create_multipart_upload(Bucket="lies", Key="whole")["UploadId"]
        tag = client.upload_part(Bucket="lies", Key="whole", UploadId=upload, PartNumber=1, Body=b"all")["ETag"]
        seen = Raw(s3, "POST", f"/lies/whole?uploadId={urllib.parse.quote(upload, safe='')}", body=(
            f"<CompleteMultipartUpload><Part><ETag>{tag}</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>".encode()))
        assert (seen.status, seen.field("Code"), seen.body.count(b"<Error>")) == (200, "InternalError", 1)
        assert is_there("whole") != undone
        minio.client().delete_object(Bucket="lies", Key="whole")


def test_lies_about_speed():
    lies({"lie": "slow", "stall_after": 500})
    silent_after(BODY[:500])
    assert s3.count(lie="slow") == 1
    lies({"lie": "slow", "stall_after": 500, "stall_seconds": 0.1, "bytes_per_second": 1000000})
    assert get().body == BODY


def test_lies_of_listings():
    client = s3.client()
    lies({"lie": "same_token"})
    first = client.list_objects_v2(Bucket="lies", Prefix="k/", MaxKeys=2)
    again = client.list_objects_v2(Bucket="lies", Prefix="k/", MaxKeys=2, ContinuationToken=first["NextContinuationToken"])
    assert first["IsTruncated"] and again["IsTruncated"] and first["NextContinuationToken"] == again["NextContinuationToken"]
    assert [each["Key"] for each in first["Contents"]] == [each["Key"] for each in again["Contents"]] == KEYS[:2]
    for agrees in (False, True):
        lies({"lie": "list_ends_early", "keep": 2, "key_count": agrees})
        seen = client.list_objects_v2(Bucket="lies", Prefix="k/", MaxKeys=5)
        assert (seen["IsTruncated"], seen.get("NextContinuationToken"), len(seen["Contents"]), seen["KeyCount"]) == (False, None, 2, 2 if agrees else 5)
    lies({"lie": "list_ends_early"})
    assert Raw(s3, "GET", LISTING).keys() == []
    lies({"lie": "list_cut_xml"})
    seen = Raw(s3, "GET", LISTING)
    assert (seen.status, seen.broken) == (200, None) and b"</ListBucketResult>" not in seen.body
    lies({"lie": "list_shuffled"})
    seen = Raw(s3, "GET", LISTING).keys()
    assert seen != KEYS and sorted(seen) == KEYS
    lies({"lie": "list_twice"})
    assert Raw(s3, "GET", LISTING).keys() == KEYS + KEYS[-1:] and Raw(s3, "GET", LISTING).field("KeyCount") == "7"
    lies({"lie": "list_foreign", "key": "other/x"})
    assert Raw(s3, "GET", LISTING).keys() == KEYS + ["other/x"]
    lies({"lie": "list_wrong_size"})
    assert client.list_objects_v2(Bucket="lies", Prefix="k/")["Contents"][0]["Size"] == len(BODY) + 1
    put("gone1"), put("gone2")
    lies({"lie": "delete_errors"})
    seen = client.delete_objects(Bucket="lies", Delete={"Objects": [{"Key": "gone1"}, {"Key": "gone2"}]})
    assert (len(seen["Deleted"]), [each["Code"] for each in seen["Errors"]]) == (1, ["AccessDenied"])


def test_lies_about_credentials_and_clocks():
    lies({"lie": "expired_token", "after": 2})
    assert [get().status, get().status, get().field("Code"), get().status] == [200, 200, "ExpiredToken", 400]
    other = {"AccessKeyId": "OTHER", "SecretAccessKey": "x"}
    refused("InvalidAccessKeyId", s3.client(credentials=other).get_object, Bucket="lies", Key="k/00")  # it came through to the server
    lies({"lie": "expired_token", "each": 1})
    assert [get().status, get().status] == [200, 400]
    for minutes in (20, -20):
        lies({"lie": "skewed_clock", "minutes": minutes})
        seen = get()
        assert (seen.status, seen.field("Code")) == (403, "RequestTimeTooSkewed")
        off = email.utils.parsedate_to_datetime(seen.headers["Date"]) - datetime.datetime.now(datetime.timezone.utc)
        assert abs(off.total_seconds() / 60 - minutes) < 1
        seen = get(minutes=minutes)
        assert (seen.status, seen.body) == (200, BODY)
        assert put("skewed", minutes=minutes).status == 200 and is_there("skewed")
        off = email.utils.parsedate_to_datetime(seen.headers["Date"]) - datetime.datetime.now(datetime.timezone.utc)
        assert abs(off.total_seconds() / 60 - minutes) < 1
        wrong = lying_s3.LyingS3(minio, credentials={**minio.credentials, "SecretAccessKey": "other"})
        with wrong:
            wrong.tell({"lie": "skewed_clock", "minutes": minutes})
            assert Raw(wrong, "GET", "/lies/k/00", minutes=minutes).field("Code") == "SignatureDoesNotMatch"


def test_lies_about_regions():
    lies({"lie": "redirect", "region": "eu-west-1"})
    seen = get()
    assert (seen.status, seen.field("Code"), seen.headers["x-amz-bucket-region"]) == (301, "PermanentRedirect", "eu-west-1")
    assert get(region="eu-west-1").field("Code") != "PermanentRedirect"  # it goes on; this server is in another region
    lies({"lie": "redirect", "region": "eu-west-1", "status": 400})
    seen = get()
    assert (seen.status, seen.field("Code"), seen.field("Region")) == (400, "AuthorizationHeaderMalformed", "eu-west-1")
    lies({"lie": "redirect", "status": 307, "endpoint": minio.endpoint})
    seen = put("moved")
    assert (seen.status, seen.headers["Location"]) == (307, minio.endpoint + "/lies/moved")


def test_lies_can_call():
    heard = []
    lies({"lie": "call", "op": "GetObject", "at": [2], "function": lambda exchange: heard.append(exchange.key)},
         {"lie": "call_after", "op": "PutObject", "function": lambda exchange, answer: heard.append(answer.status)})
    assert get().body == get().body == BODY and put().status == 200
    assert heard == ["k/00", 200]


def test_lies_to_other_services():
    with lying_s3.LyingS3(moto) as front:
        assert front.client("sts").get_caller_identity()["Account"] == "123456789012"
        front.tell({"lie": "expired_token", "service": "sts"}, {"lie": "slow_down", "op": "Invoke"}, {"lie": "access_denied", "op": "AssumeRole"})
        refused("ExpiredToken", front.client("sts").get_caller_identity)
        front.truth()
        front.tell({"lie": "access_denied", "op": "AssumeRole"}, {"lie": "access_denied", "op": "CreateInvalidation"})
        refused("AccessDenied", front.client("sts").assume_role, RoleArn="arn:aws:iam::210987654321:role/podcast-automation", RoleSessionName="session")
        refused("AccessDenied", front.client("cloudfront").create_invalidation, DistributionId="E1", InvalidationBatch={
            "Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "1"})
        front.tell({"lie": "error", "op": "Invoke", "status": 404, "code": "ResourceNotFoundException", "message": "Function not found"})
        refused("ResourceNotFoundException", front.client("lambda").invoke, FunctionName="none")
        assert front.counts() == {"GetCallerIdentity": 2, "AssumeRole": 1, "CreateInvalidation": 1, "Invoke": 1}


def test_lying_as_a_program():
    program = os.path.join(os.path.dirname(lying_s3.__file__), "lying_s3.py")
    proxy = subprocess.Popen([sys.executable, program, "--upstream", minio.endpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        place = s3_servers.Place()
        place.credentials, place.endpoint = minio.credentials, f"http://127.0.0.1:{int(proxy.stdout.readline())}"
        plan = urllib.request.Request(place.endpoint + "/-/plan", json.dumps([{"lie": "slow_down", "every": 2}]).encode(), method="POST")
        urllib.request.urlopen(plan).close()
        assert [Raw(place, "GET", "/lies/k/00").status for _ in range(2)] == [200, 503]
        with urllib.request.urlopen(place.endpoint + "/-/log") as log:
            assert [line["lies"] for line in json.load(log)] == [[], ["slow_down"]]
    finally:
        proxy.communicate()
    assert proxy.returncode == 0


def test_zz_every_lie_was_told():
    lies()
    if len(sys.argv) == 1:
        assert told == set(lying_lies.LIES), set(lying_lies.LIES) - told


def main():
    global minio, moto, s3
    s3_servers.or_skip(s3_servers.aws_program)
    s3_servers.or_skip(s3_servers.built, "minio")
    with s3_servers.minio() as minio, s3_servers.moto() as moto, lying_s3.LyingS3(minio) as s3:
        pipeline.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()

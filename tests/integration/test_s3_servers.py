#!/usr/bin/env python3
"""The S3 servers that other tests stand on: boto3 and the AWS CLI against MinIO and moto, and each lie of the proxy seen by a plain client."""

import hashlib
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

from botocore.exceptions import ClientError  # noqa: E402

import pipeline  # noqa: E402

MIB = 1 << 20
minio = None
moto = None


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


def main():
    global minio, moto
    s3_servers.or_skip(s3_servers.aws_program)
    s3_servers.or_skip(s3_servers.built, "minio")
    with s3_servers.minio() as minio, s3_servers.moto() as moto:
        pipeline.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()

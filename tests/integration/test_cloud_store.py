#!/usr/bin/env python3
"""The stores that a person names: what new objects in a bucket get, and what is said of a bucket or folder that is not as it was named."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)
import cloud_sites as sites  # noqa: E402
import lying_s3  # noqa: E402
import pipeline as p  # noqa: E402

OWN = "123456789012"


class Bucket:
    """moto with a bucket "tide", the proxy in front of it, and a folder with one file."""

    def __enter__(self):
        self.scratch = p.Scratch()
        self.folder = self.scratch.__enter__()
        self.moto = s3_servers.or_skip(s3_servers.moto).__enter__()
        self.between = lying_s3.LyingS3(self.moto).__enter__()
        self.data = p.Data(os.path.join(self.folder, "data"))
        self.s3 = self.moto.client("s3")
        self.s3.create_bucket(Bucket="tide")
        self.source = os.path.join(self.folder, "from here")
        sites.write(os.path.join(self.source, "a b.txt"), "one")
        return self

    def __exit__(self, *fault):
        self.between.__exit__(*fault)
        self.moto.__exit__(*fault)
        self.scratch.__exit__(*fault)

    def sync(self, *words, expect=0, environment=None):
        return self.data.call("sync", *words, expect=expect, environment={**self.between.environment(), **(environment or {})})


def test_new_objects_get_what_was_asked_for():
    with Bucket() as there:
        key = there.moto.client("kms").create_key()["KeyMetadata"]["Arn"]
        there.sync(there.source, "s3://tide/x/", "--storage-class", "STANDARD_IA", "--sse", "aws:kms", "--sse-kms-key-id", key, "--tags", "show=hardfork&kind=a%20b",
                   "--acl", "bucket-owner-full-control", "--checksum", "SHA256", "--expected-bucket-owner", OWN)
        facts = there.s3.head_object(Bucket="tide", Key="x/a b.txt")
        assert facts["StorageClass"] == "STANDARD_IA" and facts["ServerSideEncryption"] == "aws:kms" and facts["SSEKMSKeyId"] == key, facts
        tags = there.s3.get_object_tagging(Bucket="tide", Key="x/a b.txt")["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"show": "hardfork", "kind": "a b"}, tags
        assert there.s3.get_object(Bucket="tide", Key="x/a b.txt")["Body"].read() == b"one"
        # The same place, written in another way: nothing is new.
        there.sync(there.source + "/.", "s3://tide/x//")
        assert there.between.count("PutObject") == 1
        # A prefix is whole parts: "x" is not "xy".
        there.s3.put_object(Bucket="tide", Key="xy/other.txt", Body=b"two")
        back = os.path.join(there.folder, "back")
        os.mkdir(back)
        there.sync("s3://tide/x", back)
        assert os.listdir(back) == ["a b.txt"]


def test_the_profile_of_the_aws_cli_says_where_and_how():
    with Bucket() as there:
        config = sites.write(os.path.join(there.folder, "config"), (
            f"[profile tides]\nregion = us-east-1\naws_access_key_id = testing\naws_secret_access_key = testing\nservices = local\n"
            f"s3 =\n  addressing_style = path\n[services local]\ns3 =\n  endpoint_url = {there.between.endpoint}\n"))
        os.chmod(config, 0o600)
        around = {name: "" for name in there.between.environment() if name.startswith("AWS_") and name != "AWS_EC2_METADATA_DISABLED"}
        there.sync(there.source, "s3://tide/x", "--profile", "tides", environment={**around, "AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"})
        assert there.between.count("PutObject", key="x/a b.txt") == 1


def test_places_that_are_not_as_they_were_named():
    with Bucket() as there:
        other = there.moto.account("222222222222")
        there.moto.client("s3", other).create_bucket(Bucket="anothers")
        for words, code, said, hint in (
                (["s3://tide-that-is-not-there/x"], 3, "s3://tide-that-is-not-there: there is no such bucket", "aws s3 mb s3://tide-that-is-not-there"),
                (["s3://anothers"], 3, "s3://anothers", ""),
                (["s3://"], 2, "names no bucket", "s3://BUCKET"),
                (["s3:/tide"], 2, "names no bucket", "s3://BUCKET"),
                (["s3://tide/../x"], 3, "s3://tide/../x", ""),
                ([os.path.join(there.folder, "none")], 3, "none", "mkdir -p"),
                (["https://tide/x"], 2, "is no place that sync knows", "s3://BUCKET"),
                ([there.source], 2, "both are", ""),
                ([os.path.dirname(there.source)], 2, "is inside of", "neither holds the other"),
                (["s3://tide", "--sse", "AES256", "--sse-kms-key-id", "k"], 2, "--sse-kms-key-id", ""),
                (["s3://tide", "--part-size", "1m"], 2, "part-size", "")):
            result = there.sync(there.source, *words, expect=code)
            assert said in result.stderr and hint in result.stderr, (words, result.stderr)
        assert not there.between.count("PutObject")


def test_a_bucket_of_another_account_than_was_expected():
    with Bucket() as there:
        there.sync(there.source, "s3://tide", "--expected-bucket-owner", OWN)
        sent = there.between.requests("PutObject")
        assert len(sent) == 1
        there.between.tell({"lie": "access_denied", "op": ["HeadBucket", "ListObjectsV2"]})
        result = there.sync(there.source, "s3://tide", "--expected-bucket-owner", "222222222222", expect=3)
        assert "s3://tide" in result.stderr, result.stderr


def test_no_credentials_at_all():
    with Bucket() as there:
        around = {name: "" for name in there.between.environment() if name.startswith("AWS_")}
        around.update(AWS_CONFIG_FILE="/dev/null", AWS_SHARED_CREDENTIALS_FILE="/dev/null", AWS_EC2_METADATA_DISABLED="true")
        result = there.sync(there.source, "s3://tide", "--endpoint-url", there.between.endpoint, expect=3, environment=around)
        assert "environment" in result.stderr and "profile" in result.stderr, result.stderr
        # A copy between folders wants none.
        target = os.path.join(there.folder, "to")
        os.mkdir(target)
        there.sync(there.source, target, environment=around)
        assert os.listdir(target) == ["a b.txt"]


if __name__ == "__main__":
    p.run_tests(sys.modules[__name__])

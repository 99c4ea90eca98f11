#!/usr/bin/env python3
"""The clients of STS, SNS, CloudFront and Lambda against moto's server, and the signatures of S3 requests against MinIO, which checks them."""

import io
import json
import os
import subprocess
import sys
import urllib.parse
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

FIXTURE = os.path.join(os.environ["BUILD_DIR"], "aws_fixture")
ROLE = "arn:aws:iam::210987654321:role/publisher"


def ask(server, *words, status=0, credentials=None):
    """One call; its JSON. `status` is the exit status that is expected."""
    environment = {**os.environ, **server.environment(credentials)}
    done = subprocess.run([FIXTURE, server.endpoint, server.region, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def roles(moto):
    assert ask(moto, "identity")["account"] == s3_servers.ACCOUNT
    made = ask(moto, "assume", ROLE, "tide-1")
    assert made["expires_ms"] > 0
    other = {"AccessKeyId": made["key_id"], "SecretAccessKey": made["secret"], "SessionToken": made["token"]}
    assert ask(moto, "identity", credentials=other)["arn"] == "arn:aws:sts::210987654321:assumed-role/publisher/tide-1"
    made = ask(moto, "web", ROLE, "tide-2", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.x")
    other = {"AccessKeyId": made["key_id"], "SecretAccessKey": made["secret"], "SessionToken": made["token"]}
    assert ask(moto, "identity", credentials=other)["account"] == "210987654321"
    assert ask(moto, "assume", "not an ARN", "tide-1", status=1)["error"] == "invalid"


def messages(moto):
    sns, sqs = moto.client("sns"), moto.client("sqs")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sent = ask(moto, "publish", topic, "It failed", "ü & <b>\n+ 2")
    heard = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert (heard["Subject"], heard["Message"], heard["MessageId"]) == ("It failed", "ü & <b>\n+ 2", sent["message_id"])
    refused = ask(moto, "publish", topic + "-none", "s", "m", status=1)
    assert (refused["error"], refused["status"], refused["type"]) == ("absent", 404, "NotFound"), refused


def copies(moto):
    cloudfront = moto.client("cloudfront")
    config = {"CallerReference": "r", "Comment": "", "Enabled": True, "Aliases": {"Quantity": 1, "Items": ["search.example"]},
              "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "b.s3.us-east-1.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}]},
              "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all", "MinTTL": 0,
                                       "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}}}}
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]
    assert ask(moto, "distribution", made["Id"])["domain"] == "search.example"
    done = ask(moto, "invalidate", made["Id"], "run-1", "/index.html", "/a b/ü&.js", "/assets/*")
    kept = cloudfront.get_invalidation(DistributionId=made["Id"], Id=done["id"])["Invalidation"]
    assert kept["InvalidationBatch"]["Paths"] == {"Quantity": 3, "Items": ["/index.html", "/a%20b/%C3%BC&.js", "/assets/*"]}, kept
    assert kept["InvalidationBatch"]["CallerReference"] == "run-1"
    assert ask(moto, "invalidation", made["Id"], done["id"]) == {"id": done["id"], "status": kept["Status"]}
    refused = ask(moto, "distribution", "ENOTHERE", status=1)
    assert (refused["error"], refused["type"]) == ("absent", "NoSuchDistribution"), refused
    refused = ask(moto, "invalidation", made["Id"], "INOTHERE", status=1)
    assert (refused["error"], refused["status"]) == ("absent", 404), refused


def functions(moto):
    role = moto.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("f.py", "def f(event, context): return event")
    moto.client("lambda").create_function(FunctionName="f", Runtime="python3.12", Role=role, Handler="f.f", Code={"ZipFile": code.getvalue()})
    moto.lambda_answers('{"answer":1}')
    assert json.loads(ask(moto, "invoke", "f", '{"a":"ü"}')["payload"]) == {"answer": 1}
    refused = ask(moto, "request", "lambda", "GET", "/2015-03-31/functions/g", "", status=1)
    assert (refused["error"], refused["type"]) == ("absent", "ResourceNotFoundException"), refused


def signatures(minio):
    minio.client().create_bucket(Bucket="tide")
    for key in ["plain", "a b/ü+%2F~!*'()", "=&?#;:@$,"]:
        minio.client().put_object(Bucket="tide", Key=key, Body=key.encode())
        path = "/tide/" + urllib.parse.quote(key, safe="/-._~")
        assert ask(minio, "request", "s3", "GET", path, "")["body"] == key
    listed = ask(minio, "request", "s3", "GET", "/tide", "list-type=2&prefix=" + urllib.parse.quote("a b/ü", safe=""))
    assert "<KeyCount>1</KeyCount>" in listed["body"], listed
    refused = ask(minio, "request", "s3", "GET", "/tide/absent", "", status=1)
    assert (refused["error"], refused["type"], refused["status"]) == ("absent", "NoSuchKey", 404), refused
    refused = ask(minio, "request", "s3", "HEAD", "/tide/absent", "", status=1)
    assert (refused["error"], refused["type"]) == ("absent", "NotFound"), refused
    refused = ask(minio, "request", "s3", "GET", "/no-such-bucket", "", status=1)
    assert (refused["error"], refused["type"]) == ("absent", "NoSuchBucket") and "bucket" in refused["hint"], refused
    wrong = {**minio.credentials, "SecretAccessKey": "wrongwrongwrong"}
    refused = ask(minio, "request", "s3", "GET", "/tide", "", status=1, credentials=wrong)
    assert (refused["error"], refused["type"]) == ("denied", "SignatureDoesNotMatch") and "secret" in refused["hint"], refused
    assert "wrongwrongwrong" not in json.dumps(refused)


def run_one(server, *parts):
    failed = 0
    for part in parts:
        try:
            part(server)
            print(f"ok {part.__name__}")
        except AssertionError as error:
            failed += 1
            print(f"not ok {part.__name__}: {error!r}")
    return failed


def main():
    if not os.access(FIXTURE, os.X_OK):
        print(f"skipped: {FIXTURE} is not built")
        sys.exit(77)
    with s3_servers.or_skip(s3_servers.moto) as moto:
        failed = run_one(moto, roles, messages, copies, functions)
    with s3_servers.or_skip(s3_servers.minio) as minio:
        failed += run_one(minio, signatures)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

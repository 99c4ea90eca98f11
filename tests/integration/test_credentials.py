#!/usr/bin/env python3
"""The credential chain beside boto3's: the same environment and files, one STS (moto's); both must be the same caller."""

import datetime
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

import s3_servers  # noqa: E402

s3_servers.in_environment_with_boto3(__file__)

import pipeline  # noqa: E402

FIXTURE = os.path.join(pipeline.BUILD, "credentials_fixture")
moto = None
REGION = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}  # boto3 knows the second one only
NO_REGION = dict.fromkeys(REGION)

# Runs in a process of its own, so that boto3 sees the environment of the test and nothing that it cached before.
PEER = """
import boto3, json, sys
session = boto3.session.Session(profile_name=sys.argv[1] or None)
client = session.client("sts")
told = client.get_caller_identity()
print(json.dumps({"account": told["Account"], "arn": told["Arn"], "key_id": session.get_credentials().access_key, "region": client.meta.region_name}))
"""


class Home:
    """A home folder, and an environment in which nothing but what the test says is known."""

    def __init__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tidemill-credentials-")
        self.path = self.scratch.name
        kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "LANG") if name in os.environ}
        self.environment = {**kept, "HOME": self.path, "AWS_ENDPOINT_URL": moto.endpoint, "AWS_EC2_METADATA_DISABLED": "true",
                            **REGION}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def run(self, words, **more):
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
                              env={name: value for name, value in {**self.environment, **more}.items() if value is not None})

    def ours(self, *flags, **more):
        done = self.run([FIXTURE, *flags], **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, *flags, **more):
        done = self.run([FIXTURE, *flags], **more)
        assert done.returncode == 1 and not done.stdout, (done.returncode, done.stdout, done.stderr)
        return done.stderr.strip()

    def theirs(self, profile="", **more):
        done = self.run([sys.executable, "-c", PEER, profile], **more)
        assert done.returncode == 0, done.stderr.strip().splitlines()[-1]
        return json.loads(done.stdout)

    def same(self, profile="", keys=True, **more):
        """Both are the same caller; the key ids too, unless each was given one of its own."""
        ours, theirs = self.ours(*(["--profile", profile] if profile else []), **more), self.theirs(profile, **more)
        names = ["account", "region"] + (["key_id", "arn"] if keys else [])
        assert [ours[name] for name in names] == [theirs[name] for name in names], (ours, theirs)
        return ours, theirs


def role(arn):
    """An ARN of an assumed role without the session's name."""
    return arn.rsplit("/", 1)[0]


def test_environment_and_files():
    with Home() as home:
        keys = moto.account("111111111111")
        assert home.same(AWS_ACCESS_KEY_ID=keys["AccessKeyId"], AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
                         AWS_SESSION_TOKEN=keys["SessionToken"])[0]["account"] == "111111111111"
        home.write(".aws/credentials", f"[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = x\n\n[other]\naws_access_key_id={keys['AccessKeyId']}\n"
                                       f"aws_secret_access_key={keys['SecretAccessKey']} ; a comment\naws_session_token={keys['SessionToken']}\n")
        home.write(".aws/config", "# mine\n[default]\nregion = eu-central-1\n[profile other]\nregion=us-west-2\ns3 =\n  addressing_style = path\n[preview]\ncloudfront = true\n")
        assert home.same(**NO_REGION)[0]["region"] == "eu-central-1"
        assert home.same(**NO_REGION, AWS_PROFILE="other")[0]["region"] == "us-west-2"
        assert home.same("other", **NO_REGION)[0]["key_id"] == keys["AccessKeyId"]
        # Keys in the environment count for more than AWS_PROFILE, and less than a profile that is asked for by name.
        more = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "x"}
        assert home.same(AWS_PROFILE="other", **more)[0]["key_id"] == "AKIAENVIRONMENT"
        assert home.same("other", **more, **NO_REGION)[0]["key_id"] == keys["AccessKeyId"]


def test_what_the_aws_cli_writes():
    program = s3_servers.aws_program()
    with Home() as home:
        wanted = [("aws_access_key_id", "AKIAWRITTEN"), ("aws_secret_access_key", "x"), ("region", "eu-north-1"), ("s3.addressing_style", "path"),
                  ("credential_process", "/bin/false")]
        for name, value in wanted:
            done = home.run([program, "configure", "set", name, value, "--profile", "with space"])
            assert done.returncode == 0, done.stderr
        for name, value in [("role_arn", "arn:aws:iam::222222222222:role/one"), ("source_profile", "with space"), ("role_session_name", "from-the-cli")]:
            assert home.run([program, "configure", "set", name, value, "--profile", "role"]).returncode == 0
        ours, _ = home.same("with space", **NO_REGION)
        assert (ours["key_id"], ours["region"]) == ("AKIAWRITTEN", "eu-north-1"), ours
        ours, theirs = home.same("role", keys=False)
        assert ours["account"] == "222222222222" and ours["arn"] == theirs["arn"], (ours, theirs)
        assert ours["arn"].endswith(":assumed-role/one/from-the-cli")


def test_roles_one_after_another():
    with Home() as home:
        home.write(".aws/credentials", "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = x\n")
        home.write(".aws/config", "[profile one]\nrole_arn = arn:aws:iam::111111111111:role/one\nsource_profile = base\n"
                                  "[profile two]\nrole_arn = arn:aws:iam::222222222222:role/two\nsource_profile = one\nexternal_id = ours\nduration_seconds = 900\n"
                                  "[profile three]\nrole_arn = arn:aws:iam::333333333333:role/three\nsource_profile = two\nrole_session_name = third\n"
                                  "[profile environment]\nrole_arn = arn:aws:iam::111111111111:role/one\ncredential_source = Environment\n")
        for profile, account in [("one", "111111111111"), ("two", "222222222222"), ("three", "333333333333")]:
            ours, theirs = home.same(profile, keys=False)
            assert ours["account"] == account and role(ours["arn"]) == role(theirs["arn"]), (ours, theirs)
        assert ours["arn"] == "arn:aws:sts::333333333333:assumed-role/three/third"
        ours, theirs = home.same("environment", keys=False, AWS_ACCESS_KEY_ID="AKIAENVIRONMENT", AWS_SECRET_ACCESS_KEY="x")
        assert role(ours["arn"]) == role(theirs["arn"])


def test_a_scheduled_runs_file_and_its_role():
    with Home() as home:
        path = home.write(".env.automation", "# made by terraform\nAWS_ACCESS_KEY_ID=AKIAAUTOMATION\nAWS_SECRET_ACCESS_KEY=\"x\"\nAWS_REGION=us-east-1\n"
                                             "SCHEDULED_RUN_MAIN_AWS_PROFILE=browse.show-1_admin-297202224084\n")
        assert home.ours("--env-file", path)["key_id"] == "AKIAAUTOMATION"
        told = home.ours("--env-file", path, "--role", "arn:aws:iam::152849157974:role/browse-dot-show-automation-role", "--session", "auto-pre-sync-hardfork-1790000000000")
        assert told["arn"] == "arn:aws:sts::152849157974:assumed-role/browse-dot-show-automation-role/auto-pre-sync-hardfork-1790000000000"
        left = told["expires_ms"] / 1000 - datetime.datetime.now(datetime.timezone.utc).timestamp()
        assert 3000 < left <= 3605, left
        os.chmod(path, 0o644)
        assert "chmod 600" in home.run([FIXTURE, "--env-file", path]).stderr


def test_a_process():
    with Home() as home:
        keys = moto.account("111111111111")
        shown = {"Version": 1, "AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"], "SessionToken": keys["SessionToken"],
                 "Expiration": "2999-01-01T00:00:00Z"}
        program = home.write("my tools/keys", f"#!/bin/sh\n[ \"$1\" = 'the account' ] || exit 1\ncat <<'END'\n{json.dumps(shown)}\nEND\n", 0o700)
        home.write(".aws/config", f"[profile process]\ncredential_process = \"{program}\" 'the account'\n[profile role]\nrole_arn = arn:aws:iam::222222222222:role/two\nsource_profile = process\n")
        assert home.same("process")[0]["account"] == "111111111111"
        ours, theirs = home.same("role", keys=False)
        assert role(ours["arn"]) == role(theirs["arn"])
        home.write(".aws/config", f"[profile process]\ncredential_process = \"{program}\"\n")
        assert home.refused("--profile", "process") == "profile process: credential_process ended with status 1"


def test_web_identity():
    with Home() as home:
        token = home.write("token", "header.payload.signature\n")
        ours, theirs = home.same(keys=False, AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ROLE_ARN="arn:aws:iam::111111111111:role/web", AWS_ROLE_SESSION_NAME="pod")
        assert ours["arn"] == theirs["arn"] == "arn:aws:sts::111111111111:assumed-role/web/pod", (ours, theirs)
        home.write(".aws/config", f"[profile web]\nrole_arn = arn:aws:iam::111111111111:role/web\nweb_identity_token_file = {token}\nrole_session_name = pod\n")
        ours, theirs = home.same("web", keys=False)
        assert ours["arn"] == theirs["arn"]


class Services(http.server.BaseHTTPRequestHandler):
    """The metadata service of an instance, that of a container, and the two of IAM Identity Center, as their documents have them."""

    keys = {}
    asked = []

    def answer(self, status, body):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_PUT(self):
        self.body()
        good = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.answer(200 if good else 400, "a-token" if good else "")

    def do_POST(self):
        told = json.loads(self.body())
        self.asked.append(self.path)
        good = self.path == "/token" and (told["grantType"], told["refreshToken"]) == ("refresh_token", "refresh-1")
        self.answer(200 if good else 400, {"accessToken": "access-2", "expiresIn": 28800, "refreshToken": "refresh-2", "tokenType": "Bearer"} if good else {"error": "invalid_grant"})

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.asked.append(path)
        own = {"AccessKeyId": self.keys["AccessKeyId"], "SecretAccessKey": self.keys["SecretAccessKey"], "Token": self.keys["SessionToken"], "Expiration": "2999-01-01T00:00:00Z"}
        if path.startswith("/latest/"):
            if self.headers.get("X-aws-ec2-metadata-token") != "a-token":
                self.answer(401, "")
            elif path.endswith("/security-credentials/"):
                self.answer(200, "the-role")
            else:
                self.answer(200, {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z", **own})
        elif path == "/container":
            good = self.headers.get("Authorization") == "Bearer one"
            self.answer(200 if good else 403, {"RoleArn": "arn:aws:iam::111111111111:role/task", **own} if good else {})
        elif path == "/federation/credentials":
            wanted = urllib.parse.parse_qs(query)
            good = self.headers.get("x-amz-sso_bearer_token") in ("access-1", "access-2") and wanted == {"role_name": ["Admin"], "account_id": ["111111111111"]}
            self.answer(200 if good else 401, {"roleCredentials": {"accessKeyId": own["AccessKeyId"], "secretAccessKey": own["SecretAccessKey"], "sessionToken": own["Token"],
                                                                   "expiration": 32472144000000}} if good else {})
        else:
            self.answer(404, "")

    def log_message(self, *_):
        pass


class ServicesRun:
    def __enter__(self):
        Services.keys = moto.account("111111111111")
        Services.asked = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Services)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_container_and_instance():
    with Home() as home, ServicesRun() as services:
        more = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": services.url + "/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home.write("token", "Bearer one")}
        assert home.same(**more)[0]["account"] == "111111111111"
        assert "the service answered 403" in home.refused(AWS_CONTAINER_CREDENTIALS_FULL_URI=services.url + "/container")
        more = {"AWS_EC2_METADATA_DISABLED": None, "AWS_EC2_METADATA_SERVICE_ENDPOINT": services.url}
        assert home.same(**more)[0]["account"] == "111111111111"
        home.write(".aws/config", "[profile instance]\nrole_arn = arn:aws:iam::222222222222:role/two\ncredential_source = Ec2InstanceMetadata\n")
        ours, theirs = home.same("instance", keys=False, **more)
        assert role(ours["arn"]) == role(theirs["arn"])
        home.write(".aws/config", "")
        home.same(AWS_EC2_METADATA_DISABLED=None, AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1", AWS_ACCESS_KEY_ID="AKIAHERE", AWS_SECRET_ACCESS_KEY="x")
        assert "this is no EC2 instance" in home.refused(AWS_EC2_METADATA_DISABLED=None, AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:1")


def test_identity_center():
    with Home() as home, ServicesRun() as services:
        config = "[profile prod]\nsso_session = work\nsso_account_id = 111111111111\nsso_role_name = Admin\n[sso-session work]\nsso_region = eu-west-1\nsso_start_url = https://work.example/start\n"
        home.write(".aws/config", config)
        places = {"AWS_ENDPOINT_URL_SSO": services.url, "AWS_ENDPOINT_URL_SSO_OIDC": services.url}
        cache = ".aws/sso/cache/" + hashlib.sha1(b"work").hexdigest() + ".json"
        assert home.refused("--profile", "prod", **places) == "profile prod: nobody has logged in; aws sso login --profile prod"
        token = {"startUrl": "https://work.example/start", "region": "eu-west-1", "accessToken": "access-1", "expiresAt": "2999-01-01T00:00:00Z"}
        home.write(cache, json.dumps(token))
        assert home.same("prod", **places)[0]["account"] == "111111111111"
        # A token that is near its end is refreshed by us, and boto3 goes on with what we wrote.
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=2)
        home.write(cache, json.dumps({**token, "expiresAt": soon.strftime("%Y-%m-%dT%H:%M:%SZ"), "refreshToken": "refresh-1", "clientId": "client", "clientSecret": "x",
                                      "registrationExpiresAt": "2999-01-01T00:00:00Z"}))
        Services.asked.clear()
        home.same("prod", **places)
        assert Services.asked == ["/token", "/federation/credentials", "/federation/credentials"], Services.asked
        with open(os.path.join(home.path, cache), encoding="utf-8") as text:
            written = json.load(text)
        assert (written["accessToken"], written["refreshToken"], written["clientId"]) == ("access-2", "refresh-2", "client"), written


def test_nothing_is_told_with_every_place():
    with Home() as home:
        told = home.refused()
        for part in ("environment (", "web identity (", "env file (", "profile (", "container (", "instance (", "aws configure"):
            assert part in told, told
        home.write(".aws/config", "[profile prod]\nregion = eu-west-1\n")
        assert "did you mean prod?" in home.refused("--profile", "prd")


def test_the_examples_of_the_documents():
    with open(os.path.join(pipeline.SOURCE, "docs", "credentials.md"), encoding="utf-8") as page:
        automation, config, local = re.findall(r"^```ini\n(.*?)^```", page.read(), re.S | re.M)
    with Home() as home:
        assert home.ours("--env-file", home.write(".env.automation", automation))["key_id"] == "AKIA..."
        home.write(".aws/config", config + local)
        assert home.same("keys")[0]["key_id"] == "AKIA..."
        ours, theirs = home.same("site", keys=False)
        assert ours["arn"] == theirs["arn"] == "arn:aws:sts::152849157974:assumed-role/browse-dot-show-automation-role/nightly", (ours, theirs)
        for profile, message in [("worker", "AWS_EC2_METADATA_DISABLED is true"), ("pod", "cannot read /var/run/token"), ("person", "nobody has logged in"),
                                 ("program", "cannot start /opt/our tools/keys"), ("local", "it has neither keys nor")]:
            assert message in home.refused("--profile", profile), profile


def main():
    global moto
    s3_servers.or_skip(s3_servers.aws_program)
    with s3_servers.moto() as moto:
        pipeline.run_tests(sys.modules[__name__])


if __name__ == "__main__":
    main()

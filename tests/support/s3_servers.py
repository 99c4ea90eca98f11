"""Real S3 servers for tests: MinIO (built by tools/servers) and moto, each a process of its own on a free port of the loopback address.

    with s3_servers.minio() as s3:
        s3.client("s3").create_bucket(Bucket="tide")
        subprocess.run([TIDEMILL, "sync", folder, "s3://tide/a"], env={**os.environ, **s3.environment()})
        s3.aws("s3", "ls", "s3://tide/a/")

A server ends with its `with`, whatever happened in it, and with the test's process when that is killed.
Scripts that use boto3 begin with `s3_servers.in_environment_with_boto3(__file__)`. `lying_s3.py` stands in front of any of these.
"""

import ctypes
import functools
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(HERE)))
PYTHON = os.path.join(SOURCE, "tools", "python", "python")
REGION = "us-east-1"
ACCOUNT = "123456789012"  # moto's own: of every key that it did not hand out itself
PR_SET_PDEATHSIG = 1
START_SECONDS = 120
TRIES = 5


class Unavailable(Exception):
    """The server cannot be had on this machine; the text says why."""


def in_environment_with_boto3(script):
    """Starts the script again with the pinned packages when this Python is without them."""
    if os.environ.get("TIDEMILL_TEST_PYTHON") == "1":
        return
    os.environ["TIDEMILL_TEST_PYTHON"] = "1"
    os.execv(PYTHON, [PYTHON, os.path.abspath(script), *sys.argv[1:]])


@functools.lru_cache
def built(name):
    """The path of a program of tools/servers, which is built when it is not there."""
    done = subprocess.run([os.path.join(SOURCE, "tools", "servers", "setup.sh"), name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"no {name}: {done.stderr.strip().splitlines()[-1]}")
    return os.path.join(done.stdout.strip(), name)


@functools.lru_cache
def aws_program():
    """The AWS CLI of version 2, which need not be the first one on the path."""
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin"]:
        program = os.path.join(folder, "aws")
        if os.access(program, os.X_OK):
            said = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if said.stdout.startswith("aws-cli/2"):
                return program
    raise Unavailable("the AWS CLI of version 2 is not installed")


def or_skip(function, *arguments):
    """The function's result; where it is unavailable, the test is skipped with a line."""
    try:
        return function(*arguments)
    except Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(77)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Place:
    """An address that speaks AWS's protocols, and credentials for it. `endpoint` is its URL."""

    endpoint = ""
    region = REGION
    credentials = {"AccessKeyId": "", "SecretAccessKey": ""}

    def environment(self, credentials=None, endpoint=None):
        """What a program that uses AWS needs in its environment. It finds no other credentials than these."""
        own = credentials or self.credentials
        words = {"AWS_ACCESS_KEY_ID": own["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": own["SecretAccessKey"], "AWS_REGION": self.region,
                 "AWS_DEFAULT_REGION": self.region, "AWS_ENDPOINT_URL": endpoint or self.endpoint, "AWS_CONFIG_FILE": "/dev/null",
                 "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}
        if own.get("SessionToken"):
            words["AWS_SESSION_TOKEN"] = own["SessionToken"]
        return words

    def client(self, service="s3", credentials=None, retries=0, **config):
        """A boto3 client, with paths instead of host names for buckets. It does not try again unless it is told to."""
        import boto3
        from botocore.config import Config

        own = credentials or self.credentials
        more = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
        return boto3.session.Session().client(
            service, endpoint_url=self.endpoint, region_name=self.region, aws_access_key_id=own["AccessKeyId"],
            aws_secret_access_key=own["SecretAccessKey"], aws_session_token=own.get("SessionToken"),
            config=Config(**{"retries": {"max_attempts": retries}, "connect_timeout": 60, "read_timeout": 120, **more, **config}))

    def aws(self, *words, credentials=None, check=True, timeout=300, **options):
        """Runs the AWS CLI here; the finished process, with what it said as text."""
        environment = {**os.environ, **self.environment(credentials)}
        return subprocess.run([aws_program(), "--endpoint-url", self.endpoint, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=environment, check=check, timeout=timeout, **options)


class Server(Place):
    """A server as a process. `folder` holds its data and its log; a folder of its own is removed at the end."""

    name = ""

    def __init__(self, folder=None):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix=f"tidemill-{self.name}-")
        os.makedirs(self.folder, exist_ok=True)
        self.port = None
        self.process = None

    def words(self):
        raise NotImplementedError

    def settings(self):
        return {}

    def is_ready(self):
        raise NotImplementedError

    def start(self):
        """Starts it; again after kill() too, at the same address."""
        fixed = self.port
        for _ in range(TRIES):
            self.port = fixed or free_port()
            self.endpoint = f"http://127.0.0.1:{self.port}"
            with open(self.log_path(), "ab") as log:
                self.process = subprocess.Popen(self.words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                                                env={**os.environ, "HOME": self.folder, **self.settings()}, preexec_fn=die_with_parent)
            end = time.monotonic() + START_SECONDS
            while self.process.poll() is None and time.monotonic() < end:
                if self.is_ready() and self.process.poll() is None:
                    return self
                threading.Event().wait(0.02)  # it says nowhere when it is ready
            self.kill()  # somebody else took the port, perhaps
        told = self.told()
        self.close()
        raise RuntimeError(f"{self.name} did not start:\n{told}")

    def log_path(self):
        return os.path.join(self.folder, f"{self.name}.log")

    def told(self):
        """The end of what it logged."""
        with open(self.log_path(), encoding="utf-8", errors="replace") as text:
            return text.read()[-4000:]

    def ask(self, method, path, body=None, headers=None):
        """One plain, unsigned request; its status and body."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            link.request(method, path, body, headers or {})
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def kill(self):
        """Ends it at once, as a power cut does."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        if not self.process:
            self.start()
        return self

    def __exit__(self, *_):
        self.close()


class MinIO(Server):
    """One account and no other services than S3 (and STS for its own users)."""

    name = "minio"

    def __init__(self, folder=None, region=REGION):
        self.program = built("minio")
        super().__init__(folder)
        self.region = region
        self.credentials = {"AccessKeyId": "tidemill-" + os.urandom(4).hex(), "SecretAccessKey": os.urandom(16).hex()}

    def words(self):
        return [self.program, "server", "--quiet", "--address", f"127.0.0.1:{self.port}", os.path.join(self.folder, "data")]

    def settings(self):
        return {"MINIO_ROOT_USER": self.credentials["AccessKeyId"], "MINIO_ROOT_PASSWORD": self.credentials["SecretAccessKey"],
                "MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_SITE_REGION": self.region, "MINIO_CI_CD": "1"}

    def is_ready(self):
        try:
            # Its health page says 200 while it still answers calls with "not initialized". A call without a name is denied as soon as it looks at calls.
            return self.ask("GET", "/")[0] == 403
        except (OSError, http.client.HTTPException):
            return False


class Moto(Server):
    """S3, STS, IAM, Lambda, CloudFront, SNS and more, in memory. Checks no signatures; the access key tells the account:
    `account("210987654321")` gives credentials of another one, and the buckets made with them are that account's."""

    name = "moto"

    def __init__(self, folder=None, region=REGION, across=False):
        """across: one account may read another's buckets (moto's default); here they are denied."""
        super().__init__(folder)
        self.region = region
        self.across = across
        self.credentials = {"AccessKeyId": "testing", "SecretAccessKey": "testing"}

    def words(self):
        return [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    def settings(self):
        return {**self.environment(), "MOTO_PORT": str(self.port), "MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS": str(self.across).lower(),
                "MOTO_LAMBDA_DATA_DIR": os.path.join(self.folder, "lambda")}

    def is_ready(self):
        try:
            self.configure({"lambda": {"use_docker": False}})
            return True
        except (OSError, http.client.HTTPException):
            return False

    def configure(self, config):
        """moto's own settings (its documentation, "Configuration")."""
        status, told = self.ask("POST", "/moto-api/config", json.dumps(config), {"Content-Type": "application/json"})
        if status >= 300:
            raise RuntimeError(f"moto: {status} {told[:200]!r}")

    def account(self, account=ACCOUNT, role="podcast-automation", session="test", credentials=None, **more):
        """Credentials of a role in an account, by AssumeRole; moto asks for no role to be there."""
        answer = self.client("sts", credentials).assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName=session, **more)
        return answer["Credentials"]

    def lambda_answers(self, *answers, account=ACCOUNT, region=None):
        """What the next Invokes answer, in turn (text); after them, the request's own body. No code runs, and moto
        does not look whether the function is there: a missing one is a lie for lying_s3 (error, ResourceNotFoundException)."""
        status, told = self.ask("POST", "/moto-api/static/lambda-simple/response",
                                json.dumps({"results": list(answers), "account_id": account, "region": region or self.region}),
                                {"Content-Type": "application/json"})
        if status >= 300:
            raise RuntimeError(f"moto: {status} {told[:200]!r}")

    def reset(self):
        """Forgets all buckets, roles, functions."""
        self.ask("POST", "/moto-api/reset")
        self.configure({"lambda": {"use_docker": False}})


def minio(folder=None, **options):
    """MinIO, to be used in a `with`. Raises Unavailable where it cannot be built."""
    return MinIO(folder, **options)


def moto(folder=None, **options):
    """moto's server, to be used in a `with`."""
    return Moto(folder, **options)

"""The servers that are measured: tidemill's and moto's, each on a free port of the loopback address with a folder of its own."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(HERE)))
PYTHON = os.path.join(SOURCE, "tools", "python", "python")
S3_SIGNATURE = ("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, "
                "Signature=0000000000000000000000000000000000000000000000000000000000000000")


class Server:
    """A process that listens; `url` when it does. Closed with its folder."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tidemill-conformance-")
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8", errors="replace")
        self.process = None
        self.faults = ""  # what was wrong with its end

    def told(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as text:
            return text.read()[-4000:]

    def close(self):
        """Ends the process politely; its exit status, and what it said when that is not 0."""
        status = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                status = self.process.wait()
        if status:
            self.faults = f"ended with {status}: {self.told()}"
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Tidemill(Server):
    name = "tidemill"
    mocks = True

    def __init__(self, program, config=None, virtual=True, objects=(), more=(), unsigned=True, environment=None):
        super().__init__()
        self.program = program
        data = os.path.join(self.folder, "data")
        os.makedirs(data)
        for bucket, key, text in objects:
            path = os.path.join(data, "objects", bucket, key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        self.words = [program, "serve", "--listen", "127.0.0.1:0", "--data", data, *(["--allow-unsigned"] if unsigned else []), *more]
        if virtual:
            self.words.append("--virtual-time")
        if config is not None:
            path = os.path.join(self.folder, "MockConfigFile.json")
            with open(path, "w", encoding="utf-8") as out:
                json.dump(config, out, indent=1)
            self.words += ["--mock-config", path]
        self.environment = {**os.environ, "HOME": self.folder, **(environment or {})}
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env=self.environment)
        line = self.process.stdout.readline()
        while line and "listening on http://" not in line:
            line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError(f"{' '.join(self.words)} did not start:\n{self.told()}")
        self.url = line[line.index("http://"):].split()[0].rstrip("/")

    def kill(self):
        """Ends it at once, as a power cut does for the process."""
        self.process.kill()
        self.process.wait()

    @staticmethod
    def version(program):
        return subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip() or "tidemill"


class Moto(Server):
    name = "moto"
    mocks = False

    def __init__(self, objects=()):
        super().__init__()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen([PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env={**os.environ, "MOTO_PORT": str(port), "AWS_ACCESS_KEY_ID": "testing",
                                                                  "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"})
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.wait()
        # moto answers from a script unless it is told to run the machines.
        self.ask("POST", "/moto-api/config", json.dumps({"stepfunctions": {"execute_state_machine": True}}), {"Content-Type": "application/json"})
        for bucket, key, text in objects:
            self.ask("PUT", f"/{bucket}", "", {"Authorization": S3_SIGNATURE})
            self.ask("PUT", f"/{bucket}/{key}", text, {"Authorization": S3_SIGNATURE})

    def wait(self):
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.ask("GET", "/moto-api/config", None, {})
                return
            except OSError:
                time.sleep(0.1)  # the peer says nowhere when it is ready
        raise RuntimeError("moto did not start:\n" + self.told())

    def ask(self, method, path, body, headers):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            link.request(method, path, body, headers)
            answer = link.getresponse()
            text = answer.read()
            if answer.status >= 300:
                raise RuntimeError(f"moto: {method} {path}: {answer.status} {text[:200]!r}")
        finally:
            link.close()

    @staticmethod
    def version():
        return "moto " + subprocess.run([PYTHON, "-c", "import moto; print(moto.__version__)"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

"""What the tests of the whole pipeline share: a feed with real audio files, a server that can lie about it, a data directory, the program.

The audio is made by espeak-ng and ffmpeg; the model is a scripted one (scripted_model.py), so a transcription takes half a second and its text is known.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(HERE)))
BUILD = os.environ.get("BUILD_DIR", os.path.join(SOURCE, "build", "asan"))
TIDEMILL = os.environ.get("TIDEMILL", os.path.join(BUILD, "tidemill"))
FIXED = os.path.join(os.path.dirname(TIDEMILL), "tidemill_fixed")
CACHE = os.environ.get("TIDEMILL_CACHE", os.path.join(SOURCE, ".cache"))

CUES = [
    {"start": 0.0, "end": 1.0, "text": "Welcome to the harbour radio."},
    {"start": 1.0, "end": 1.8, "text": "The lighthouse keeper counted every ship."},
    {"start": 1.8, "end": 2.4, "text": "She rang the bell by hand."},
]


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            skip(f"{program} is not installed")


def command(*words, **options):
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, **options)


def make_audio(path, words="The tide goes out and the wheel turns in the morning.", arguments=(), repeat=1):
    """A spoken file in the form that the name's extension says."""
    wav = path + ".source.wav"
    command("espeak-ng", "-v", "en-us", "-w", wav, " ".join([words] * repeat))
    codec = {".mp3": ["-c:a", "libmp3lame", "-b:a", "48k"], ".m4a": ["-c:a", "aac", "-b:a", "48k"], ".ogg": ["-c:a", "libvorbis"],
             ".opus": ["-c:a", "libopus"], ".flac": ["-c:a", "flac"], ".wav": ["-c:a", "pcm_s16le"]}[os.path.splitext(path)[1]]
    command("ffmpeg", "-nostdin", "-y", "-i", wav, "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", *codec, *arguments, path)
    os.remove(wav)
    return path


def scripted_model(folder, cues=None, name="scripted.bin", **options):
    path = os.path.join(folder, name)
    words = [sys.executable, os.path.join(HERE, "scripted_model.py"), "--output", path, "--cues", json.dumps(cues or CUES)]
    for key, value in options.items():
        words += ["--" + key.replace("_", "-"), str(value)]
    command(*words)
    return path


def item(number, title, url, length=0, kind="audio/mpeg", date=None, extra="", guid=None):
    date = date or f"Fri, {number % 27 + 1:02d} Mar 2024 08:00:00 GMT"
    return (f"<item><title>{title}</title><guid isPermaLink=\"false\">{guid or 'guid-%d' % number}</guid><pubDate>{date}</pubDate>"
            f"<enclosure url=\"{url}\" length=\"{length}\" type=\"{kind}\"/>{extra}</item>")


def feed(title, items, extra=""):
    return ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" "
            "xmlns:podcast=\"https://podcastindex.org/namespace/1.0\">"
            f"<channel><title>{title}</title><link>http://example.org/</link><language>en</language><description>About {title}.</description>"
            f"<itunes:author>A. Author</itunes:author>{extra}{''.join(items)}</channel></rss>")


class Server:
    """feed_server.py over a folder."""

    def __init__(self, root):
        self.root = root
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "feed_server.py"), "--root", root],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, value=None):
        body = json.dumps(value).encode() if value is not None else None
        request = urllib.request.Request(self.url + path, data=body, method=method)
        with urllib.request.urlopen(request) as answer:
            text = answer.read().decode()
        return json.loads(text) if text.strip() else None

    def rules(self, rules):
        self.ask("POST", "/control", rules)

    def log(self):
        return self.ask("GET", "/control/log")

    def clear_log(self):
        self.ask("DELETE", "/control/log")

    def write(self, name, text):
        path = os.path.join(self.root, name)
        with open(path, "wb") as out:
            out.write(text.encode() if isinstance(text, str) else text)
        return f"{self.url}/{name}"

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Data:
    """A data directory and the program over it."""

    def __init__(self, folder, program=None, environment=None):
        self.folder = folder
        self.program = program or TIDEMILL
        self.environment = {**os.environ, "HOME": folder, "XDG_DATA_HOME": "", **(environment or {})}
        for name in ("SITE_ID", "LOG_LEVEL", "OPENAI_API_KEY", "WHISPER_API_PROVIDER", "WHISPER_CPP_MODEL"):
            self.environment.pop(name, None)
        self.model = "tiny.en"
        os.makedirs(folder, exist_ok=True)

    @property
    def RUN(self):
        return ("podcast", "run", "--allow-private-addresses", "--model", self.model, "--progress", "off")

    def start(self, *words, environment=None, program=None):
        return subprocess.Popen([program or self.program, *words, "--data", self.folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env={**self.environment, **(environment or {})}, cwd=self.folder)

    def call(self, *words, expect=0, environment=None, program=None):
        process = self.start(*words, environment=environment, program=program)
        out, err = process.communicate(timeout=600)
        if expect is not None:
            assert process.returncode == expect, f"{words}: exit {process.returncode}, expected {expect}\n{out}\n{err}"
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def json(self, *words, expect=0, **options):
        result = self.call(*words, "--json", expect=expect, **options)
        return json.loads(result.stdout)

    def install_model(self, path, name="tiny.en"):
        """Copies a scripted model into the data directory, on the user's word."""
        self.call("model", "get", name, "--from", path, "--unverified")
        self.model = name

    def copy(self, folder):
        """The same data directory at another place."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        data = Data(folder, program=self.program)
        data.model = self.model
        return data

    def install_vad(self):
        path = os.path.join(CACHE, "models", "ggml-silero-v6.2.0.bin")
        if os.path.exists(path):
            self.call("model", "get", "silero-v6.2.0", "--from", path)
        return os.path.exists(path)

    def run(self, *more, expect=0, **options):
        return self.json(*self.RUN, *more, expect=expect, **options)

    def add(self, url, *more, expect=0):
        return self.call("podcast", "add", url, "--allow-private-addresses", *more, expect=expect)

    def site_files(self, site):
        return os.path.join(self.folder, "objects", "sites", site)

    def tree(self):
        """Every file of every site with the hash of its bytes."""
        found = {}
        root = os.path.join(self.folder, "objects")
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as data:
                    found[os.path.relpath(path, root)] = hashlib.sha256(data.read()).hexdigest()
        return found

    def manifest(self, site):
        with open(os.path.join(self.site_files(site), "episode-manifest", "full-episode-manifest.json"), encoding="utf-8") as data:
            return json.load(data)


def site_of(report, site):
    return next(row for row in report["sites"] if row["siteId"] == site)


def errors(report):
    return [line for row in report["sites"] for line in row["errors"]]


class Scratch:
    """A folder of the test's own."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="tidemill-test-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def run_tests(module):
    """Runs every test_* function of a module; prints one line each and the count."""
    failed = ran = 0
    tests = [(name, value) for name, value in vars(module).items() if name.startswith("test_") and callable(value)]
    only = sys.argv[1:]
    for name, test in tests:
        if only and name not in only:
            continue
        ran += 1
        try:
            test()
            print(f"ok      {name}", flush=True)
        except Exception as fault:  # every failure is reported, whatever it is
            failed += 1
            import traceback
            traceback.print_exc()
            print(f"FAILED  {name}: {fault}", flush=True)
    print(f"{ran - failed} passed, {failed} failed")
    sys.exit(1 if failed or not ran else 0)

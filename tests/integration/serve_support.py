"""A small data folder and a running server for the tests of `tidemill serve`."""
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

BUILD = os.environ.get("BUILD_DIR", "build/asan")

HOSTILE = '<img src=x onerror="alert(1)">'


def site_config(site_id, **changes):
    config = {
        "id": site_id,
        "domain": f"{site_id}.example.org",
        "appHeader": {
            "primaryTitle": "Example Cast",
            "includeTitlePrefix": False,
            "taglinePrimaryPodcastName": "Example Cast",
            "taglinePrimaryPodcastExternalURL": "https://example.org/show",
            "taglineSuffix": "archives",
            "extraHeightForLongTitle": False,
            "includeAIUseDisclosure": True,
        },
        "socialAndMetadata": {
            "pageTitle": "Search Example Cast",
            "canonicalUrl": "https://examplecast.example.org",
            "openGraphImagePath": "./assets/social-cards/open-graph-card-1200x630.jpg",
            "metaDescription": "Every word of Example Cast",
            "metaTitle": "Search Example Cast",
        },
        "includedPodcasts": [
            {
                "id": "example-cast",
                "rssFeedFile": "example-cast.xml",
                "title": "Example Cast",
                "status": "active",
                "url": "https://example.org/feed.xml",
            }
        ],
        "whisperTranscriptionPrompt": "Hi, this is Example Cast with A and B.",
        "themeColor": "#734ee4",
        "themeColorDark": "#2f6a9e",
        "searchPlaceholderOptions": ["hello there"],
    }
    config.update(changes)
    return config


def episode(number, title, **changes):
    day = f"2024-01-{number:02d}"
    row = {
        "sequentialId": number,
        "podcastId": "example-cast",
        "title": title,
        "fileKey": f"{day}_Episode_{number}--17000000000{number:02d}",
        "originalAudioURL": f"https://cdn.example.org/{number}.mp3",
        "summary": f"<p>About <b>episode</b> {number} &amp; more</p>",
        "durationInSeconds": 30,
        "publishedAt": f"{day}T08:00:00.000Z",
        "downloadedAt": "2024-02-01T00:00:00.000Z",
        "hasCompletedLLMAnnotations": False,
        "llmAnnotations": {},
    }
    row.update(changes)
    return row


def clock(ms):
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


def srt(lines):
    """Cues of five seconds each."""
    return "".join(
        f"{i + 1}\n{clock(i * 5000)} --> {clock(i * 5000 + 4800)}\n{text}\n\n" for i, text in enumerate(lines)
    )


def wav(seconds):
    frames = b"".join(struct.pack("<h", (i * 37) % 2000 - 1000) for i in range(8000 * seconds))
    head = b"RIFF" + struct.pack("<I", 36 + len(frames)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    return head + b"data" + struct.pack("<I", len(frames)) + frames


def write(path, data):
    """Whole or absent, as the program itself writes."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.replace(path + ".new", path)


class Data:
    """DATA/sites/my-sites/{id} and DATA/objects/sites/{id}."""

    def __init__(self, root):
        self.root = root

    def folder(self, site_id, *parts):
        return os.path.join(self.root, "sites/my-sites", site_id, *parts)

    def files(self, site_id, *parts):
        return os.path.join(self.root, "objects/sites", site_id, *parts)

    def site(self, config, rows, transcripts, audio=None):
        site_id = config["id"]
        write(self.folder(site_id, "site.config.json"), json.dumps(config, indent=2))
        self.manifest(site_id, rows)
        for row in rows:
            number = row["sequentialId"]
            if number in transcripts:
                write(self.files(site_id, "transcripts", row["podcastId"], row["fileKey"] + ".srt"), srt(transcripts[number]))
            if audio is not None:
                name = row.get("audioFile", row["fileKey"] + ".mp3")
                write(self.files(site_id, "audio", row["podcastId"], name), audio)

    def manifest(self, site_id, rows, updated="2024-02-02T00:00:00.000Z"):
        value = {"lastUpdated": updated, "episodes": rows}
        write(self.files(site_id, "episode-manifest/full-episode-manifest.json"), json.dumps(value, indent=2))

    def index(self):
        subprocess.run([os.path.join(BUILD, "index_fixture"), self.root], check=True, stdout=subprocess.DEVNULL)


class Server:
    """The real server over a data folder, on a free port of the loopback address."""

    def __init__(self, data, *more, listen="127.0.0.1:0"):
        self.log = tempfile.TemporaryFile("w+")  # a pipe that nobody reads would block the server once it is full
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "serve_fixture"), data.root, listen, *[str(one) for one in more]],
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line.startswith("listening on http://"):
            sys.exit("the server did not start: " + line + self.told())
        self.url = line.split()[-1]
        host, port = self.url[len("http://") :].rsplit(":", 1)
        self.host, self.port = host.strip("[]"), int(port)

    def ask(self, method, path, body=None, headers=None):
        """Status, headers (names in lower case), body."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        given = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            given.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data

    def get(self, path, **headers):
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def raw(self, data, timeout=60):
        """What comes back for these bytes until the server closes."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as link:
            link.sendall(data)
            got = b""
            while part := link.recv(65536):
                got += part
            return got

    def told(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ends it politely; its log."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        log = self.told()
        if self.process.returncode != 0:
            sys.exit(f"the server ended with {self.process.returncode}:\n{log}")
        return log


def example(root):
    """Two sites: a plain one, and one whose texts are hostile."""
    data = Data(root)
    rows = [episode(1, "The first one"), episode(2, "Second, with Zoë", audioFile="2024-01-02_Episode_2--1700000000002.wav")]
    data.site(
        site_config("examplecast"),
        rows,
        {
            1: ["Hello there and welcome to the show.", "Today we talk about elephants.", "Elephants never forget a face."],
            2: ["This is the second episode.", "A zebra walks into a bar & orders <b>tea</b>."],
        },
        wav(4),
    )
    write(data.folder("examplecast", "assets/social-cards/open-graph-card-1200x630.jpg"), b"\xff\xd8\xff\xe0 not a real picture")
    write(data.folder("examplecast", "assets/favicon.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>")
    write(data.folder("examplecast", "index.css"), ":root{--primary:#734ee4}")
    write(data.folder("examplecast", ".env.aws-sso"), "AWS_PROFILE=secret-profile")
    hostile = site_config("hostile", domain="hostile.example.net", trackingScript=TRACKING)
    hostile["appHeader"]["primaryTitle"] = "H " + HOSTILE
    data.site(
        hostile,
        [episode(1, "</title><script>alert(1)</script>", summary='"><script>alert(2)</script> & so on')],
        {1: [HOSTILE + " elephants </script><script>alert(3)</script>"]},
        wav(1),
    )
    data.index()
    return data


TRACKING = '<script data-goatcounter="https://stats.example.com/count" async src="//cdn.example.com/count.js"></script>'


def run(tests):
    """Calls each test with nothing; all of them run, the exit status says whether all went well."""
    failed = 0
    for test in tests:
        try:
            test()
            print("ok  ", test.__name__)
        except Exception:  # noqa: BLE001 - the next test is to run too
            import traceback

            traceback.print_exc()
            print("FAIL", test.__name__)
            failed += 1
    sys.exit(1 if failed else 0)


def temporary():
    return tempfile.TemporaryDirectory(prefix="tidemill-serve-")

#!/usr/bin/env python3
"""The server while a run changes everything under it: new episodes, replaced files, new and broken sites, and how it ends."""
import json
import os
import shutil
import signal
import socket
import subprocess
import threading

from serve_support import BUILD, Data, Server, episode, example, run, site_config, srt, temporary, wav, write

SITE = "/sites/examplecast/"
MANIFEST = SITE + "episode-manifest/full-episode-manifest.json"
KEY1 = "2024-01-01_Episode_1--1700000000001"


class World:
    """A data folder of its own with a server."""

    def __enter__(self):
        self.folder = temporary()
        self.data = example(self.folder.name)
        self.server = Server(self.data)
        return self.data, self.server

    def __exit__(self, *_):
        self.server.stop()
        self.folder.cleanup()


def until(look):
    """Asks again until it is so; the server looks for new sites once a second."""
    for _ in range(20000):
        if (answer := look()) is not None:
            return answer
    raise AssertionError("it never came")


def found(server, query):
    return json.loads(server.ask("POST", SITE + "api/search", {"query": query})[2])


def test_a_new_episode_is_served_at_once():
    with World() as (data, server):
        first = server.get(MANIFEST)
        assert found(server, "giraffe")["totalHits"] == 0
        rows = json.loads(first[2])["episodes"] + [episode(3, "The third")]
        write(data.files("examplecast", "transcripts/example-cast", rows[2]["fileKey"] + ".srt"), srt(["A giraffe speaks."]))
        data.manifest("examplecast", rows)
        data.index()
        second = server.get(MANIFEST, If_None_Match=first[1]["etag"])
        assert second[0] == 200 and len(json.loads(second[2])["episodes"]) == 3
        hits = found(server, "giraffe")["hits"]
        assert [hit["sequentialEpisodeIdAsString"] for hit in hits] == ["3"]
        assert server.get(SITE + "episode/3")[0] == 200


def test_replaced_audio_never_mixes():
    """Someone who began on the old file reads the old file; a range of the old one is not continued with the new."""
    with World() as (data, server):
        path = data.files("examplecast", "audio/example-cast", KEY1 + ".mp3")
        old, new = b"o" * 30_000_000, b"n" * 20_000_000
        write(path, old)
        address = SITE + f"audio/example-cast/{KEY1}.mp3"
        etag = server.get(address, Range="bytes=0-0")[1]["etag"]
        with socket.create_connection((server.host, server.port), timeout=60) as link:
            link.sendall(f"GET {address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            got = link.recv(1000)
            write(path, new)
            while part := link.recv(1 << 20):
                got += part
        assert got.split(b"\r\n\r\n", 1)[1] == old
        status, _, body = server.get(address, Range="bytes=1000-1999", If_Range=etag)
        assert status == 200 and body == new


def test_sites_come_and_go():
    with World() as (data, server):
        data.site(site_config("newcomer"), [episode(1, "Hello")], {1: ["A new site speaks."]}, wav(1))
        data.index()
        until(lambda: True if server.get("/sites/newcomer/")[0] == 200 else None)
        assert json.loads(server.ask("POST", "/api/search", {"query": "new site"})[2])["hits"][0]["siteId"] == "newcomer"
        config = site_config("newcomer")
        config["socialAndMetadata"]["pageTitle"] = "Renamed"
        write(data.folder("newcomer", "site.config.json"), json.dumps(config))
        until(lambda: True if b"<title>Renamed</title>" in server.get("/sites/newcomer/")[2] else None)
        shutil.rmtree(data.folder("newcomer"))
        until(lambda: True if server.get("/sites/newcomer/")[0] == 404 else None)


def test_a_broken_site_stops_no_other():
    with World() as (data, server):
        write(data.folder("hostile", "site.config.json"), "{ not json")
        answer = until(lambda: (lambda status, _, body: body if status == 503 else None)(*server.get("/healthz")))
        rows = {row["id"]: row for row in json.loads(answer)["sites"]}
        assert rows["hostile"]["config"] and rows["examplecast"]["index"] == "ok"
        assert server.get(SITE)[0] == 200 and found(server, "elephants")["totalHits"] == 1
        assert server.get("/sites/hostile/")[0] == 404
        assert "site hostile is not served" in server.told()


def test_damage_is_told_and_not_served():
    with World() as (data, server):
        index = data.files("hostile", "search-index/passages.sqlite")
        write(index, b"this is no database" * 1000)
        status, _, body = server.get("/healthz")
        rows = {row["id"]: row for row in json.loads(body)["sites"]}
        assert status == 503 and rows["hostile"]["index"] not in ("ok", "absent") and rows["examplecast"]["index"] == "ok"
        status, headers, body = server.ask("POST", "/sites/hostile/api/search", {"query": "elephants"})
        assert status == 500 and "error" in json.loads(body) and data.root.encode() not in body
        assert found(server, "elephants")["totalHits"] == 1
        write(data.files("hostile", "episode-manifest/full-episode-manifest.json"), '{"episodes": [')
        assert server.get("/sites/hostile/site.json")[0] == 500
        assert json.loads(server.get("/api/sites")[2])["sites"][1]["episodeCount"] is None
        assert server.get(SITE + "site.json")[0] == 200
        data.manifest("hostile", [episode(1, "Back")])
        os.remove(index)
        data.index()
        assert server.get("/healthz")[0] == 200


def test_a_site_before_its_first_run():
    with World() as (data, server):
        write(data.folder("empty", "site.config.json"), json.dumps(site_config("empty")))
        until(lambda: True if server.get("/sites/empty/")[0] == 200 else None)
        assert json.loads(server.get("/sites/empty/site.json")[2])["episodeCount"] == 0
        assert json.loads(server.ask("POST", "/sites/empty/api/search", {"query": "anything"})[2])["totalHits"] == 0
        assert server.get("/healthz")[0] == 200
        assert server.get("/sites/empty/audio/example-cast/x.mp3")[0] == 404


def test_private_addresses_are_not_given_out():
    with World() as (data, server):
        config = site_config("examplecast")
        config["includedPodcasts"][0]["url"] = "https://feeds.example.org/show.xml?token=verysecrettoken"
        rows = [episode(1, "Paid", originalAudioURL="https://cdn.example.org/1.mp3?token=verysecrettoken")]
        data.site(config, rows, {1: ["Words."]}, wav(1))
        until(lambda: True if b"verysecrettoken" not in server.get(MANIFEST)[2] else None)
        for path in (SITE, SITE + "site.json", SITE + "feed.xml", SITE + "episode/1", "/api/sites", "/healthz", "/metrics"):
            assert b"verysecrettoken" not in server.get(path)[2], path


def test_links_lead_nowhere():
    """A link in a site's files or assets does not open what lies outside."""
    with World() as (data, server), temporary() as outside:
        write(os.path.join(outside, "secret.png"), b"secret")
        os.symlink(os.path.join(outside, "secret.png"), data.folder("examplecast", "assets/leak.png"))
        path = data.files("examplecast", "audio/example-cast", KEY1 + ".mp3")
        os.remove(path)
        os.symlink(os.path.join(outside, "secret.png"), path)
        for address in (SITE + "assets/leak.png", SITE + f"audio/example-cast/{KEY1}.mp3"):
            status, _, body = server.get(address)
            assert status in (404, 500) and b"secret" not in body, address


def test_parallel_requests_while_everything_is_replaced():
    with World() as (data, server):
        rows = json.loads(server.get(MANIFEST)[2])["episodes"]
        stop, wrong = threading.Event(), []

        def ask():
            while not stop.is_set():
                for method, path, body in (("POST", "/api/search", {"query": "elephants"}), ("GET", MANIFEST, None), ("GET", SITE + "feed.xml", None),
                                           ("GET", SITE + "episode/1?start=0", None), ("GET", "/api/sites", None), ("GET", "/healthz", None)):
                    status = server.ask(method, path, body)[0]
                    if status != 200:
                        wrong.append((status, path))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for round_ in range(12):
            data.manifest("examplecast", rows, f"2024-03-{round_ + 1:02d}T00:00:00.000Z")
            write(data.files("examplecast", "transcripts/example-cast", KEY1 + ".srt"), srt(["Elephants, elephants."] * (round_ + 1)))
            config = site_config("hostile")
            config["socialAndMetadata"]["pageTitle"] = f"Round {round_}"
            write(data.folder("hostile", "site.config.json"), json.dumps(config))
            data.index()
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[:5]


def test_a_polite_end_lets_requests_finish():
    with temporary() as folder:
        data = example(folder)
        server = Server(data)
        big = os.urandom(1 << 20) * 24
        write(data.files("examplecast", "audio/example-cast", KEY1 + ".mp3"), big)
        idle = socket.create_connection((server.host, server.port), timeout=60)
        link = socket.create_connection((server.host, server.port), timeout=60)
        link.sendall(f"GET {SITE}audio/example-cast/{KEY1}.mp3 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        got = link.recv(1000)
        server.process.send_signal(signal.SIGTERM)
        refused = False
        while not refused:
            try:
                socket.create_connection((server.host, server.port), timeout=60).close()
            except ConnectionError:
                refused = True
            got += link.recv(1 << 16)
        while part := link.recv(1 << 20):
            got += part
        assert got.split(b"\r\n\r\n", 1)[1] == big
        assert idle.recv(1) == b""
        server.process.communicate(timeout=60)
        assert server.process.returncode == 0


def test_addresses_it_cannot_have():
    with temporary() as folder:
        data = Data(folder)
        os.makedirs(os.path.join(folder, "sites/my-sites"))
        server = Server(data)
        taken = f"127.0.0.1:{server.port}"
        for listen, code, words in ((taken, 3, "another program"), ("nonsense", 3, "HOST:PORT"), ("127.0.0.1:99999", 3, "HOST:PORT"), ("1:2:3", 3, "HOST:PORT"),
                                    ("no.such.host.invalid:0", 3, "cannot listen")):
            done = subprocess.run([os.path.join(BUILD, "serve_fixture"), folder, listen], capture_output=True, text=True, timeout=60)
            assert done.returncode == code and words in done.stderr, (listen, done.stderr)
        assert server.get("/")[0] == 200 and json.loads(server.get("/api/sites")[2]) == {"sites": []}
        assert "no sites in " + folder in server.stop()


def test_ipv6():
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        print("     no IPv6 here, left out")
        return
    with temporary() as folder:
        data = example(folder)
        server = Server(data, listen="[::1]:0")
        status, _, body = server.get(SITE)
        assert status == 200 and f"http://[::1]:{server.port}{SITE}".encode() in body
        server.stop()
        server = Server(data, listen="*:0")
        assert server.url == f"http://localhost:{server.port}"
        for server.host in ("127.0.0.1", "::1"):
            assert server.get("/healthz")[0] == 200, server.host
        server.stop()


run([value for name, value in sorted(globals().items()) if name.startswith("test_")])

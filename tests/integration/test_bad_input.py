#!/usr/bin/env python3
"""Bad input: each kind gets a clear line and costs nothing else. One good episode (or site) beside it always comes through."""

import contextlib
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

LAUGHS = ("<?xml version=\"1.0\"?><!DOCTYPE rss [<!ENTITY a \"ha\">" +
          "".join(f"<!ENTITY {chr(98 + i)} \"{'&%s;' % chr(97 + i) * 10}\">" for i in range(9)) +
          "]><rss version=\"2.0\"><channel><title>&j;</title></channel></rss>")


@contextlib.contextmanager
def world():
    with p.Scratch() as folder:
        root = os.path.join(folder, "web")
        os.mkdir(root)
        server = p.Server(root)
        p.make_audio(os.path.join(root, "good.mp3"))
        data = p.Data(os.path.join(folder, "data"))
        data.model = p.scripted_model(folder)
        try:
            yield data, server
        finally:
            server.close()


def good_item(server, number=1):
    return p.item(number, "The good one", server.url + "/good.mp3", guid="good")


def add_site(data, server, name, items):
    server.write(f"{name}.xml", p.feed(name.title(), items))
    data.add(f"{server.url}/{name}.xml")


def test_feeds_that_are_none():
    with world() as (data, server):
        add_site(data, server, "good", [good_item(server)])
        add_site(data, server, "bad", [good_item(server)])
        cases = {
            "a web page": ({"body": "<!DOCTYPE html><html><body>Sign in</body></html>", "type": "text/html"}, "web page"),
            "nothing": ({"body": "", "type": "application/rss+xml"}, "empty"),
            "JSON": ({"body": "{\"error\": 1}", "type": "application/json"}, "JSON"),
            "200 MB": ({"size": 200 << 20, "prefix": "<rss version=\"2.0\"><channel><title>", "type": "application/rss+xml"}, "at most 67108864"),
            "laughs": ({"body": LAUGHS, "type": "application/rss+xml"}, None),
            "500": ({"status": 500}, "500"),
        }
        config = os.path.join(data.folder, "quick.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write("fetch:\n  attempts: 1\n")
        for name, (rule, words) in cases.items():
            server.rules({"/bad.xml": rule})
            report = data.run("--config", config, expect=0 if words is None else 1)
            good, bad = p.site_of(report, "good"), p.site_of(report, "bad")
            assert not good["errors"], (name, good)
            print(f"  {name}: {bad['errors'] or 'taken as a feed without items'}")
            assert words is not None or not bad["errors"], (name, bad)
            if words is not None:
                assert len(bad["errors"]) == 1 and words in bad["errors"][0] and "feed" in bad["errors"][0], (name, bad)
        assert data.manifest("good")["episodes"]


def test_audio_that_is_none():
    with world() as (data, server):
        video = os.path.join(server.root, "video.mp4")
        p.command("ffmpeg", "-nostdin", "-y", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=2", "-i",
                  os.path.join(server.root, "good.mp3"), "-shortest", "-c:v", "mpeg4", "-c:a", "aac", video)
        mp4 = p.make_audio(os.path.join(server.root, "whole.m4a"), repeat=10)
        with open(mp4, "rb") as whole:
            server.write("cut.m4a", whole.read()[:20000])
        server.rules({
            "/page.mp3": {"body": "<html><body>Not found, sorry</body></html>", "type": "text/html"},
            "/zero.mp3": {"body": "", "type": "audio/mpeg"},
            "/noise.mp3": {"size": 60000, "type": "audio/mpeg"},
            "/long.mp3": {"file": "good.mp3", "length": "long"},
            "/gone.mp3": {"status": 404},
            "/private.mp3": {"redirect": "file:///etc/passwd"},
        })
        names = ["page.mp3", "zero.mp3", "noise.mp3", "cut.m4a", "long.mp3", "gone.mp3", "private.mp3", "video.mp4"]
        items = [p.item(number, f"Bad {name}", f"{server.url}/{name}", guid=name) for number, name in enumerate(names, 2)]
        add_site(data, server, "show", [good_item(server), *items])
        config = os.path.join(data.folder, "quick.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write("fetch:\n  attempts: 1\n")
        report = data.run("--config", config, expect=1)
        row = p.site_of(report, "show")
        lines = "\n".join(row["errors"])
        for name in names[:-1]:
            about = [line for line in row["errors"] if f"Bad {name}" in line]
            assert len(about) == 1, (name, lines)
        assert row["newAudioFilesDownloaded"] == 2, row  # the good one and the video's sound
        assert row["newEpisodesTranscribed"] == 2, row
        assert "web page" in lines and "0 bytes" in lines and "404" in lines, lines
        assert any("video" in line for line in row["warnings"]), row["warnings"]
        left = [name for name in data.tree() if "/audio/" in name]
        assert len(left) == 2, left


def test_titles_that_bite():
    with world() as (data, server):
        titles = ["x" * 10000, "../../../../etc/passwd", "a/../b", "bell &#7; and\ttab", "\u202egnp.live\u202c", "1984", "true", "日本語のタイトル",
                  "&lt;img src=x onerror=alert(1)&gt;", "", "same title", "same title"]
        items = [p.item(number, title, f"{server.url}/good.mp3?{number}", guid=f"t{number}") for number, title in enumerate(titles, 1)]
        add_site(data, server, "show", items)
        report = data.run("--jobs", "2")
        assert not p.errors(report), report
        rows = data.manifest("show")["episodes"]
        assert len(rows) == len(titles), [row["title"][:40] for row in rows]
        assert len({row["fileKey"] for row in rows}) == len(titles)
        assert p.site_of(report, "show")["newEpisodesTranscribed"] == len(titles)
        outside = [name for name in data.tree() if not name.startswith("sites/show/")]
        assert not outside and not os.path.exists(os.path.join(data.folder, "etc")), outside
        text = data.call("podcast", "search", "lighthouse", "--limit", "50").stdout
        assert "\x07" not in text and "\u202e" not in text, "a title steers the terminal"


def test_two_episodes_of_a_day_with_the_same_first_fifty_characters():
    with world() as (data, server):
        long = "The very long story of the lighthouse on the northern point, Part "
        items = [p.item(1, long + part, f"{server.url}/good.mp3?{part}", date="Fri, 01 Mar 2024 08:00:00 GMT", guid=f"p{part}") for part in "12"]
        add_site(data, server, "show", items)
        report = data.run()
        assert p.site_of(report, "show")["newEpisodesTranscribed"] == 2, report
        assert data.run()["nothingNew"]


def test_a_site_configuration_with_a_wrong_type_names_file_line_and_field():
    with world() as (data, server):
        add_site(data, server, "good", [good_item(server)])
        add_site(data, server, "bad", [good_item(server)])
        path = os.path.join(data.folder, "sites", "my-sites", "bad", "site.config.json")
        with open(path, encoding="utf-8") as source:
            value = json.load(source)
        value["appHeader"]["primaryTitle"] = 7
        with open(path, "w", encoding="utf-8") as out:
            json.dump(value, out, indent=2)
        with open(path, encoding="utf-8") as source:
            line = next(number for number, text in enumerate(source, 1) if "primaryTitle" in text)
        result = data.call(*data.RUN, expect=1)
        assert f"site.config.json:{line}: appHeader.primaryTitle" in result.stderr, result.stderr
        assert data.manifest("good")["episodes"], "the good site was not run"
        checked = data.call("podcast", "check", expect=1)
        assert f"site.config.json:{line}" in checked.stdout + checked.stderr


def test_a_damaged_model_is_refused_before_it_is_loaded():
    with world() as (data, server):
        add_site(data, server, "show", [good_item(server)])
        cut = p.scripted_model(data.folder, name="cut.bin")
        with open(cut, "rb") as whole:
            text = whole.read()
        with open(cut, "wb") as out:
            out.write(text[:len(text) // 2])
        data.install_model(p.scripted_model(data.folder))
        refused = data.call("model", "get", "tiny.en", "--from", cut, "--unverified", expect=None)
        assert refused.returncode != 0 and "model" in refused.stderr, refused
        # One that was damaged where it lies: the run says so and the rest of it is done.
        path = os.path.join(data.folder, "models", "ggml-tiny.en.bin")
        with open(path, "r+b") as model:
            model.truncate(os.path.getsize(path) // 2)
        report = data.run(expect=1)
        row = p.site_of(report, "show")
        assert row["newAudioFilesDownloaded"] == 1 and row["newEpisodesTranscribed"] == 0, row
        assert "model" in row["errors"][0], row


def test_a_model_that_is_not_there_names_the_command():
    with world() as (data, server):
        add_site(data, server, "show", [good_item(server)])
        report = data.run("--model", "base", expect=1)
        assert "tidemill model get base" in p.errors(report)[0], report


def test_private_addresses_are_refused_unless_allowed():
    with world() as (data, server):
        add_site(data, server, "show", [good_item(server)])
        words = [word for word in data.RUN if word != "--allow-private-addresses"]
        report = data.json(*words, expect=1)
        assert "address" in p.errors(report)[0], report


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

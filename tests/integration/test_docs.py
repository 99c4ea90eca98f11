#!/usr/bin/env python3
"""Every example in the documents runs, every flag and setting that they name is there, every link leads somewhere."""

import glob
import json
import os
import re
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import pipeline as p  # noqa: E402

PAGES = [os.path.join(p.SOURCE, name) for name in ("README.md", "CONTRIBUTING.md")] + sorted(glob.glob(os.path.join(p.SOURCE, "docs", "**", "*.md"), recursive=True))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.S | re.M)
INLINE = re.compile(r"`(tidemill [^`]+)`")


def read(path):
    with open(path, encoding="utf-8") as page:
        return page.read()


def commands(text):
    """The tidemill commands of a page, in order: lines of plain fences, then those in running text."""
    for kind, body in FENCE.findall(text):
        if kind in ("", "sh"):
            for line in body.splitlines():
                line = line.split("  #")[0].strip()
                if line.startswith("tidemill "):
                    yield line
    for found in INLINE.findall(text):
        yield found


def help_of(data, words):
    """The help of the command that `words` name, and how many of them name it."""
    for count in (2, 1):
        if len(words) >= count:
            result = data.call(*words[:count], "--help", expect=None)
            if result.returncode == 0:
                return result.stdout
    return None


def test_commands_and_flags_in_the_documents_are_there():
    checked = 0
    with p.Scratch() as folder:
        data = p.Data(folder)
        everything = data.call("manual").stdout.replace("\\-", "-")
        for page in PAGES:
            for line in commands(read(page)):
                for piece in re.split(r"\s(?:\||>|&&)\s", line):
                    words = shlex.split(piece)
                    if words[0] != "tidemill" or len(words) < 2 or words[1].isupper() or words[1] in ("--help", "--version"):
                        continue
                    text = help_of(data, [word for word in words[1:] if not word.startswith("-")])
                    assert text, f"{page}: no such command: {piece}"
                    for flag in re.findall(r"(?<![\w-])--[a-z][a-z-]*", piece):
                        assert flag in text or flag.replace("--no-", "--[no-]") in text or flag == "--help", f"{page}: {piece}: {flag} is no flag of it"
                    checked += 1
            for flag in re.findall(r"`(--[a-z][a-z-]*)", read(page)):
                known = everything + " --help --version "
                assert flag in known or flag.replace("--no-", "--") in known or page.endswith(("CONTRIBUTING.md", "stores.md")) or flag in ("--lint", "--endpoint-url"), f"{page}: {flag} is no flag"
    assert checked > 10, checked


def test_settings_in_the_documents_are_there():
    with p.Scratch() as folder:
        data = p.Data(folder)
        names = {row["name"] for row in data.json("config")}
        rooms = {name.split(".")[0] for name in names if "." in name}
        tasks = set(re.findall(r'"(podcast\.[a-z]+)"', read(os.path.join(p.SOURCE, "src", "podcast", "tasks.c"))))
        assert tasks
        for page in PAGES:
            for name in re.findall(r"`([a-z]+\.[a-z][a-z-]+)`", read(page)):
                if name in tasks:
                    continue
                if name.split(".")[0] in rooms and not name.endswith((".json", ".h", ".c", ".xml", ".sh", ".py", ".db", ".md")):
                    assert name in names, f"{page}: {name} is no setting"


def test_yaml_and_json_examples_are_read():
    count = 0
    with p.Scratch() as folder:
        data = p.Data(folder)
        for page in PAGES:
            for kind, body in FENCE.findall(read(page)):
                if kind == "json":
                    json.loads(body)
                    count += 1
                elif kind == "yaml":
                    path = os.path.join(folder, "example.yaml")
                    with open(path, "w", encoding="utf-8") as out:
                        out.write(body)
                    rows = data.json("config", "--config", path)
                    assert any("example.yaml" in row["from"] for row in rows), page
                    count += 1
    assert count >= 2, count


def test_links_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)", read(page)):
            if not target.startswith("http"):
                assert os.path.exists(os.path.join(os.path.dirname(page), target)), f"{page}: {target}"


def test_the_readme_names_every_command():
    with p.Scratch() as folder:
        listed = p.Data(folder).call("--help").stdout
    readme = read(PAGES[0])
    for line in re.findall(r"^  ([a-z]+(?: [a-z]+)?)[A-Z\[ ]", listed, re.M):
        noun, _, verb = line.strip().partition(" ")
        if noun != "version":
            assert re.search(rf"`{noun}[^|]*{verb}", readme), f"README does not name {line}"


def test_the_readmes_own_commands_run():
    block = next(body for kind, body in FENCE.findall(read(PAGES[0])) if "tidemill podcast add" in body)
    ran = []
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        p.make_audio(os.path.join(server.root, "one.mp3"))
        server.write("feed.xml", p.feed("Harbour Radio", [p.item(1, "One", server.url + "/one.mp3")]))
        data = p.Data(os.path.join(folder, "data"))
        model = p.scripted_model(folder)
        with open(os.path.join(data.folder, "tidemill.yaml"), "w", encoding="utf-8") as out:
            out.write("fetch:\n  allow-private: true\n")
        for line in block.splitlines():
            words = shlex.split(line.split("  #")[0])
            if not words or words[0] != "tidemill":
                continue
            words = [word.replace("https://example.org", server.url) for word in words[1:]]
            if words[:2] == ["model", "get"]:
                words += ["--from", model, "--unverified"]
            if words[0] == "serve":
                words[words.index("--listen") + 1] = "127.0.0.1:0"
                process = data.start(*words)
                assert process.stdout.readline().startswith("listening on http://127.0.0.1:")
                process.terminate()
                process.communicate()
                assert process.returncode == 0
            else:
                data.call(*words)
            ran.append(words[:2])
        server.close()
    assert ["podcast", "run"] in ran and ["podcast", "search"] in ran and len(ran) >= 5, ran


if __name__ == "__main__":
    p.need("espeak-ng", "ffmpeg")
    p.run_tests(sys.modules[__name__])

#!/usr/bin/env python3
"""`tidemill podcast run` with nothing new over 20 sites of 1,000 episodes, start-up, and the idle server's memory.

    bench_nothing_new.py BUILD_FOLDER [SITES] [EPISODES]

The feeds come from a server on the loopback address that answers 304, so the network costs next to nothing. There is no peer that does the same work (the older
scripts start a Node.js process a phase and site); as a yardstick the same manifests are only read and parsed by Node.js in one process.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import pipeline as p  # noqa: E402


def stamp(number):
    return 1500000000000 + number * 86400000


def day(number):
    return time.strftime("%Y-%m-%d", time.gmtime(stamp(number) / 1000))


def make_site(data, server, index, episodes):
    site = "site" + "abcdefghijklmnopqrstuvwxyz"[index]
    folder = os.path.join(data.folder, "sites", "my-sites", site)
    os.makedirs(folder)
    url = f"{server.url}/{site}.xml"
    config = {
        "id": site, "domain": f"{site}.example.org",
        "appHeader": {"primaryTitle": site, "includeTitlePrefix": False, "taglinePrimaryPodcastName": site,
                      "taglinePrimaryPodcastExternalURL": "https://example.org", "taglineSuffix": "archives", "includeAIUseDisclosure": True},
        "socialAndMetadata": {"pageTitle": site, "canonicalUrl": f"https://{site}.example.org", "openGraphImagePath": "./assets/card.jpg",
                              "metaDescription": "x", "metaTitle": "x"},
        "includedPodcasts": [{"id": "show", "rssFeedFile": "show.xml", "title": "Show", "status": "active", "url": url}],
        "whisperTranscriptionPrompt": "Hello.", "themeColor": "#734ee4", "themeColorDark": "#2f6a9e", "searchPlaceholderOptions": ["hello"]}
    with open(os.path.join(folder, "site.config.json"), "w", encoding="utf-8") as out:
        json.dump(config, out, indent=2)
    files = data.site_files(site)
    for name in ("audio/show", "transcripts/show", "episode-manifest"):
        os.makedirs(os.path.join(files, name))
    rows, items = [], []
    for number in range(1, episodes + 1):
        title, audio = f"Episode {number}", f"{server.url}/{site}/{number}.mp3"
        key = f"{day(number)}_Episode_{number}--{stamp(number) + 3600000}"
        published = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(stamp(number) / 1000))
        rows.append({"sequentialId": number, "podcastId": "show", "title": title, "fileKey": key, "originalAudioURL": audio,
                     "summary": "A summary of some length, as feeds have it. " * 8, "durationInSeconds": 3600, "publishedAt": published,
                     "downloadedAt": published, "hasCompletedLLMAnnotations": False, "llmAnnotations": {}, "guid": f"guid-{number}"})
        items.append(p.item(number, title, audio, date=time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(stamp(number) / 1000))))
        with open(os.path.join(files, "audio/show", key + ".mp3"), "wb") as out:
            out.write(b"ID3 not looked at again")
        with open(os.path.join(files, "transcripts/show", key + ".srt"), "w", encoding="utf-8") as out:
            for cue in range(1, 6):
                out.write(f"{cue}\n00:00:{cue * 8 - 8:02d},000 --> 00:00:{cue * 8:02d},000\nCue {cue} of episode {number} of {site}.\n\n")
    with open(os.path.join(files, "episode-manifest/full-episode-manifest.json"), "w", encoding="utf-8") as out:
        json.dump({"lastUpdated": "2026-01-01T00:00:00.000Z", "episodes": rows}, out, indent=2)
    server.write(f"{site}.xml", p.feed(site, items))


def timed(words, times):
    seconds, peak = [], 0
    for _ in range(times):
        began = time.monotonic()
        pid = os.posix_spawn(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        seconds.append(time.monotonic() - began)
        assert status == 0, (words, status)
        peak = max(peak, usage.ru_maxrss)
    return statistics.median(seconds), peak


def resident(process):
    with open(f"/proc/{process.pid}/smaps_rollup", encoding="ascii") as facts:
        rows = dict(line.split(":", 1) for line in facts if ":" in line and "kB" in line)
    return {key: int(rows[key].split()[0]) / 1024 for key in ("Rss", "Private_Dirty")}


def idle_memory(program, data):
    """Resident megabytes of a server that nobody has asked anything yet, and after a look at the health of all sites."""
    process = subprocess.Popen([program, "serve", "--data", data.folder, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[-1]
        time.sleep(1)
        before = resident(process)
        import urllib.request
        urllib.request.urlopen(address + "/healthz").read()
        time.sleep(1)
        return before, resident(process)
    finally:
        process.terminate()
        process.wait()


def main():
    program = os.path.join(os.path.abspath(sys.argv[1]), "tidemill")
    sites = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    episodes = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    seconds, _ = timed([program, "--version"], 30)
    print(f"tidemill --version: {seconds * 1000:.1f} ms (median of 30)  [ceiling 10 ms]")
    with p.Scratch() as folder:
        os.mkdir(os.path.join(folder, "web"))
        server = p.Server(os.path.join(folder, "web"))
        data = p.Data(os.path.join(folder, "data"), program=program)
        for index in range(sites):
            make_site(data, server, index, episodes)
        words = [program, "podcast", "run", "--allow-private-addresses", "--progress", "off", "--skip-audio-processing", "--data", data.folder]
        config = os.path.join(folder, "bench.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write("fetch:\n  recheck-days: 0\n")
        words += ["--config", config]
        words.remove("--skip-audio-processing")
        began = time.monotonic()
        subprocess.run(words, check=False, stdout=subprocess.DEVNULL)
        print(f"first run over {sites} sites of {episodes} episodes (index only): {time.monotonic() - began:.1f} s")
        seconds, peak = timed(words, 5)
        print(f"podcast run, nothing new: {seconds:.3f} s (median of 5), {peak / 1024:.1f} MB at most  [ceiling 1 s]")
        node = shutil.which("node")
        if node:
            script = ("const fs=require('fs'),path=require('path');let n=0;for(const s of fs.readdirSync(process.argv[1])){"
                      "n+=JSON.parse(fs.readFileSync(path.join(process.argv[1],s,'episode-manifest/full-episode-manifest.json'),'utf8')).episodes.length}")
            yard, _ = timed([node, "-e", script, os.path.join(data.folder, "objects", "sites")], 5)
            print(f"Node.js reading and parsing the same manifests, nothing more: {yard:.3f} s; ratio {seconds / yard:.2f}")
        before, after = idle_memory(program, data)
        print(f"serve, idle, {sites} sites: {before['Rss']:.1f} MB resident, {before['Private_Dirty']:.1f} MB of its own  [ceiling 15 MB]; "
              f"after /healthz opened every site: {after['Rss']:.1f} MB, {after['Private_Dirty']:.1f} MB of its own")
        server.close()


if __name__ == "__main__":
    main()

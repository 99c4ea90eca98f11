#!/usr/bin/env python3
"""Makes the demo's podcast: make_feed.py FOLDER SAMPLE.wav BASE_URL"""
import os
import subprocess
import sys
from email.utils import formatdate
from xml.sax.saxutils import escape

HERE = os.path.dirname(os.path.abspath(__file__))
EPISODES = [
    # file, text or None for the real sample, title, day of publication (epoch seconds), codec arguments, media type
    ("inaugural.mp3", None, "A voice from 1961", 1767258000, ["-c:a", "libmp3lame", "-b:a", "96k"], "audio/mpeg"),
    ("lighthouse.m4a", "lighthouse.txt", "The keeper who counted ships", 1767862800, ["-c:a", "aac", "-b:a", "96k"], "audio/mp4"),
    ("tide.ogg", "tide.txt", "The mill that nobody starts", 1768467600, ["-c:a", "libopus", "-b:a", "48k"], "audio/ogg"),
]


def run(*command):
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_audio(folder, sample, name, text, codec):
    target = os.path.join(folder, name)
    if os.path.exists(target):
        return target
    source = sample
    if text:
        source = os.path.join(folder, name + ".wav")
        run("espeak-ng", "-v", "en-us", "-s", "150", "-f", os.path.join(HERE, text), "-w", source)
    part = os.path.join(folder, "part-" + name)
    run("ffmpeg", "-nostdin", "-y", "-i", source, "-map_metadata", "-1", *codec, part)
    os.replace(part, target)
    if text:
        os.remove(source)
    return target


def main():
    folder, sample, base = sys.argv[1:4]
    os.makedirs(folder, exist_ok=True)
    items = []
    for number, (name, text, title, day, codec, kind) in enumerate(EPISODES, 1):
        size = os.path.getsize(make_audio(folder, sample, name, text, codec))
        items.append(f"""    <item>
      <title>{escape(title)}</title>
      <guid isPermaLink="false">harbour-notes-{number}</guid>
      <pubDate>{formatdate(day, usegmt=True)}</pubDate>
      <description>{escape("Episode %d of the demo podcast." % number)}</description>
      <itunes:episode>{number}</itunes:episode>
      <enclosure url="{base}/{name}" length="{size}" type="{kind}"/>
    </item>""")
    cover = os.path.join(folder, "cover.png")
    if not os.path.exists(cover):
        run("ffmpeg", "-nostdin", "-y", "-f", "lavfi", "-i", "gradients=s=600x600:c0=#0b4f6c:c1=#f2a65a:d=1:x0=0:y0=0:x1=600:y1=600",
            "-frames:v", "1", cover)
    feed = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
  <channel>
    <title>Harbour Notes</title>
    <link>{base}/</link>
    <language>en</language>
    <itunes:author>The Harbour Notes team</itunes:author>
    <description>Short stories from a small coast, and one voice from 1961.</description>
    <itunes:image href="{base}/cover.png"/>
{chr(10).join(reversed(items))}
  </channel>
</rss>
"""
    path = os.path.join(folder, "feed.xml")
    old = open(path, encoding="utf-8").read() if os.path.exists(path) else None
    if old != feed:
        with open(path, "w", encoding="utf-8") as out:
            out.write(feed)


if __name__ == "__main__":
    main()

"""What the older scripts left: a workspace with six sites, their files at home, and the same files in buckets of two accounts.

Feeds have nothing new. Files go up as the scripts sent them: by `aws s3 sync`, and large ones in parts of 20 MB, as their storage client did. Among
them: an m4a under `.mp3`, keys without the time of a download, feeds of two podcasts, entries with and without spaces, a lock file, a page.
"""

import datetime
import json
import os

import cloud_sites as sites
import pipeline as p

SITES = {"anchorage": "111111111111", "beacon": "111111111111", "causeway": "111111111111",
         "drumlin": "222222222222", "estuary": "222222222222", "foreland": "222222222222"}
FOLDERS = ("audio", "transcripts", "episode-manifest", "rss", "search-entries", "search-index")
MANIFEST = "episode-manifest/full-episode-manifest.json"
ENTRY = ("id", "startTimeMs", "endTimeMs", "text", "sequentialEpisodeIdAsString", "episodePublishedUnixTimestamp")
HISTORY = "ingestion-pipeline-runs.md"
PAGE = ("index.html", "assets/main.js")
MODEL = "large-v3-turbo"
PART = 20 * 1024 * 1024
LONG_AGO = datetime.datetime(2023, 5, 5, 8, tzinfo=datetime.timezone.utc)


def iso(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Episode:
    """An episode of a podcast as a feed has it; `key` is the name of its files."""

    def __init__(self, podcast, title, published, key=None, kind=".mp3", size=0):
        self.podcast, self.title, self.published, self.kind, self.size = podcast, title, published, kind, size
        self.downloaded = published + datetime.timedelta(hours=2)
        plain = "_".join("".join(c if c.isascii() and c.isalnum() else " " for c in title).split())[:50]
        self.is_legacy = key is not None
        self.key = key or f"{published:%Y-%m-%d}_{plain}--{int(self.downloaded.timestamp() * 1000)}"
        self.number = 0

    def path(self):
        return f"{self.podcast}-{self.key.encode().hex()[-24:]}{self.kind}"


def episodes_of(site, now):
    """The episodes of a site, oldest first: a few of each of the odd ones."""
    cast = site + "-cast"
    made = [Episode(cast, f"The {site} opens", LONG_AGO), Episode(cast, "Low water", LONG_AGO + datetime.timedelta(days=40))]
    if site == "beacon":
        made += [Episode(cast, "A long night", LONG_AGO + datetime.timedelta(days=50), size=9 << 20),
                 Episode(cast, "A longer night", LONG_AGO + datetime.timedelta(days=60), size=45 << 20)]
    if site == "causeway":
        made += [Episode(cast, "Stones", LONG_AGO + datetime.timedelta(days=70), kind=".m4a")]
    if site == "drumlin":
        made += [Episode(cast, "Of this week", now - datetime.timedelta(days=2))]
    if site == "estuary":
        made += [Episode("estuary-extra", "Ebbe & Flut: f\u00fcr alle?", LONG_AGO + datetime.timedelta(days=20), key="2023-05-25_Ebbe-&-Flut--f\u00fcr-alle-")]
    for number, episode in enumerate(sorted(made, key=lambda one: one.published), 1):
        episode.number = number
    return made


def passages(episode, cues):
    """The older entries' rule, for cues that are one passage."""
    row = (f"{episode.number}_{cues[0][0]}", cues[0][0], cues[-1][1], " ".join(cue[2] for cue in cues), str(episode.number), int(episode.published.timestamp() * 1000))
    return [dict(zip(ENTRY, row))]


def clock(ms):
    return f"{ms // 3600000:02d}:{ms // 60000 % 60:02d}:{ms // 1000 % 60:02d},{ms % 1000:03d}"


def srt(cues, end):
    return "".join(f"{n}{end}{clock(a)} --> {clock(b)}{end}{text}{end}{end}" for n, (a, b, text) in enumerate(cues, 1))


class OldWorld:
    """Builds it below `folder`: `workspace`, `files` (one folder a site), `feeds` (a pipeline.Server), `rows` of the mapping."""

    def __init__(self, folder, moto, feeds, accounts=None, elsewhere=True):
        self.folder, self.moto, self.feeds = folder, moto, feeds
        self.accounts = accounts or SITES
        self.workspace = os.path.join(folder, "browse-dot-show")
        home = os.path.join(folder, "disk", "podcasts") if elsewhere else os.path.join(self.workspace, "aws-local-dev")
        self.files = os.path.join(home, "s3", "sites")
        self.now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        self.episodes = {site: episodes_of(site, self.now) for site in self.accounts}
        self.sounds = {kind: p.make_audio(os.path.join(folder, "sound" + kind)) for kind in (".mp3", ".m4a")}
        self.rows = sites.deploy(moto, sites.workspace(self.workspace, self.accounts))
        sites.mapping(self.workspace, self.rows)
        sites.write(os.path.join(self.workspace, "package.json"), {"name": "browse-dot-show", "private": True})
        sites.write(os.path.join(self.workspace, ".env"), f"LOG_LEVEL=info\nFILE_STORAGE_ENV=local\nWHISPER_API_PROVIDER=local-whisper.cpp\nWHISPER_CPP_PATH=/opt/whisper.cpp\nWHISPER_CPP_MODEL=\"{MODEL}\"\n")
        if elsewhere:
            sites.write(os.path.join(self.workspace, ".local-files-config.json"), {"localFilesPath": home, "worktreeDirectory": os.path.join(folder, "trees")})
        self.leave_logs()
        creators = {account: site for site, account in reversed(self.accounts.items())}
        for site, account in self.accounts.items():
            self.configure(site, account, creators[account] == site)
            self.leave_files(site)
        for site in self.accounts:
            self.upload(site)

    def podcasts(self, site):
        return sorted({episode.podcast for episode in self.episodes[site]})

    def configure(self, site, account, creates):
        place = os.path.join(self.workspace, "sites", "my-sites", site)
        profile = f"browse.show-1_admin-{account}"
        config = sites.config(site)
        config["includedPodcasts"] = [{"id": cast, "rssFeedFile": cast + ".xml", "title": cast.title(), "status": "active", "url": f"{self.feeds.url}/{cast}.xml"} for cast in self.podcasts(site)]
        sites.write(os.path.join(place, "site.config.json"), config)
        sites.write(os.path.join(place, ".env.aws-sso"), f"AWS_PROFILE={profile}\n")
        sites.write(os.path.join(place, "terraform", "prod.tfvars"), sites.tfvars(site, profile, creates))
        sites.write(os.path.join(place, "terraform", "backend.tfbackend"), f'bucket = "{site}-browse-dot-show-tf-state"\nkey = "terraform.tfstate"\nregion = "us-east-1"\n')

    def publish(self, site):
        """Writes the site's feeds as its episodes are now; their texts by podcast."""
        made = {}
        for cast in self.podcasts(site):
            items = [p.item(episode.number, episode.title.replace("&", "&amp;"), f"{self.feeds.url}/{episode.path()}?from={site}", guid=f"{site}-{episode.number}",
                            date=episode.published.strftime("%a, %d %b %Y %H:%M:%S GMT"), extra="<itunes:duration>00:02</itunes:duration><description>About it.</description>")
                     for episode in reversed(self.episodes[site]) if episode.podcast == cast]
            made[cast] = p.feed(cast.title(), items)
            self.feeds.write(cast + ".xml", made[cast])
        return made

    def audio(self, episode):
        """Real audio, of other bytes for each episode: repeated to its size, a tag behind it."""
        with open(self.sounds[episode.kind], "rb") as sound:
            data = sound.read()
        data = data * max(1, -(-episode.size // len(data)))
        return data + (b"TAG" + episode.title.encode()[:30]).ljust(128, b"\0") if episode.kind == ".mp3" else data

    def here(self, site, key=""):
        return os.path.join(self.files, site, key)

    def save(self, site, key, data):
        path = self.here(site, key)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(data if isinstance(data, bytes) else data.encode())
        os.utime(path, (self.now.timestamp() - 90000,) * 2)

    def leave_files(self, site):
        rows = []
        for cast, text in self.publish(site).items():
            self.save(site, f"rss/{cast}.xml", text)
        for episode in sorted(self.episodes[site], key=lambda one: one.number):
            cues = [(0, 1000, f"Welcome to {episode.title}."), (1000, 2400, "She rang the bell by hand.")]
            name = f"{episode.podcast}/{episode.key}"
            data = self.audio(episode)
            self.feeds.write(episode.path(), data)
            self.save(site, f"audio/{name}.mp3", data)
            self.save(site, f"transcripts/{name}.srt", srt(cues, "\r\n" if site == "foreland" else "\n"))
            self.save(site, f"search-entries/{name}.json", json.dumps(passages(episode, cues), ensure_ascii=False, **({"indent": 2} if site in ("drumlin", "estuary") else {"separators": (",", ":")})))
            row = {"sequentialId": episode.number, "podcastId": episode.podcast, "title": episode.title, "fileKey": episode.key,
                   "originalAudioURL": f"{self.feeds.url}/{episode.path()}?from={site}", "summary": "About it.", "durationInSeconds": 2,
                   "publishedAt": iso(episode.published), "downloadedAt": iso(episode.downloaded), "hasCompletedLLMAnnotations": False, "llmAnnotations": {}}
            if episode.is_legacy:
                del row["downloadedAt"]
            rows.append(row)
        self.save(site, MANIFEST, json.dumps({"lastUpdated": iso(self.now), "episodes": rows}, indent=2, ensure_ascii=False))
        self.save(site, "search-index/orama_index.msp", bytes.fromhex("28b52ffd") + os.urandom(5000))
        self.save(site, "transcripts/.processing-lock.json", '{"entries":[],"version":4}')
        self.save(site, "audio/.DS_Store", b"\0\0\0\1Bud1")

    def leave_logs(self):
        """Of a scheduler that went well yesterday, its header twice as the scripts had it."""
        yesterday = int((self.now.timestamp() - 90000) * 1000)
        logs = os.path.join(self.workspace, "scripts", "automation-logs")
        sites.write(os.path.join(logs, "automation-config.json"), {"enabled": True, "timestamp": yesterday})
        sites.write(os.path.join(logs, "last-pipeline-run.json"), {"lastSuccessTimestamp": yesterday, "lastAttemptTimestamp": yesterday, "consecutiveFailures": 0})
        self.history = sites.write(os.path.join(logs, HISTORY), (
            "# Ingestion Pipeline Run History\n\nThis file has all runs.\n\nThis file has all runs.\n\n"
            "## 5/5/2023, 3:12:45 AM - \u2705 SUCCESS\n\n**Duration:** 12.3s  \n**Sites Processed:** 6  \n**Total Files Uploaded:** 6  \n\n---\n"))

    def keys(self, site):
        return self.moto.account(self.accounts[site])

    def upload(self, site):
        """As the scripts did."""
        from boto3.s3.transfer import TransferConfig

        bucket = self.rows[site]["bucketName"]
        s3 = self.moto.client("s3", self.keys(site))
        for episode in self.episodes[site]:
            if episode.size > PART:
                key = f"audio/{episode.podcast}/{episode.key}.mp3"
                s3.upload_file(self.here(site, key), bucket, key, Config=TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=4))
        self.moto.aws("s3", "sync", self.here(site), f"s3://{bucket}", "--exclude", "*.DS_Store", "--only-show-errors", credentials=self.keys(site))
        for key in PAGE:
            s3.put_object(Bucket=bucket, Key=key, Body=b"//")

    def bucket(self, site):
        """Every object of a site's bucket: key -> (ETag, time)."""
        found = {}
        for page in self.moto.client("s3", self.keys(site)).get_paginator("list_objects_v2").paginate(Bucket=self.rows[site]["bucketName"]):
            found.update({entry["Key"]: (entry["ETag"], entry["LastModified"]) for entry in page.get("Contents", [])})
        return found

    def scripts_would_move(self, site):
        """What `aws s3 sync --dryrun` of the six folders would move, up and down."""
        bucket = f"s3://{self.rows[site]['bucketName']}"
        words = ["--exclude", "*.DS_Store", "--exclude", "index.html", "--exclude", "assets/*", "--dryrun"]
        said = ""
        for pair in ((self.here(site), bucket), (bucket, self.here(site))):
            said += self.moto.aws("s3", "sync", *pair, *words, credentials=self.keys(site)).stdout
        return said

    def whole_seconds(self, site):
        """Gives each file here a time without a fraction, as S3 has it."""
        for folder, _, names in os.walk(self.here(site)):
            for name in names:
                path = os.path.join(folder, name)
                os.utime(path, (int(os.stat(path).st_mtime),) * 2)

    def add(self, site, title):
        """One more episode in a site's feed, of yesterday."""
        episode = Episode(site + "-cast", title, self.now - datetime.timedelta(days=1))
        episode.number = len(self.episodes[site]) + 1
        self.episodes[site].append(episode)
        self.feeds.write(episode.path(), self.audio(episode))
        self.publish(site)
        return episode

    def manifest(self, site):
        with open(self.here(site, MANIFEST), encoding="utf-8") as text:
            return json.load(text)

    def invalidations(self, site):
        """The paths of each invalidation of a site."""
        client = self.moto.client("cloudfront", self.keys(site))
        identity = self.rows[site]["cloudfrontId"]
        listed = client.list_invalidations(DistributionId=identity)["InvalidationList"].get("Items", [])
        return [client.get_invalidation(DistributionId=identity, Id=row["Id"])["Invalidation"]["InvalidationBatch"]["Paths"]["Items"] for row in listed]

    def empty(self, site):
        """Takes a site's bucket away."""
        s3 = self.moto.client("s3", self.keys(site))
        for key in self.bucket(site):
            s3.delete_object(Bucket=self.rows[site]["bucketName"], Key=key)
        s3.delete_bucket(Bucket=self.rows[site]["bucketName"])

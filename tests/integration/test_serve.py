#!/usr/bin/env python3
"""What `tidemill serve` answers: pages, data, searches, media, feeds, headers. The real server, asked over the loopback address."""
import gzip
import html.parser
import json
import re
import xml.etree.ElementTree

from serve_support import HOSTILE, TRACKING, Server, example, run, temporary, wav

SITE = "/sites/examplecast/"
KEY1 = "2024-01-01_Episode_1--1700000000001"
KEY2 = "2024-01-02_Episode_2--1700000000002"
AUDIO = SITE + f"audio/example-cast/{KEY2}.wav"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'{0}; style-src 'self'; img-src 'self' https: data:; "
    "media-src 'self' https: http:; connect-src 'self'{1}; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class Head(html.parser.HTMLParser):
    """Title, meta, links, and the names of all elements of a page."""

    def __init__(self, text):
        super().__init__()
        self.meta, self.elements, self.title, self.blocks, self.scripts = {}, [], "", [], []
        self.links = {}
        self.inside = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.elements.append(tag)
        if tag == "meta":
            self.meta[given.get("property") or given.get("name")] = given.get("content")
        if tag == "link":
            self.links[given.get("rel")] = given.get("href")
        if tag == "base":
            self.base = given["href"]
        if tag == "script":
            self.scripts.append(given)
        self.inside = "facts" if given.get("type") == "application/ld+json" else tag

    def handle_data(self, data):
        if self.inside == "title":
            self.title += data
        if self.inside == "facts":
            self.blocks.append(data)

    def handle_endtag(self, tag):
        self.inside = None


def page(path, **headers):
    status, given, body = server.get(path, **headers)
    return status, given, Head(body.decode())


def test_home_page():
    status, headers, head = page("/")
    assert status == 200 and headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"] == PAGE_POLICY.format("", "")
    assert head.base == "/" and head.title
    for script in head.scripts:
        status, headers, body = server.get(script["src"])
        assert status == 200 and headers["content-type"].startswith("text/javascript") and body, script
        assert headers["cache-control"] == "public, max-age=31536000, immutable"


def test_security_headers_are_everywhere():
    for path in ("/", SITE, "/nope", AUDIO, SITE + "site.json", "/healthz", "/favicon.svg", SITE + "feed.xml", "/%zz"):
        _, headers, _ = server.get(path)
        assert headers["x-content-type-options"] == "nosniff", path
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        for name in ("referrer-policy", "permissions-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"):
            assert name in headers, (path, name)


def test_site_page():
    status, _, head = page(SITE)
    assert status == 200 and head.base == SITE and head.title == "Search Example Cast"
    assert head.meta["description"] == "Every word of Example Cast"
    assert head.meta["og:image"] == f"{server.url}{SITE}assets/social-cards/open-graph-card-1200x630.jpg"
    assert head.links["canonical"] == server.url + SITE
    assert head.meta["theme-color"] == "#2f6a9e"


def test_episode_page_says_what_it_is_about():
    status, _, head = page(SITE + "episode/1")
    assert status == 200 and head.title == "The first one · Example Cast"
    assert head.meta["og:description"] == "About episode 1 & more"
    assert head.meta["og:audio"] == f"{server.url}{SITE}audio/example-cast/{KEY1}.mp3"
    facts = json.loads(head.blocks[0])
    assert facts["@type"] == "PodcastEpisode" and facts["name"] == "The first one"
    assert facts["timeRequired"] == "PT30S" and facts["datePublished"] == "2024-01-01T08:00:00.000Z"


def test_moment_page_quotes_the_words():
    status, _, head = page(SITE + "episode/2?q=zebra&start=5200")
    assert status == 200 and head.title == "Second, with Zoë at 0:05 · Example Cast"
    assert "A zebra walks into a bar & orders <b>tea</b>." in head.meta["og:description"]
    assert head.meta["og:url"] == f"{server.url}{SITE}episode/2?start=5200"
    for odd in ("start=", "start=-1", "start=x", "start=99999999999999999999"):
        status, _, head = page(SITE + "episode/2?" + odd)
        assert status == 200 and head.title == "Second, with Zoë · Example Cast", odd


def test_missing_episode_is_404_with_the_page():
    for number in ("3", "0", "x", "1%20", "99999999999999999999"):
        status, headers, head = page(SITE + "episode/" + number, Accept="text/html")
        assert status == 404 and "robots" in head.meta and headers["cache-control"] == "no-store", number


def test_hostile_texts_stay_texts():
    for path in ("/sites/hostile/", "/sites/hostile/episode/1", "/sites/hostile/episode/1?start=0"):
        status, _, head = page(path)
        assert status == 200 and "img" not in head.elements, path
        kinds = [s.get("src", s.get("type")) for s in head.scripts]
        assert all(kind == "application/ld+json" or kind.startswith(("/static/", "//cdn.example.com/")) for kind in kinds), kinds
    assert HOSTILE in head.meta["og:description"]
    assert json.loads(head.blocks[0])["name"] == "</title><script>alert(1)</script>"


def test_tracking_script_is_let_in_by_name():
    _, headers, head = page("/sites/hostile/")
    expected = PAGE_POLICY.format(" cdn.example.com", " https://stats.example.com cdn.example.com")
    assert headers["content-security-policy"] == expected, headers["content-security-policy"]
    assert server.get("/sites/hostile/")[2].count(TRACKING.encode()) == 1


def test_redirects_keep_the_query():
    for path, where in (("/sites/examplecast", SITE), (SITE + "episode", SITE), (SITE + "index.html", SITE)):
        status, headers, _ = server.get(path + "?q=a%20b")
        assert (status, headers["location"]) == (308, where + "?q=a%20b"), path


def test_sites_and_site_facts():
    sites = json.loads(server.get("/api/sites")[2])["sites"]
    assert [one["id"] for one in sites] == ["examplecast", "hostile"]
    assert sites[0]["episodeCount"] == 2 and sites[0]["base"] == SITE
    status, headers, body = server.get(SITE + "site.json")
    facts = json.loads(body)
    assert status == 200 and headers["access-control-allow-origin"] == "*"
    assert facts["appHeader"]["includeAIUseDisclosure"] is True and facts["episodeCount"] == 2
    assert facts["podcasts"] == [{"id": "example-cast", "title": "Example Cast", "status": "active"}]


def test_manifest_names_the_audio():
    status, headers, body = server.get(SITE + "episode-manifest/full-episode-manifest.json")
    rows = json.loads(body)["episodes"]
    assert status == 200 and headers["cache-control"] == "no-cache"
    assert [row["audioFile"] for row in rows] == [KEY1 + ".mp3", KEY2 + ".wav"]


def test_search_in_both_forms():
    asked = {"query": "elephants", "limit": 25, "offset": 0, "searchFields": ["text"]}
    status, headers, body = server.ask("POST", SITE + "api/search", asked)
    found = json.loads(body)
    assert status == 200 and headers["access-control-allow-origin"] == "*" and found["totalHits"] == 1
    hit = found["hits"][0]
    start, end = hit["marks"][0]
    assert hit["text"][start:end] == "elephants" and "siteId" not in hit
    for method, path, given in (("POST", SITE, asked), ("GET", SITE + "api/search?query=elephants", None)):
        again = json.loads(server.ask(method, path, given)[2])
        assert again["hits"] == found["hits"], path


def test_search_over_all_sites():
    for method, path, given in (
        ("POST", "/api/search", {"query": "elephants"}),
        ("POST", "/", {"query": "elephants"}),
        ("GET", "/api/search?query=elephants", None),
    ):
        found = json.loads(server.ask(method, path, given)[2])
        assert {(hit["siteId"], hit["siteBase"]) for hit in found["hits"]} == {
            ("examplecast", SITE),
            ("hostile", "/sites/hostile/"),
        }, path


def test_wrong_searches_are_json_errors():
    for body in ("{", "[]", "nonsense", '{"query": 1}', "\xff", '{"limit": -1}', "[" * 5000):
        status, headers, answer = server.ask("POST", SITE + "api/search", body.encode("latin-1"))
        assert status == 400 and headers["content-type"].startswith("application/json"), (body[:20], status)
        assert json.loads(answer)["error"]["message"], body[:20]


def test_health_check_search():
    status, _, body = server.ask("POST", SITE + "api/search", {"query": "health check", "limit": 1, "isHealthCheckOnly": True})
    assert status == 200 and json.loads(body)["hits"] == []


def test_preflight():
    status, headers, body = server.ask("OPTIONS", SITE + "api/search", headers={"Origin": "https://other.example", "Access-Control-Request-Method": "POST"})
    assert status == 204 and body == b"" and headers["access-control-allow-origin"] == "*"
    assert "POST" in headers["access-control-allow-methods"] and headers["access-control-allow-headers"] == "Content-Type, Range"
    assert headers["allow"] == "GET, HEAD, POST, OPTIONS"
    status, headers, _ = server.ask("OPTIONS", SITE)
    assert status == 204 and "POST" in headers["allow"]
    assert server.ask("OPTIONS", "/none/such")[0] == 404


def test_audio_by_ranges():
    whole = wav(4)
    status, headers, body = server.get(AUDIO)
    assert status == 200 and body == whole and headers["content-type"] == "audio/wav" and headers["accept-ranges"] == "bytes"
    size = len(whole)
    for asked, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=100-", 100, size - 1),
        ("bytes=-7", size - 7, size - 1),
        (f"bytes=-{size + 5}", 0, size - 1),
        (f"bytes=10-{size + 100}", 10, size - 1),
        ("bytes=0-99999999999999999999999", 0, size - 1),
    ):
        status, headers, body = server.get(AUDIO, Range=asked)
        assert status == 206 and body == whole[first : last + 1], asked
        assert headers["content-range"] == f"bytes {first}-{last}/{size}", asked
    for asked in (f"bytes={size}-", "bytes=-0", "bytes=99999999999999999999999-"):
        status, headers, body = server.get(AUDIO, Range=asked)
        assert status == 416 and headers["content-range"] == f"bytes */{size}" and body == b"", asked
    for asked in ("bytes=5-2", "bytes=0-1,4-5", "items=0-1", "bytes=", "bytes=a-b", "bytes 0-1"):
        assert server.get(AUDIO, Range=asked)[0] == 200, asked


def test_if_range():
    _, headers, _ = server.get(AUDIO)
    for good in (headers["etag"], headers["last-modified"]):
        assert server.get(AUDIO, Range="bytes=0-9", If_Range=good)[0] == 206, good
    for stale in ('"other"', "W/" + headers["etag"], "Mon, 01 Jan 2001 00:00:00 GMT"):
        assert server.get(AUDIO, Range="bytes=0-9", If_Range=stale)[0] == 200, stale


def test_not_modified():
    for path in (AUDIO, "/", SITE + "site.json", SITE + "episode-manifest/full-episode-manifest.json", "/favicon.svg", SITE + "feed.xml",
                 SITE + f"transcripts/example-cast/{KEY1}.txt"):
        _, headers, _ = server.get(path)
        etag = headers["etag"]
        for list_ in (etag, "W/" + etag, f'"x", {etag}', "*"):
            status, again, body = server.get(path, If_None_Match=list_)
            assert status == 304 and body == b"" and again["etag"] == etag, (path, list_)
        assert server.get(path, If_None_Match='"x"')[0] == 200, path
    modified = server.get(AUDIO)[1]["last-modified"]
    assert server.get(AUDIO, If_Modified_Since=modified)[0] == 304
    assert server.get(AUDIO, If_Modified_Since="Mon, 01 Jan 2001 00:00:00 GMT")[0] == 200
    assert server.get(AUDIO, If_Modified_Since=modified, If_None_Match='"x"')[0] == 200


def test_head_is_get_without_body():
    for path in (AUDIO, SITE, SITE + "site.json", "/nope"):
        got = server.get(path)
        status, headers, body = server.ask("HEAD", path)
        assert (status, body) == (got[0], b""), path
        assert headers["content-length"] == str(len(got[2])) and headers.get("etag") == got[1].get("etag"), path


def test_compression():
    path = SITE + "episode-manifest/full-episode-manifest.json"
    _, plain_headers, plain = server.get(path)
    for accept in ("gzip", "br, gzip;q=0.5", "*"):
        status, headers, packed = server.get(path, Accept_Encoding=accept)
        assert status == 200 and headers["content-encoding"] == "gzip" and gzip.decompress(packed) == plain, accept
        assert headers["vary"] == "Accept-Encoding" and headers["etag"] != plain_headers["etag"]
        assert server.get(path, Accept_Encoding=accept, If_None_Match=headers["etag"])[0] == 304
    for accept in ("identity", "br", "gzip;q=0", "gzip;q=0.000, *"):
        assert "content-encoding" not in server.get(path, Accept_Encoding=accept)[1], accept
    script = Head(server.get("/")[2].decode()).scripts[0]["src"]
    _, headers, packed = server.get(script, Accept_Encoding="gzip")
    assert headers["content-encoding"] == "gzip" and gzip.decompress(packed) == server.get(script)[2]
    assert "content-encoding" not in server.get(AUDIO, Accept_Encoding="gzip")[1]


def test_transcripts():
    base = SITE + "transcripts/example-cast/" + KEY2
    status, headers, body = server.get(base + ".srt")
    assert status == 200 and b"00:00:05,000 --> 00:00:09,800" in body and "subrip" in headers["content-type"]
    status, headers, body = server.get(base + ".vtt")
    assert status == 200 and body.startswith(b"WEBVTT") and b"&lt;b&gt;tea" in body and headers["content-type"] == "text/vtt; charset=utf-8"
    status, headers, body = server.get(base + ".txt")
    assert status == 200 and b"orders <b>tea</b>." in body and headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert server.get(base + ".words.json")[0] == 404


def test_entries():
    status, headers, body = server.get(SITE + f"search-entries/example-cast/{KEY1}.json")
    assert status == 200 and headers["content-type"].startswith("application/json")
    assert json.loads(body)[0]["id"] == "1_0"


def test_feed():
    status, headers, body = server.get(SITE + "feed.xml")
    assert status == 200 and headers["content-type"].startswith("application/rss+xml")
    channel = xml.etree.ElementTree.fromstring(body).find("channel")
    enclosures = [item.find("enclosure").get("url") for item in channel.findall("item")]
    assert server.url + AUDIO in enclosures
    for url in enclosures:
        assert server.get(url[len(server.url) :])[0] == 200, url
    assert server.get(SITE + "feed.xml?podcast=none")[0] == 404
    assert server.get(SITE + "feed.xml?podcast=example-cast")[0] == 200


def test_maps():
    text = server.get("/robots.txt")[2].decode()
    assert f"Sitemap: {server.url}/sitemap.xml" in text
    root = xml.etree.ElementTree.fromstring(server.get("/sitemap.xml")[2])
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    maps = [one.text for one in root.iter(space + "loc")]
    assert maps == [server.url + SITE + "sitemap.xml", server.url + "/sites/hostile/sitemap.xml"]
    pages = [one.text for one in xml.etree.ElementTree.fromstring(server.get(SITE + "sitemap.xml")[2]).iter(space + "loc")]
    assert pages == [server.url + SITE, server.url + SITE + "episode/2", server.url + SITE + "episode/1"]
    for address in pages:
        assert server.get(address[len(server.url) :])[0] == 200


def test_site_files():
    status, headers, _ = server.get(SITE + "assets/social-cards/open-graph-card-1200x630.jpg")
    assert status == 200 and headers["content-type"] == "image/jpeg" and headers["cross-origin-resource-policy"] == "cross-origin"
    assert server.get(SITE + "index.css")[1]["content-type"] == "text/css; charset=utf-8"
    assert b"http://www.w3.org/2000/svg'/>" in server.get(SITE + "favicon.svg")[2]
    assert server.get("/sites/hostile/favicon.svg")[2] == server.get("/favicon.svg")[2]
    for hidden in (".env.aws-sso", "site.config.json", "assets/.hidden.png", "spelling-corrections.json", "assets", "assets/none.png", "index.html.css"):
        assert server.get(SITE + hidden)[0] == 404, hidden


def test_missing_things_are_404():
    for path in ("/none", "/sites/none/", "/sites/examplecast/audio/example-cast/none.mp3", "/sites/examplecast/audio/other/" + KEY1 + ".mp3",
                 SITE + f"transcripts/example-cast/{KEY1}", SITE + f"transcripts/example-cast/{KEY1}.exe", SITE + "search-entries/example-cast/none.json",
                 "/static/x/none.js", "/static/x/index.html", "/sites/", "/episode-manifest/full-episode-manifest.json"):
        status, headers, body = server.get(path)
        assert status == 404 and headers["content-type"].startswith("application/json"), path
        assert json.loads(body)["error"]["code"] == "not_found"
        status, headers, body = server.get(path, Accept="text/html,*/*;q=0.8")
        assert status == 404 and headers["content-type"].startswith("text/html") and b"<h1>" in body, path


def test_wrong_methods():
    for method, path, allow in (("DELETE", SITE + "site.json", "GET, HEAD, OPTIONS"), ("POST", AUDIO, "GET, HEAD, OPTIONS"),
                                ("PUT", SITE + "api/search", "GET, HEAD, POST, OPTIONS")):
        status, headers, _ = server.ask(method, path)
        assert (status, headers["allow"]) == (405, allow), path
    assert server.ask("BREW", "/")[0] == 501


def test_health():
    status, headers, body = server.get("/healthz")
    answer = json.loads(body)
    assert status == 200 and answer["status"] == "ok" and headers["cache-control"] == "no-store"
    assert [(one["id"], one["manifest"], one["index"]) for one in answer["sites"]] == [("examplecast", "ok", "ok"), ("hostile", "ok", "ok")]
    assert answer["disk"]["freeBytes"] > 0 and answer["version"]


def test_metrics():
    server.ask("POST", SITE + "api/search", {"query": "zebra"})
    for _ in range(1000):  # a request is counted when its last byte has left, which may be after we saw it
        status, headers, body = server.get("/metrics")
        text = body.decode()
        if 'route="search",status="200"' in text:
            break
    values = dict(re.findall(r"^(\w+(?:\{[^}]*\})?) ([0-9.e+]+)$", text, re.M))
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    assert float(values['tidemill_http_requests_total{route="search",status="200"}']) >= 1
    assert float(values["tidemill_search_duration_seconds_count"]) >= 1
    assert values["tidemill_sites"] == "2" and values["tidemill_episodes"] == "3"
    assert float(values["process_resident_memory_bytes"]) > 1e6
    assert server.get("/metrics", X_Forwarded_For="203.0.113.7")[0] == 404
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r'\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.e+-]+', line), line


def test_host_stands_for_a_site():
    host = {"Host": "ExampleCast.example.org:8080"}
    status, _, body = server.ask("GET", "/", headers=host)
    head = Head(body.decode())
    assert status == 200 and head.base == "/" and head.title == "Search Example Cast"
    assert head.links["canonical"] == "http://examplecast.example.org:8080/"
    for path in ("/site.json", f"/audio/example-cast/{KEY2}.wav", "/feed.xml", "/episode/1", "/favicon.svg", "/robots.txt"):
        assert server.ask("GET", path, headers=host)[0] == 200, path
    found = json.loads(server.ask("POST", "/api/search", {"query": "elephants"}, headers=host)[2])
    assert found["totalHits"] == 1
    assert server.ask("GET", "/api/sites", headers=host)[0] == 404
    assert server.ask("GET", "/metrics", headers=host)[0] == 404
    assert server.ask("GET", "/healthz", headers=host)[0] == 200
    secure = dict(host, **{"X-Forwarded-Proto": "https"})
    assert b'href="https://examplecast.example.org:8080/"' in server.ask("GET", "/", headers=secure)[2]


def test_queries_stay_out_of_the_log():
    with temporary() as folder:
        other = Server(example(folder))
        other.get(SITE + "api/search?query=verysecretquery")
        other.get(SITE + "?q=verysecretquery")
        other.ask("POST", SITE + "api/search", {"query": "verysecretquery"})
        log = other.stop()
        assert "POST /sites/examplecast/api/search 200" in log and "verysecretquery" not in log


with temporary() as root:
    server = Server(example(root))
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    try:
        run(tests)
    finally:
        server.stop()

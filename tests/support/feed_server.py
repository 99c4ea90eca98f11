#!/usr/bin/env python3
"""A web server that can lie, for tests of everything that reads feeds and audio.

    feed_server.py [--root FOLDER] [--port N] [--host ADDRESS] [--control FILE]

The first line it prints is its port (0 picks a free one). It ends when its standard input ends (keep a pipe open), so it never outlives its test.

Without a rule, a path is a file below --root, served well: ETag (of the content), Last-Modified, 304, ranges, HEAD, types by extension.
A rule, by path, changes that. Rules come from --control (JSON: {"/path": {rule}, ...}), or while it runs:

    POST   /control          {"/path": {rule}, ...}   sets rules (a rule of null removes it)
    DELETE /control                                   removes all rules and the log
    GET    /control/log      [{"method","path","query","headers","status","sent","range"}, ...] in order of arrival
    GET    /control/stats    {"requests": n, "most_at_once": n, "connections": n}
    DELETE /control/log

What is served:
    file: "name"             this file below --root           body: "text"        this text
    base64: "..."            these bytes                      size: n             n bytes, a fixed pseudo-random sequence (seed: s)
    prefix: "text"           put before a `size` body         type: "audio/mpeg"  Content-Type ("" sends none)
    status: 200              status of the answer             headers: {..}       more headers, as they are
    versions: [rule, ...]    version k (see `version`) of this rule, merged over it; "version": "next" takes the next at each GET
    changing: true           another body (and ETag) at each GET

How it lies:
    etag: "text" | null      this ETag exactly; null sends none      last_modified: "date" | null
    ignore_conditions: true  never answers 304
    ranges: "honour" | "ignore" (200 with all) | "wrong" (206 from another place) | "lie" (206, right header, wrong place) | "refuse" (416) | "total" (another total)
    length: "true" | "long" | "short" | "none" (ends with the connection) | "chunked"
    cut: n                   the connection ends after n bytes of body   cut_times: k   only at the first k GETs
    drip: [bytes, ms]        so many bytes at a time, this far apart
    delay_ms: n              before the answer
    hang: true               takes the request and says nothing    hang_after: n   falls silent after n bytes of body
    fail: {"times": n, "status": 503, "retry_after": "1", "body": ".."}   the first n requests fail so
    redirect: "url"          with status 302, or the rule's        redirect_loop: true
    gzip: true | "lie" | "bomb"   compresses; says so but does not; `size` zero bytes compressed
    auth: "name:password"    basic authentication is demanded, 401 without
    head: "refuse" | "bare"  405 to HEAD; or HEAD without length and ETag
    garbage: "text"          these bytes instead of an HTTP answer
    many_headers: n          n more headers, 100 bytes each
"""

import argparse
import base64
import email.utils
import gzip
import hashlib
import json
import mimetypes
import os
import select
import socket
import sys
import threading
import time
import urllib.parse
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TYPES = {
    ".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac",
    ".xml": "application/rss+xml", ".rss": "application/rss+xml", ".atom": "application/atom+xml", ".srt": "application/x-subrip",
    ".vtt": "text/vtt", ".json": "application/json", ".html": "text/html; charset=utf-8", ".mp4": "video/mp4",
}


class World:
    """What all connections share; every field under the lock."""

    def __init__(self, root):
        self.root = root
        self.lock = threading.Lock()
        self.rules = {}
        self.counts = {}
        self.log = []
        self.now = 0
        self.most = 0
        self.connections = 0
        self.ending = threading.Event()

    def rule(self, path):
        with self.lock:
            return self.rules.get(path)

    def count(self, path, what):
        """How often this was asked before."""
        with self.lock:
            key = (path, what)
            before = self.counts.get(key, 0)
            self.counts[key] = before + 1
            return before


def random_bytes(size, seed):
    """The same for the same seed, everywhere, fast enough for many megabytes."""
    made = bytearray()
    counter = 0
    while len(made) < size:
        made += hashlib.shake_256(f"{seed}:{counter}".encode()).digest(min(size - len(made), 1 << 20))
        counter += 1
    return bytes(made[:size])


def gzip_bomb(size):
    """A gzip stream that grows to `size` zero bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    out = []
    block = bytes(1 << 20)
    for _ in range(size >> 20):
        out.append(packer.compress(block))
    out.append(packer.flush())
    return b"".join(out)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "feed-server"
    world = None

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.world.lock:
            self.world.connections += 1

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.handle_one()

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    # ---- control ----

    def control(self, path, body):
        world = self.world
        answer = {}
        with world.lock:
            if path == "/control" and self.command == "POST":
                for key, rule in json.loads(body or b"{}").items():
                    world.rules.pop(key, None)
                    world.counts = {k: v for k, v in world.counts.items() if k[0] != key}
                    if rule is not None:
                        world.rules[key] = rule
            elif path == "/control" and self.command == "DELETE":
                world.rules.clear()
                world.counts.clear()
                world.log.clear()
                world.most = 0
            elif path == "/control/log" and self.command == "DELETE":
                world.log.clear()
                world.most = 0
            elif path == "/control/log":
                answer = list(world.log)
            elif path == "/control/stats":
                answer = {"requests": len(world.log), "most_at_once": world.most, "connections": world.connections}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    # ---- one request ----

    def handle_one(self):
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(parts.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self.read_chunks()
        if path == "/control" or path.startswith("/control/"):
            return self.control(path, body)
        world = self.world
        self.entry = {
            "method": self.command, "path": path, "query": parts.query, "status": 0, "sent": 0, "range": self.headers.get("Range"),
            "headers": {k.lower(): v for k, v in self.headers.items()}, "body_bytes": len(body),
            "body": body[:4096].decode("utf-8", "replace"),
        }
        with world.lock:
            world.log.append(self.entry)
            world.now += 1
            world.most = max(world.most, world.now)
        try:
            self.answer(path)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with world.lock:
                world.now -= 1

    def read_chunks(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return b""
        made = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            made += self.rfile.read(size)
            self.rfile.readline()
            if not size:
                return made

    def pause(self, seconds):
        """Waits, but not longer than the other side listens or this server lives."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.world.ending.is_set():
            readable, _, _ = select.select([self.connection], [], [], 0.02)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError
        return not self.world.ending.is_set()

    def chosen_rule(self, path):
        rule = dict(self.world.rule(path) or {})
        versions = rule.get("versions")
        if versions:
            which = rule.get("version", 0)
            if which == "next":
                which = self.world.count(path, "version") if self.command == "GET" else self.world.counts.get((path, "version"), 0)
            rule.update(versions[min(which, len(versions) - 1)])
        return rule

    def answer(self, path):
        rule = self.chosen_rule(path)
        if rule.get("delay_ms"):
            self.pause(rule["delay_ms"] / 1000)
        if rule.get("hang"):
            self.pause(3600)
            self.close_connection = True
            return
        if "garbage" in rule:
            self.wfile.write(rule["garbage"].encode())
            self.close_connection = True
            return
        fail = rule.get("fail")
        if fail and self.world.count(path, "fail") < fail.get("times", 1):
            extra = {"Retry-After": fail["retry_after"]} if "retry_after" in fail else {}
            return self.small(fail.get("status", 503), fail.get("body", "not now\n"), extra)
        if rule.get("auth"):
            wanted = "Basic " + base64.b64encode(rule["auth"].encode()).decode()
            if self.headers.get("Authorization") != wanted:
                return self.small(401, "who are you?\n", {"WWW-Authenticate": 'Basic realm="feeds"'})
        if rule.get("redirect_loop"):
            rule["redirect"] = path
        if "redirect" in rule:
            return self.small(rule.get("status", 302), "elsewhere\n", {"Location": rule["redirect"], **rule.get("headers", {})})
        if self.command == "HEAD" and rule.get("head") == "refuse":
            return self.small(405, "", {"Allow": "GET"})
        self.serve(path, rule)

    def small(self, status, text, headers):
        data = text.encode()
        self.entry["status"] = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    # ---- bodies ----

    def content(self, path, rule):
        """(bytes, type, time) or None."""
        when = None
        if "body" in rule:
            data, kind = rule["body"].encode(), "text/plain; charset=utf-8"
        elif "base64" in rule:
            data, kind = base64.b64decode(rule["base64"]), "application/octet-stream"
        elif rule.get("gzip") == "bomb":
            data, kind = gzip_bomb(rule.get("size", 1 << 30)), "application/rss+xml"
        elif "size" in rule:
            data = rule.get("prefix", "").encode("latin-1") + random_bytes(rule["size"], rule.get("seed", 0))
            kind = "audio/mpeg"
        else:
            name = os.path.normpath(os.path.join(self.world.root, rule.get("file", path).lstrip("/")))
            if not name.startswith(self.world.root) or not os.path.isfile(name):
                return None
            with open(name, "rb") as file:
                data = file.read()
            when = os.stat(name).st_mtime
            extension = os.path.splitext(name)[1]
            kind = TYPES.get(extension) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        if rule.get("changing"):
            data += b"\n<!-- %d -->" % self.world.count(path, "changing")
        return data, rule.get("type", kind), when

    def not_modified(self, rule, etag, modified):
        if rule.get("ignore_conditions"):
            return False
        asked = self.headers.get("If-None-Match")
        if asked is not None:
            return bool(etag) and (asked.strip() == "*" or etag.removeprefix("W/") in [t.strip().removeprefix("W/") for t in asked.split(",")])
        since = self.headers.get("If-Modified-Since")
        return bool(since and modified and since == modified)

    def range_of(self, rule, size, etag, modified):
        """(start, end) of a range that is to be answered, None for all, False for 416."""
        asked = self.headers.get("Range")
        mode = rule.get("ranges", "honour")
        if not asked or not asked.startswith("bytes=") or "," in asked or mode == "ignore" or self.command == "HEAD":
            return None
        if mode == "refuse":
            return False
        condition = self.headers.get("If-Range")
        if condition and condition not in (etag, modified):
            return None
        first, _, last = asked[6:].partition("-")
        if first == "":
            start, end = max(0, size - int(last)), size - 1
        else:
            start, end = int(first), min(int(last) if last else size - 1, size - 1)
        return (start, end) if start < size else False

    def serve(self, path, rule):
        found = self.content(path, rule)
        if not found:
            return self.small(404, "nothing here\n", {})
        data, kind, when = found
        etag = rule["etag"] if "etag" in rule else '"' + hashlib.sha1(data).hexdigest()[:16] + '"'
        modified = rule["last_modified"] if "last_modified" in rule else email.utils.formatdate(when or 1700000000, usegmt=True)
        headers = {}
        if kind:
            headers["Content-Type"] = kind
        if etag:
            headers["ETag"] = etag
        if modified:
            headers["Last-Modified"] = modified
        if self.command == "HEAD" and rule.get("head") == "bare":
            headers = {}
        headers.update(rule.get("headers", {}))
        for i in range(rule.get("many_headers", 0)):
            headers[f"X-Filler-{i}"] = "x" * 80
        if self.not_modified(rule, etag, modified):
            self.entry["status"] = 304
            self.send_response(304)
            for name in ("ETag", "Last-Modified"):
                if name in headers:
                    self.send_header(name, headers[name])
            self.end_headers()
            return None
        if rule.get("gzip"):
            headers["Content-Encoding"] = "gzip"
            if rule["gzip"] is True:
                data = gzip.compress(data, mtime=0)
        status = rule.get("status", 200)
        size = len(data)
        part = self.range_of(rule, size, etag, modified)
        if part is False:
            return self.small(416, "no such range\n", {"Content-Range": f"bytes */{size}"})
        if part:
            start, end = part
            mode = rule.get("ranges")
            status = 206
            if mode == "wrong":
                start = start // 2
            said_total = size + 1000 if mode == "total" else size
            headers["Content-Range"] = f"bytes {start}-{end}/{said_total}"
            data = data[:end - start + 1] if mode == "lie" else data[start:end + 1]
        elif rule.get("ranges", "honour") == "honour":
            headers["Accept-Ranges"] = "bytes"
        return self.send(path, rule, status, headers, data)

    def send(self, path, rule, status, headers, data):
        self.entry["status"] = status
        mode = rule.get("length", "true")
        if not (self.command == "HEAD" and rule.get("head") == "bare"):
            if mode == "chunked":
                headers["Transfer-Encoding"] = "chunked"
            elif mode != "none":
                headers["Content-Length"] = str(len(data) + {"long": 1000, "short": -(len(data) // 2)}.get(mode, 0))
        if mode in ("none", "long", "short"):
            self.close_connection = True
            headers["Connection"] = "close"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = rule.get("cut")
        if cut is not None and self.world.count(path, "cut") < rule.get("cut_times", 1 << 60):
            data = data[:cut]
            self.close_connection = True
        self.send_body(rule, mode, data)
        if cut is not None and self.close_connection:
            self.connection.shutdown(socket.SHUT_RDWR)

    def send_body(self, rule, mode, data):
        step, wait = rule.get("drip") or (1 << 16, 0)
        silent_at = rule.get("hang_after")
        at = 0
        while at < len(data):
            piece = data[at:at + step]
            if silent_at is not None and at + len(piece) > silent_at:
                self.wfile.write(piece[:silent_at - at])
                self.entry["sent"] = silent_at
                self.pause(3600)
                self.close_connection = True
                return
            if mode == "chunked":
                piece = b"%x\r\n%s\r\n" % (len(piece), piece)
            self.wfile.write(piece)
            at += step
            self.entry["sent"] = min(at, len(data))
            if wait and not self.pause(wait / 1000):
                return
        if mode == "chunked":
            self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that goes away in the middle is what many tests are about."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=".")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--control")
    options = parser.parse_args()
    world = World(os.path.realpath(options.root))
    if options.control:
        with open(options.control, encoding="utf-8") as file:
            world.rules = json.load(file)
    Handler.world = world
    server = Server((options.host, options.port), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        while sys.stdin.buffer.read(4096):
            pass
    except KeyboardInterrupt:
        pass
    world.ending.set()
    server.shutdown()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Requests that no browser sends: torn, huge, slow, contradictory, climbing. The server answers or drops each, and goes on serving."""
import json
import socket

from serve_support import Server, example, run, temporary

SITE = "/sites/examplecast/"


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def ask_raw(target, *headers, method="GET", body=b""):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return server.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)


def alive():
    assert server.get("/healthz")[0] == 200


def test_climbing_paths():
    for path in (
        "/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", SITE + "assets/../site.config.json",
        SITE + "assets/%2e%2e/site.config.json", SITE + "assets/..%2fsite.config.json", SITE + "assets/..%5csite.config.json",
        SITE + "audio/example-cast/..%2f..%2fepisode-manifest%2ffull-episode-manifest.json", SITE + "audio/..",
        SITE + "%2e%2e/hostile/site.json", "//etc/passwd", "/sites//examplecast/", SITE + "assets//x.png",
    ):
        answer = ask_raw(path)
        assert status_of(answer) in (400, 404), (path, answer[:80])
        assert b"root:" not in answer and b"whisperTranscriptionPrompt" not in answer, path


def test_bad_escapes_and_bytes():
    for path in ("/%", "/%4", "/%zz", "/%00", "/a%00b", "/%0d%0aX-Evil:%201", "/%ff%fe", "/%c0%af", "/%ed%a0%80", "/\xff", "/" + "a/" * 40, "/%2f", "/%5c"):
        answer = ask_raw(path)
        assert status_of(answer) == 400, (path, answer[:60])
        assert b"X-Evil" not in answer.split(b"\r\n\r\n")[0]
    for path in ("/" + "a" * 5000, "/%25", "/%252e%252e/x", "/" + "%41" * 1000):
        assert status_of(ask_raw(path)) == 404, path[:40]


def test_odd_targets():
    assert status_of(ask_raw("http://localhost/healthz")) == 200
    assert status_of(ask_raw("http://localhost")) == 200
    assert status_of(ask_raw("*", method="OPTIONS")) == 204
    assert status_of(ask_raw("*")) in (400, 404)
    assert status_of(ask_raw("localhost:80", method="CONNECT")) in (400, 404, 405)
    assert status_of(ask_raw("/", method="TRACE")) == 405
    assert status_of(ask_raw("/healthz?" + "a" * 8000)) == 200
    assert status_of(ask_raw("/healthz#fragment")) == 200


def test_huge_heads_are_refused():
    for request in (
        b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"b" * 200000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(20000)) + b"\r\n",
    ):
        try:
            answer = server.raw(request)
        except ConnectionError:
            continue  # closed while we were still writing
        assert status_of(answer) in (None, 400, 413, 414, 431), answer[:80]
    alive()


def test_contradictory_heads():
    for headers in (
        ("Host: other",), ("Content-Length: 5", "Content-Length: 6"), ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    ):
        answer = ask_raw(SITE + "api/search", *headers, method="POST", body=b"0\r\n\r\n")
        assert status_of(answer) == 400, (headers, answer[:60])
    for host in ("a b", "evil<script>", "x/y", "a" * 300, '"'):
        answer = server.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert status_of(answer) == 400, host
        assert b"<script>" not in answer.split(b"\r\n\r\n", 1)[0]
    assert status_of(server.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) == 400
    assert status_of(server.raw(b"GET /healthz HTTP/1.0\r\n\r\n")) == 200


def test_garbage():
    for request in (b"\x16\x03\x01\x02\x00\x01\x00", b"\r\n\r\n\r\n", b"GET\r\n\r\n", b"\x00" * 100, b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"x" * 50000):
        with socket.create_connection((server.host, server.port), timeout=60) as link:
            answer = b""
            try:
                link.sendall(request)
                link.shutdown(socket.SHUT_WR)
                while part := link.recv(65536):
                    answer += part
            except OSError:
                pass  # closed while we were still at it
            assert status_of(answer) in (None, 400, 414, 431, 501, 505), (request[:20], answer[:60])
    alive()


def test_bodies_only_where_they_belong():
    assert status_of(ask_raw("/", "Content-Length: 5", body=b"hello")) == 413
    assert status_of(ask_raw(SITE + "site.json", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")) == 413
    assert status_of(ask_raw(SITE + "api/search", "Content-Length: 70000", method="POST")) == 413
    assert status_of(ask_raw(SITE + "api/search", "Content-Length: 70000", "Expect: 100-continue", method="POST")) == 413
    assert status_of(ask_raw(SITE + "api/search", "Content-Length: 99999999999999999999", method="POST")) in (400, 413)
    assert status_of(ask_raw(SITE + "api/search", "Content-Length: -1", method="POST")) in (400, 413)
    chunks = b"".join(b"2000\r\n" + b" " * 0x2000 + b"\r\n" for _ in range(12)) + b"0\r\n\r\n"
    answer = ask_raw(SITE + "api/search", "Transfer-Encoding: chunked", method="POST", body=chunks)
    assert status_of(answer) == 413, answer[:80]
    body = b'{"query":"elephants"}'
    chunked = b"".join(b"%x\r\n%c\r\n" % (1, one) for one in body) + b"0\r\n\r\n"
    answer = ask_raw(SITE + "api/search", "Transfer-Encoding: chunked", method="POST", body=chunked)
    assert status_of(answer) == 200 and b'"totalHits":1' in answer
    alive()


def test_endless_chunked_body_is_cut_off():
    with socket.create_connection((server.host, server.port), timeout=60) as link:
        link.sendall(f"POST {SITE}api/search HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                link.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
                sent += 0x4000
        except ConnectionError:
            pass
        assert sent < 64 * 1024 * 1024
    alive()


def test_pipelined_requests_are_answered_in_order():
    paths = ["/healthz", "/nope", SITE + "site.json", "/robots.txt"]
    request = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n{'Connection: close' if path == paths[-1] else 'X: y'}\r\n\r\n".encode() for path in paths)
    answer = server.raw(request)
    assert [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200, 200]
    assert answer.index(b'"status":"ok"') < answer.index(b"not_found") < answer.index(b"appHeader") < answer.index(b"User-agent")


def test_connections_are_kept():
    import http.client

    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    connection.connect()
    link = connection.sock
    for method, path, body in (("GET", "/", None), ("GET", "/nope", None), ("POST", SITE + "api/search", "{"), ("HEAD", SITE, None)):
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        assert connection.sock is link, path
    connection.close()


def test_clients_that_hang_up():
    for rounds in range(30):
        with socket.create_connection((server.host, server.port), timeout=60) as link:
            link.sendall(b"GET " + SITE.encode() + b" HTTP/1.1\r\nHost: x\r\n" + (b"\r\n" if rounds % 2 else b""))
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    alive()


def drained(link):
    """True once the server has closed the connection."""
    try:
        while link.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_slow_heads_are_dropped():
    """Bytes keep coming, so only a deadline that they do not move can end it."""
    with Impatient() as other, socket.create_connection((other.host, other.port), timeout=60) as link:
        link.sendall(b"GET / HTTP/1.1\r\n")
        link.settimeout(0.05)
        dropped = False
        while not dropped:
            try:
                link.sendall(b"X: y\r\n")
                dropped = link.recv(65536) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                dropped = True
        assert other.get("/healthz")[0] == 200


def test_slow_bodies_are_dropped():
    with Impatient() as other, socket.create_connection((other.host, other.port), timeout=60) as link:
        link.sendall(f"POST {SITE}api/search HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
        assert drained(link)


def test_silent_connections_are_dropped():
    with Impatient() as other, socket.create_connection((other.host, other.port), timeout=60) as fresh:
        assert drained(fresh)
        with socket.create_connection((other.host, other.port), timeout=60) as kept:
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert drained(kept)


def test_many_connections():
    """More than the limit: those beyond it wait or are closed, and the server answers again once they are gone."""
    with Crowded() as other:
        links = []
        for _ in range(20):
            links.append(socket.create_connection((other.host, other.port), timeout=60))
        for link in links:
            link.close()
        for _ in range(200):
            try:
                status, _, body = other.get("/healthz")
                break
            except ConnectionError:
                continue
        assert status == 200 and json.loads(body)["status"] == "ok"


class Impatient(Server):
    """Gives clients half a second."""

    def __init__(self):
        super().__init__(data, 500, 1000)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Crowded(Impatient):
    """Takes eight connections."""

    def __init__(self):
        Server.__init__(self, data, 5000, 5000, 8, 4)


with temporary() as root:
    data = example(root)
    server = Server(data)
    tests = [value for name, value in sorted(globals().items()) if name.startswith("test_")]
    try:
        run(tests)
    finally:
        server.stop()

#!/usr/bin/env python3
"""A proxy in front of an S3 server (or any that speaks AWS's protocols) that lies when it is told to. lying_lies.py has the table of lies.

    with s3_servers.minio() as real, lying_s3.LyingS3(real) as s3:      # s3.endpoint, s3.client(), s3.environment(), s3.aws() as of a real one
        s3.tell({"lie": "slow_down", "op": "PutObject", "every": 3, "retry_after": 1}, {"lie": "flip", "times": 1})
        ...
        assert s3.count("PutObject") == 4 and s3.count("PutObject", lie="slow_down") == 1
        s3.truth()                                                      # no more lies; clear_log() forgets the requests

A rule has a lie, the lie's own settings, and when it is told; all that are given must agree:
    op: "GetObject" or a list       service: "s3", "sts", "lambda", ...   bucket: "name"   prefix: of the key, or of a listing's prefix   method: "PUT"
    query: {"RoleSessionName": "-mill-"}    parameters (of the query, or of a form) that have this in them
    after: n   not at the first n of the requests that fit                every: n    at each nth of them         at: [1, 4]   at these of them
    chance: p  with this probability, from `seed` (1)                     times: n    n times in all
Requests pass with their Host and path as they came, so signatures stay right, and bodies are streamed both ways.

As a program: lying_s3.py --upstream URL [--plan FILE] [--port N] prints its port, ends with its standard input, and is steered over
    POST /-/plan [{rule}, ...]      GET /-/log      DELETE /-/log       ("-" is no bucket's name)
"""

import argparse
import datetime
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import random
import select
import socket
import struct
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import s3_servers  # noqa: E402

BLOCK = 1 << 16
HOP = {"connection", "keep-alive", "transfer-encoding", "expect", "te", "upgrade", "proxy-connection"}
CONTROL = "/-/"
RESET = object()  # instead of an answer
ALWAYS = {"slow", "reset_after", "call_after"}  # told of errors as well

# Which operation of S3 a request is: method, on a key?, the query's word, the operation. The first that fits.
OPERATIONS = [
    ("GET", False, "uploads", "ListMultipartUploads"), ("GET", False, "location", "GetBucketLocation"), ("GET", False, "versioning", "GetBucketVersioning"),
    ("GET", False, "versions", "ListObjectVersions"), ("GET", False, "list-type", "ListObjectsV2"), ("GET", False, None, "ListObjects"),
    ("PUT", False, "versioning", "PutBucketVersioning"), ("PUT", False, None, "CreateBucket"), ("HEAD", False, None, "HeadBucket"),
    ("DELETE", False, None, "DeleteBucket"), ("POST", False, "delete", "DeleteObjects"),
    ("GET", True, "uploadId", "ListParts"), ("GET", True, "tagging", "GetObjectTagging"), ("GET", True, "attributes", "GetObjectAttributes"),
    ("GET", True, None, "GetObject"), ("HEAD", True, None, "HeadObject"), ("PUT", True, "tagging", "PutObjectTagging"),
    ("PUT", True, "partNumber", "UploadPart"), ("PUT", True, None, "PutObject"), ("POST", True, "uploads", "CreateMultipartUpload"),
    ("POST", True, "uploadId", "CompleteMultipartUpload"), ("DELETE", True, "uploadId", "AbortMultipartUpload"), ("DELETE", True, None, "DeleteObject"),
]


class Reset(Exception):
    """The connection to the client is to be broken at once."""


class Rule:
    """One line of the plan, and what it has seen."""

    def __init__(self, words, lies):
        words = dict(words)
        self.lie = words["lie"]
        self.before, self.after, operations = lies[self.lie]
        self.words = words
        wanted = words.get("op", operations)
        self.operations = {wanted} if isinstance(wanted, str) else set(wanted or ())
        self.random = random.Random(words.get("seed", 1))
        self.seen = self.told = 0
        self.memory = {}

    def fits(self, exchange):
        words = self.words
        return ((not self.operations or exchange.op in self.operations) and words.get("method", exchange.method) == exchange.method
                and words.get("service", exchange.service) == exchange.service and words.get("bucket", exchange.bucket) == exchange.bucket
                and (exchange.key or exchange.query.get("prefix", "")).startswith(words.get("prefix", ""))
                and all(text in exchange.query.get(name, "") for name, text in words.get("query", {}).items()))

    def is_due(self, exchange):
        """Whether it is told now; counts. Called with the plan's lock held."""
        if not self.fits(exchange):
            return False
        self.seen += 1
        words, number = self.words, self.seen - self.words.get("after", 0)
        if "times" in words and self.told >= words["times"]:
            return False
        if number < 1 or number % words.get("every", 1) or ("at" in words and self.seen not in words["at"]):
            return False
        if "chance" in words and self.random.random() >= words["chance"]:
            return False
        self.told += 1
        return True


class Exchange:
    """One request, understood."""

    def __init__(self, method, target, headers):
        self.method, self.target, self.headers = method, target, headers
        self.path, _, text = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        parts = urllib.parse.unquote(self.path).lstrip("/").split("/", 1)
        self.bucket, self.key = parts[0], parts[1] if len(parts) > 1 else ""
        self.access_key, self.region, self.service = self.credential()
        self.date = self.signed_date()
        self.shift = datetime.timedelta()  # of the server's clock
        self.sign_again = False
        self.without = set()  # header fields that do not go on
        self.told = []  # lies that let it go on
        self.op = self.operation()

    def credential(self):
        """Access key, region and service of the signature."""
        text = self.headers.get("Authorization", "").partition("Credential=")[2].split(",")[0] or self.query.get("X-Amz-Credential", "")
        words = text.strip().rsplit("/", 4)
        return (words[0], words[2], words[3]) if len(words) == 5 else ("", "", "s3")

    def signed_date(self):
        try:
            stamp = self.headers.get("X-Amz-Date") or self.query["X-Amz-Date"]
            return datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except (KeyError, ValueError):
            return None

    def operation(self):
        if self.service == "lambda":
            return "Invoke" if self.path.endswith("/invocations") else "Lambda"
        if self.service == "cloudfront":
            return "CreateInvalidation" if self.method == "POST" and self.path.endswith("/invalidation") else "CloudFront"
        if self.service != "s3":
            return self.headers.get("X-Amz-Target", "").rpartition(".")[2] or self.query.get("Action", "Query")  # a form's action comes with its body
        if not self.bucket:
            return "ListBuckets"
        for method, on_key, word, name in OPERATIONS:
            if method == self.method and on_key == bool(self.key) and (word is None or word in self.query):
                copies = "x-amz-copy-source" in self.headers
                return {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}.get(name, name) if copies else name
        return self.method

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + self.shift


class Answer:
    """What goes back: `blocks` is an iterator of the body, `length` its size when that is known; `framing` is length, chunked or close."""

    def __init__(self, status, headers, length, blocks, reason=""):
        self.status, self.headers, self.length, self.blocks, self.reason = status, headers, length, blocks, reason
        self.framing = "length" if length is not None else "chunked"
        self.cut = None     # so many bytes, then the connection ends
        self.reset = False  # by a reset
        self.pace = None    # rule of `slow`

    def body(self):
        """The whole body, which stays to be sent."""
        whole = b"".join(self.blocks)
        self.set_body(whole)
        return whole

    def set_body(self, body):
        self.blocks, self.length, self.framing = iter([body]), len(body), "length"

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def set_header(self, name, value):
        self.headers = [(key, old) for key, old in self.headers if key.lower() != name.lower()] + ([(name, value)] if value is not None else [])


def error_answer(exchange, status, code, message, fields=(), headers=()):
    """An error as the request's service writes it."""
    identity = hashlib.md5(f"{exchange.target}{id(exchange)}".encode()).hexdigest()[:16].upper()
    if exchange.service == "lambda":
        kind, body = "application/json", json.dumps({"Type": "User", "Message": message})
        headers = [*headers, ("x-amzn-ErrorType", code)]
    elif exchange.service == "s3":
        more = "".join(f"<{name}>{value}</{name}>" for name, value in fields)
        kind = "application/xml"
        body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}'
                f"<RequestId>{identity}</RequestId><HostId>{identity * 3}</HostId></Error>")
    else:
        kind, side = "text/xml", "Sender" if status < 500 else "Receiver"
        body = (f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
                f"<RequestId>{identity}</RequestId></ErrorResponse>")
    body = body.encode()
    return Answer(status, [("Content-Type", kind), ("x-amz-request-id", identity), ("x-amz-id-2", identity * 3), *headers], len(body), iter([body]))


def signature(exchange, headers, date, signed, secret):
    """AWS Signature Version 4 of the exchange with these headers ("Signature Version 4 signing process", Amazon S3's form of the path)."""
    pairs = sorted(tuple(part.partition("=")[::2]) for part in exchange.target.partition("?")[2].split("&") if part)
    lines = [exchange.method, exchange.path or "/", "&".join(f"{name}={value}" for name, value in pairs)]
    lines += [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    lines += ["", ";".join(signed), headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]
    scope = [date[:8], exchange.region, exchange.service, "aws4_request"]
    text = "\n".join(["AWS4-HMAC-SHA256", date, "/".join(scope), hashlib.sha256("\n".join(lines).encode("latin-1")).hexdigest()])
    key = ("AWS4" + secret).encode()
    for word in scope:
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return "/".join(scope), hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def blocks_of(got):
    while block := got.read1(BLOCK):
        yield block
    got.read()  # nothing more, but it is only now that the connection may be used again


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    upstream = None

    def handle_expect_100(self):
        return True  # said when the body is read

    def log_message(self, *_):
        pass

    def finish(self):
        if self.upstream:
            self.upstream.close()
        try:
            super().finish()
        except OSError:
            pass

    def serve(self):
        lies = self.server.lies
        target = self.requestline.split()[1]  # `path` is without its double slash
        if target.startswith(CONTROL):
            self.control(target[len(CONTROL):])
            return
        exchange = Exchange(self.command, target, self.headers)
        self.unread = None if "chunked" in self.headers.get("Transfer-Encoding", "") else int(self.headers.get("Content-Length") or 0)
        self.waits = "100-continue" in self.headers.get("Expect", "").lower()
        self.form = b""
        if self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded") and exchange.service != "s3":
            self.form = b"".join(self.request_blocks())
            exchange.query.update(urllib.parse.parse_qsl(self.form.decode("utf-8", "replace")))
            exchange.op = exchange.query.get("Action", exchange.op)
        entry = lies.enter(exchange)
        try:
            answer = self.answer(exchange, entry)
            entry["status"] = answer.status
            lies.leave(entry)
            self.send(exchange, answer)
        except Reset:
            self.break_off()
        except (ConnectionError, http.client.HTTPException, socket.timeout) as fault:
            entry["fault"] = repr(fault)
            self.break_off()
        finally:
            lies.leave(entry)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

    def answer(self, exchange, entry):
        """The truth, or what the rules make of it."""
        due = entry.pop("due")
        for rule in due:
            found = rule.before(rule, exchange, self) if rule.before else None
            if found is not None:
                entry["lies"].append(rule.lie)
                if found is RESET:
                    raise Reset
                if not rule.words.get("early"):
                    self.drain()
                return found
        answer = self.forward(exchange)
        entry["upstream"] = answer.status
        entry["lies"] += exchange.told
        for rule in due:
            if rule.after and (answer.status < 300 or rule.lie in ALWAYS) and rule.after(rule, exchange, answer) is not False:
                entry["lies"].append(rule.lie)
                if rule.lie == "reset_after":
                    raise Reset
        return answer

    def request_blocks(self):
        """The request's body, as it comes."""
        if self.waits:
            self.waits = False
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.unread is None:
            while size := int(self.rfile.readline().split(b";")[0], 16):
                left = size
                while left:
                    block = self.rfile.read1(min(left, BLOCK))
                    if not block:
                        raise Reset
                    left -= len(block)
                    yield block
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            self.unread = 0
        while self.unread:
            block = self.rfile.read1(min(self.unread, BLOCK))
            if not block:
                raise Reset
            self.unread -= len(block)
            yield block

    def drain(self):
        for _ in self.request_blocks():
            pass

    def connection_to_upstream(self):
        if self.upstream and self.upstream.sock and select.select([self.upstream.sock], [], [], 0)[0]:
            self.upstream.close()  # it was closed while nobody looked
            self.upstream = None
        if not self.upstream:
            self.upstream = http.client.HTTPConnection(*self.server.lies.upstream, timeout=300)
            self.upstream.connect()
            self.upstream.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.upstream

    def headers_upstream(self, exchange):
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP | exchange.without]
        if not exchange.sign_again:
            return headers
        lies = self.server.lies
        authorization = self.headers.get("Authorization", "")
        signed = authorization.partition("SignedHeaders=")[2].split(",")[0].strip().split(";")
        known = {name.lower(): value for name, value in headers}
        date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        signed = [name for name in signed if name not in exchange.without]
        known["x-amz-date"] = date
        scope, value = signature(exchange, known, date, signed, lies.credentials["SecretAccessKey"])
        known["authorization"] = f"AWS4-HMAC-SHA256 Credential={exchange.access_key}/{scope}, SignedHeaders={';'.join(signed)}, Signature={value}"
        return list(known.items())

    @staticmethod
    def may_go_on(upstream):
        """Whether the server that was asked wants the body."""
        select.select([upstream], [], [], 60)
        return upstream.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 100"

    def forward(self, exchange):
        link = self.connection_to_upstream()
        chunked = self.unread is None
        link.putrequest(self.command, exchange.target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers_upstream(exchange):
            link.putheader(name, value)
        if chunked:
            link.putheader("Transfer-Encoding", "chunked")
        if self.waits:
            link.putheader("Expect", "100-continue")
        link.endheaders()
        # A server that does not want the body answers at once, and closes.
        if not self.waits or self.may_go_on(link.sock):
            try:
                link.send(self.form)
                for block in self.request_blocks():
                    link.send(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
                if chunked:
                    link.send(b"0\r\n\r\n")
            except ConnectionError:
                self.drain()
        got = link.getresponse()
        headers = [(name, value) for name, value in got.getheaders() if name.lower() not in HOP | {"content-length"}]
        bare = self.command == "HEAD" or got.status in (204, 304)
        length = got.getheader("Content-Length")
        if bare:
            got.read()
            return Answer(got.status, headers, int(length) if length and got.status == 200 else 0, iter(()), got.reason)
        return Answer(got.status, headers, int(length) if length is not None else None, blocks_of(got), got.reason)

    def send(self, exchange, answer):
        if exchange.shift:
            answer.set_header("Date", email.utils.format_datetime(exchange.now(), usegmt=True))
        framing = "close" if answer.length is None and self.request_version == "HTTP/1.0" else answer.framing
        head = [f"HTTP/1.1 {answer.status} {answer.reason or http.client.responses.get(answer.status, '')}"]
        head += [f"{name}: {value}" for name, value in answer.headers]
        if answer.status != 204:
            head += {"length": [f"Content-Length: {answer.length}"], "chunked": ["Transfer-Encoding: chunked"], "close": []}[framing]
        if framing == "close" or self.unread or self.unread is None:
            head.append("Connection: close")
            self.close_connection = True
        pending = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")
        if self.command == "HEAD":
            self.wfile.write(pending)
            return
        sent = 0
        for block in answer.blocks:
            ends = answer.cut is not None and sent + len(block) >= answer.cut
            block = block[:answer.cut - sent] if ends else block
            if block:
                pending += b"%x\r\n%s\r\n" % (len(block), block) if framing == "chunked" else block
            if answer.pace is not None:
                self.server.lies.send_slowly(self.connection, pending, answer.pace, sent, len(block))
            else:
                self.wfile.write(pending)
            pending = b""
            sent += len(block)
            if ends:
                self.close_connection = True
                if answer.reset:
                    raise Reset
                return
        self.wfile.write(pending + (b"0\r\n\r\n" if framing == "chunked" else b""))

    def break_off(self):
        """Ends the connection with a reset, not a polite end."""
        self.close_connection = True
        if self.upstream:
            self.upstream.close()
            self.upstream = None
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass

    def control(self, what):
        lies, length = self.server.lies, int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if (self.command, what) == ("POST", "plan"):
            lies.truth()
            lies.tell(*json.loads(body))
        elif (self.command, what) == ("DELETE", "log"):
            lies.clear_log()
        text = json.dumps(lies.log if what == "log" else {}).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def shutdown_request(self, request):
        # A polite shutdown would send the end of the stream before the reset that SO_LINGER asks for.
        linger = struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
        if linger[0]:
            self.close_request(request)
        else:
            super().shutdown_request(request)


class LyingS3(s3_servers.Place):
    """The proxy, in threads of this process. `log` has a line for every request: number, op, service, method, path, query, bucket, key,
    access_key, region, range, status (None: broken off), upstream (the real answer's status, None: never asked), lies
    and fault (what broke that was no lie)."""

    def __init__(self, server=None, upstream=None, credentials=None, port=0):
        place = urllib.parse.urlsplit(upstream or server.endpoint)
        self.upstream = (place.hostname, place.port or 80)
        self.server = server
        self.credentials = credentials or (server.credentials if server else {})
        self.region = server.region if server else s3_servers.REGION
        self.lock = threading.Condition()
        self.ended = threading.Event()
        self.rules, self.log, self.open = [], [], 0
        self.listener = Listener(("127.0.0.1", port), Handler)
        self.listener.lies = self
        self.port = self.listener.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def tell(self, *rules):
        """Adds rules to the plan; gives them back, to look at `told` and `seen`."""
        import lying_lies

        made = [Rule(words, lying_lies.LIES) for words in rules]
        with self.lock:
            self.rules += made
        return made

    def truth(self):
        """No more lies."""
        with self.lock:
            self.rules = []

    def clear_log(self):
        with self.lock:
            self.log = []

    def requests(self, op=None, lie=None, **wanted):
        """The lines of the log that fit; `lie` is a name, True for any lie, False for none. Waits for requests that are being answered."""
        with self.lock:
            self.lock.wait_for(lambda: self.open == 0, timeout=10)
            found = list(self.log)
        return [line for line in found if (op is None or line["op"] == op) and all(line[name] == value for name, value in wanted.items())
                and (lie is None or (lie in line["lies"] if isinstance(lie, str) else bool(line["lies"]) == lie))]

    def count(self, op=None, lie=None, **wanted):
        return len(self.requests(op, lie, **wanted))

    def counts(self):
        """How many requests there were of each operation."""
        found = {}
        for line in self.requests():
            found[line["op"]] = found.get(line["op"], 0) + 1
        return found

    def enter(self, exchange):
        with self.lock:
            self.open += 1
            entry = {"number": len(self.log) + 1, "op": exchange.op, "service": exchange.service, "method": exchange.method, "path": exchange.path,
                     "query": exchange.query, "bucket": exchange.bucket, "key": exchange.key, "access_key": exchange.access_key,
                     "region": exchange.region, "range": exchange.headers.get("Range"), "status": None, "upstream": None, "lies": [], "fault": ""}
            self.log.append(entry)
            return {**entry, "due": [rule for rule in self.rules if rule.is_due(exchange)], "line": entry}

    def leave(self, entry):
        with self.lock:
            if "line" in entry:
                self.open -= 1
                entry.pop("line").update(status=entry["status"], upstream=entry["upstream"], lies=entry["lies"], fault=entry["fault"])
                self.lock.notify_all()

    def send_slowly(self, connection, data, words, before, size):
        """Sends a block at the rule's pace, and stalls where it says so: for stall_seconds, or until the client goes or the proxy ends."""
        pace, stall = words.get("bytes_per_second", 0), words.get("stall_after")
        piece = max(1, pace // 20) if pace else len(data)
        head = len(data) - size  # of the answer, or of a chunk: not slowed
        if stall is not None and before <= stall < before + size:
            connection.sendall(data[:head + stall - before])
            data = data[head + stall - before:]
            end = words.get("stall_seconds")
            waited = 0.0
            while not self.ended.wait(0.05):
                waited += 0.05
                if (end is not None and waited >= end) or select.select([connection], [], [], 0)[0]:
                    break
        for start in range(0, len(data), piece):
            connection.sendall(data[start:start + piece])
            if pace and self.ended.wait(0.05):
                return

    def wait_for_leave(self, connection):
        """Until the client goes or the proxy ends."""
        while not self.ended.wait(0.02):
            if select.select([connection], [], [], 0)[0]:
                return

    def close(self):
        self.ended.set()
        self.listener.shutdown()
        self.listener.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--upstream", required=True)
    words.add_argument("--plan")
    words.add_argument("--port", type=int, default=0)
    words = words.parse_args()
    with LyingS3(upstream=words.upstream, port=words.port, credentials={"AccessKeyId": os.environ.get("AWS_ACCESS_KEY_ID", ""),
                                                                        "SecretAccessKey": os.environ.get("AWS_SECRET_ACCESS_KEY", "")}) as proxy:
        if words.plan:
            with open(words.plan, encoding="utf-8") as plan:
                proxy.tell(*json.load(plan))
        print(proxy.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

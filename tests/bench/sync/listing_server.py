#!/usr/bin/env python3
"""listing_server.py KEYS: an S3 server with one bucket of so many keys, which can only be listed (ListObjectsV2). Prints its port; ends with its
standard input. Keys are shows/<show>/<episode>.srt, 1,000 to a show; every object has 1,000 bytes."""

import bisect
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COUNT = int(sys.argv[1])
ITEM = ("<Contents><Key>%s</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;%032x&quot;</ETag>"
        "<Size>1000</Size><StorageClass>STANDARD</StorageClass></Contents>")


def key(number):
    return "shows/%06d/episode-%06d.srt" % (number // 1000, number % 1000)


class Keys:
    """All keys in order, as a sequence that bisect can search."""

    def __len__(self):
        return COUNT

    def __getitem__(self, number):
        return key(number)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.reply(200 if self.path.split("?")[0].strip("/") == "bucket" else 404, b"", True)

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(self.path.partition("?")[2], keep_blank_values=True))
        if "location" in query:
            self.reply(200, b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>')
        elif query.get("list-type") == "2":
            self.reply(200, self.page(query).encode())
        else:
            self.reply(404, b"<Error><Code>NoSuchKey</Code><Message>only listings</Message></Error>")

    @staticmethod
    def page(query):
        prefix, delimiter, most = query.get("prefix", ""), query.get("delimiter", ""), min(int(query.get("max-keys", 1000)), 1000)
        after = query.get("continuation-token") or query.get("start-after") or ""
        number = max(bisect.bisect_left(Keys(), prefix), bisect.bisect_right(Keys(), after) if after else 0)
        items, last = [], ""
        while len(items) < most and number < COUNT and key(number).startswith(prefix):
            name = key(number)
            end = name.find(delimiter, len(prefix)) if delimiter else -1
            if end >= 0:
                last = name[:end + 1]
                items.append(f"<CommonPrefixes><Prefix>{last}</Prefix></CommonPrefixes>")
                number = bisect.bisect_left(Keys(), last + "\x7f")
                last += "\x7f"
            else:
                items.append(ITEM % (name, number))
                last, number = name, number + 1
        more = number < COUNT and key(number).startswith(prefix)
        token = f"<NextContinuationToken>{urllib.parse.quote(last, safe='/')}</NextContinuationToken>" if more else ""
        return ('<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name>'
                f"<Prefix>{prefix}</Prefix><KeyCount>{len(items)}</KeyCount><MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
                + token + "".join(items) + "</ListBucketResult>")

    def reply(self, status, body, bare=False):
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nx-amz-bucket-region: us-east-1\r\n\r\n"
        self.wfile.write(head.encode() + (b"" if bare else body))


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Stands for a transcription service with OpenAI's interface, on the loopback address. Prints its port.

The first part of the path says how it behaves: ok, srt (knows no verbose_json), denied, busy (429 once, then ok), down (500),
page (a web page with status 200), loop (a looping text unless a temperature is given), odd (times and texts that are none).
Whatever it is sent is taken apart by Python's own multipart parser; what is wrong with a form is answered with 422. The text it
"hears" tells the length of the audio, as the flac file's own head states it. GET /log gives the fields of all requests.
"""

import email.parser
import email.policy
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOG, SEEN = [], set()


def flac_seconds(data):
    """Of a FLAC file: STREAMINFO holds the rate in 20 bits and the number of samples in 36."""
    if data[:4] != b"fLaC" or data[4] & 0x7F != 0:
        raise ValueError("no FLAC file")
    rate = int.from_bytes(data[18:21], "big") >> 4
    channels = (data[20] >> 1 & 7) + 1
    samples = int.from_bytes(data[21:26], "big") & (1 << 36) - 1
    if rate != 16000 or channels != 1 or not samples:
        raise ValueError(f"{rate} Hz, {channels} channels, {samples} samples")
    return samples / rate


def form_of(headers, body):
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n" + body)
    if not message.is_multipart():
        raise ValueError("no multipart")
    fields, file = {}, None
    for part in message.iter_parts():
        if part.defects:
            raise ValueError(str(part.defects))
        name = part.get_param("name", header="content-disposition")
        if name == "file":
            file = part.get_payload(decode=True)
            if part.get_filename() != "part.flac" or part.get_content_type() != "audio/flac":
                raise ValueError("the file's head")
        else:
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
    if message.defects or file is None:
        raise ValueError("no file")
    return fields, file


def heard(seconds, kind, fields):
    sentence = "Thank you for watching." if kind == "loop" and "temperature" not in fields else None
    segments, words, at, n = [], [], 0.0, 0
    while at < seconds:
        end = min(at + 4.0, seconds)
        text = sentence or f"Part of {seconds:.1f} seconds, number {n}."
        segments.append({"id": n, "start": at, "end": end, "text": " " + text})
        spoken = text.replace(".", "").replace(",", "").split()
        for i, word in enumerate(spoken):
            step = (end - at) / len(spoken)
            words.append({"word": word, "start": round(at + i * step, 3), "end": round(at + (i + 1) * step, 3)})
        at, n = end, n + 1
    return segments, words


def srt_of(segments):
    def clock(seconds):
        ms = round(seconds * 1000)
        return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"
    return "".join(f"{s['id'] + 1}\n{clock(s['start'])} --> {clock(s['end'])}\n{s['text'].strip()}\n\n" for s in segments)


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", **headers):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(200, LOG)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        kind, _, path = self.path[1:].partition("/")
        if path != "v1/audio/transcriptions":
            return self.answer(404, {"error": {"message": "no such path"}})
        try:
            fields, file = form_of(self.headers, body)
            seconds = flac_seconds(file)
        except ValueError as fault:
            return self.answer(422, {"error": {"message": str(fault)}})
        LOG.append({"kind": kind, "fields": fields, "bytes": len(body), "seconds": seconds,
                    "authorization": self.headers.get("authorization", "")})
        form = fields["response_format"][0]
        if kind == "denied":
            return self.answer(401, {"error": {"message": "Incorrect API key provided: " + self.headers["authorization"]}})
        if kind == "down":
            return self.answer(500, {"error": {"message": "overloaded"}})
        if kind == "page":
            return self.answer(200, "<html>login</html>", "text/html")
        if kind == "busy" and kind not in SEEN:
            SEEN.add(kind)
            return self.answer(429, {"error": {"message": "slow down"}}, retry_after="3")
        if kind == "srt" and form != "srt":
            return self.answer(400, {"error": {"message": "response_format verbose_json is not supported"}})
        if kind == "odd":
            return self.answer(200, {"language": 7, "text": "x", "segments": [
                {"start": -5, "end": 1e300, "text": "first\u0001 \n"}, {"start": "x", "end": None, "text": "second"},
                {"text": ""}, 5], "words": [{"word": "first", "start": 9e99, "end": -1}, {}, None]})
        segments, words = heard(seconds, kind, fields)
        if form == "srt":
            return self.answer(200, srt_of(segments), "text/plain")
        self.answer(200, {"task": "transcribe", "language": "english", "duration": seconds, "text": "", "segments": segments, "words": words})


server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
print(server.server_address[1], flush=True)
sys.stdin.close()
server.serve_forever()

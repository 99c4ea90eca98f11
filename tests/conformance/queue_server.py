"""A queue service that answers SendMessage as Amazon SQS does (AWS JSON 1.0), and hands each message on to the harness."""

import hashlib
import http.server
import json
import threading
import uuid


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = json.loads(body)
        message = request.get("MessageBody", "")
        digest = hashlib.md5(message.encode(), usedforsecurity=False).hexdigest()
        answer = json.dumps({"MD5OfMessageBody": digest, "MessageId": str(uuid.uuid4())}).encode()
        self.send_response_only(200)
        for name, value in (("x-amzn-RequestId", str(uuid.uuid4())), ("Date", self.date_time_string()), ("connection", "keep-alive"),
                            ("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(answer)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)
        self.wfile.flush()
        self.server.heard(request.get("QueueUrl", "").rsplit("/", 1)[-1], message)

    def log_message(self, *_):
        pass


class Queue(http.server.ThreadingHTTPServer):
    """`heard`, set by whoever reads the queues, is called with the queue's name and the body of each message that was sent."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard = lambda queue, message: None
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, name):
        return f"{self.endpoint}/123456789012/{name}"

    def close(self):
        self.shutdown()
        self.server_close()

"""A small client of the Step Functions wire protocol: JSON 1.0 over one kept connection a thread, unsigned but for a stand-in signature."""

import http.client
import json
import threading
import urllib.parse

SIGNATURE = ("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host;x-amz-date, "
             "Signature=0000000000000000000000000000000000000000000000000000000000000000")


class Refused(Exception):
    """The server's error: its type and its message."""

    def __init__(self, status, code, message):
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


class Client:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.local = threading.local()

    def send(self, method, path, body, headers):
        for attempt in (1, 2):
            link = getattr(self.local, "link", None)
            if link is None:
                link = self.local.link = http.client.HTTPConnection(self.host, self.port, timeout=60)
            try:
                link.request(method, path, body, headers)
                answer = link.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                link.close()
                self.local.link = None
                if attempt == 2:
                    raise

    def call(self, operation, **request):
        """The answer of one operation as an object; raises Refused for an error of the service."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions." + operation,
                   "X-Amz-Date": "20260101T000000Z", "Authorization": SIGNATURE.format(service="states")}
        status, body = self.send("POST", "/", json.dumps(request).encode(), headers)
        try:
            value = json.loads(body) if body else {}
        except ValueError:
            value = {"__type": "NotJson", "message": body[:300].decode("utf-8", "replace")}
        if status == 200:
            return value
        code = str(value.get("__type") or value.get("code") or status).split("#")[-1]
        raise Refused(status, code, value.get("message", value.get("Message", "")))

    def history(self, execution):
        """Every event of an execution, of all pages."""
        events, token = [], None
        while True:
            page = self.call("GetExecutionHistory", executionArn=execution, maxResults=1000, **({"nextToken": token} if token else {}))
            events += page["events"]
            token = page.get("nextToken")
            if not token:
                return events

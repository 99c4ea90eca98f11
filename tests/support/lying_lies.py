"""The lies that lying_s3.py can tell: LIES has a row for each. Their settings, besides those of every rule:

Instead of asking the server (the body is read first, or with early: true not at all):
    slow_down, internal_error, service_unavailable, request_timeout    503, 500, 503, 400     retry_after: seconds, or a date
    access_denied, no_such_bucket, no_such_key                         403, 404, 404
    error             status, code, message, fields: {..}, headers: {..}    any other
    expired_token     400 ExpiredToken to the access key of the request at which it is first told, until other credentials come.
                      after: n tells it in the middle; each: n expires every key after n requests of its own
    skewed_clock      minutes: the server's clock is off by these: 403 RequestTimeTooSkewed to whoever differs by over 15, the right signature
                      demanded of the others, and its Date in every answer. For signed headers, not for presigned addresses or signed chunks
    redirect          to region: 301 PermanentRedirect, status: 307 TemporaryRedirect with endpoint: "http://host:port", or status: 400
                      AuthorizationHeaderMalformed; until requests are signed for that region (307: until they go to that host).
                      quiet: true does not name the region
    reset_before      the connection breaks, nothing was done
    lost_put          200 with the right ETag; the server never hears of it
    html              200 with a page of HTML, as from a hotel's network     status: other
    hang              takes the request and says nothing
    call              function: calls it with the exchange before it goes on (to kill, to change a file); says nothing itself

Of the server's own answer:
    reset_after       the work is done, then the connection breaks
    cut               bytes: n (half) of the body, how: "length" (the length of all is announced), "chunked" (no end), "close" (neither, as HTTP/1.0),
                      "shorter" (the length of the part is announced: all looks well)           reset: true ends with a reset
    flip              a bit of byte: n (the middle)
    wrong_etag        another ETag, in the header or the answer's XML      same: true keeps the part behind "-"
    wrong_checksum    another x-amz-checksum-*      no_checksum, no_etag    leaves them away
    ignore_range      200 with all to a request for a range
    error_in_200      200, and an error in the body; with undone: true the server was not asked
    slow              bytes_per_second, stall_after: n bytes for stall_seconds (for ever)
    call_after        function: calls it with the exchange and the answer before that goes back
Listings:
    same_token        the first page over and over, its token always the same
    list_ends_early   keep: n keys (0) and no more pages; key_count: true counts what is left, false (default) keeps the count
    list_cut_xml      the XML ends in the middle, well framed
    list_shuffled     the keys out of order     list_twice   a key comes twice     list_foreign   a key that is outside of the prefix
    list_wrong_size   every Size one larger
    delete_errors     DeleteObjects: the first n: 1 of the answer's keys were denied (the server did remove them)
"""

import datetime
import hashlib
import re
import urllib.parse

from lying_s3 import RESET, Answer, error_answer, signature

SKEW = datetime.timedelta(minutes=15)
LISTINGS = ("ListObjectsV2", "ListObjects")
CONTENTS = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)


def retry_headers(rule):
    after = rule.words.get("retry_after")
    return [("Retry-After", str(after))] if after is not None else []


def fixed_error(status, code, message):
    def tell(rule, exchange, _):
        return error_answer(exchange, status, code, message, headers=retry_headers(rule))
    return tell


def any_error(rule, exchange, _):
    words = rule.words
    return error_answer(exchange, words.get("status", 500), words.get("code", "InternalError"), words.get("message", "We lied."),
                        list(words.get("fields", {}).items()), [*words.get("headers", {}).items(), *retry_headers(rule)])


def expired_token(rule, exchange, _):
    expired, used = rule.memory.setdefault("expired", set()), rule.memory.setdefault("used", {})
    key = exchange.access_key
    if "each" in rule.words:
        used[key] = used.get(key, 0) + 1
        if used[key] > rule.words["each"]:
            expired.add(key)
    elif not expired:
        expired.add(key)
    if key not in expired:
        return None
    return error_answer(exchange, 400, "ExpiredToken" if exchange.service != "lambda" else "ExpiredTokenException", "The provided token has expired.")


def skewed_clock(rule, exchange, handler):
    exchange.shift = datetime.timedelta(minutes=rule.words["minutes"])
    if exchange.date is None:
        return None
    if abs(exchange.date - exchange.now()) > SKEW:
        stamps = (exchange.headers.get("X-Amz-Date", ""), exchange.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        return error_answer(exchange, 403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
                            [("RequestTime", stamps[0]), ("ServerTime", stamps[1]), ("MaxAllowedSkewMilliseconds", "900000")])
    secret = handler.server.lies.credentials.get("SecretAccessKey")
    authorization = exchange.headers.get("Authorization", "")
    if not secret or exchange.access_key != handler.server.lies.credentials["AccessKeyId"] or not authorization:
        return None
    # The real server's clock is right: what was signed for the other one is signed again, after the same look at it.
    signed = authorization.partition("SignedHeaders=")[2].split(",")[0].strip().split(";")
    known = {name.lower(): value for name, value in exchange.headers.items()}
    if signature(exchange, known, exchange.headers["X-Amz-Date"], signed, secret)[1] != authorization.partition("Signature=")[2].strip():
        return error_answer(exchange, 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
    exchange.sign_again = True
    return None


def redirect(rule, exchange, _):
    words = rule.words
    region, status = words.get("region", "eu-west-1"), words.get("status", 301)
    named = [] if words.get("quiet") else [("x-amz-bucket-region", region)]
    if status == 307:
        place = urllib.parse.urlsplit(words["endpoint"])
        if exchange.headers.get("Host") == place.netloc:
            return None
        return error_answer(exchange, 307, "TemporaryRedirect", "Please re-send this request to the specified temporary endpoint.",
                            [("Bucket", exchange.bucket), ("Endpoint", place.netloc)], [("Location", words["endpoint"] + exchange.target), *named])
    if exchange.region == region:
        return None
    if status == 400:
        return error_answer(exchange, 400, "AuthorizationHeaderMalformed",
                            f"The authorization header is malformed; the region '{exchange.region}' is wrong; expecting '{region}'",
                            [] if words.get("quiet") else [("Region", region)], named)
    return error_answer(exchange, 301, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.",
                        [("Endpoint", words.get("endpoint", f"{exchange.bucket}.s3.{region}.amazonaws.com")), ("Bucket", exchange.bucket)], named)


def reset_before(*_):
    return RESET


def reset_after(*_):
    return None  # the proxy breaks the connection


def lost_put(_rule, _exchange, handler):
    digest = hashlib.md5()
    for block in handler.request_blocks():
        digest.update(block)
    return Answer(200, [("ETag", f'"{digest.hexdigest()}"')], 0, iter(()))


def html(rule, _exchange, _):
    page = b"<html><head><title>Welcome</title></head><body><p>Please sign in to the network.</p></body></html>"
    return Answer(rule.words.get("status", 200), [("Content-Type", "text/html")], len(page), iter([page]))


def hang(_rule, _exchange, handler):
    handler.server.lies.wait_for_leave(handler.connection)
    return RESET


def call(rule, exchange, _):
    exchange.told.append("call")
    rule.words["function"](exchange)
    return None


def call_after(rule, exchange, answer):
    rule.words["function"](exchange, answer)


def cut(rule, _exchange, answer):
    words, how = rule.words, rule.words.get("how", "length")
    if answer.length is None and how in ("length", "shorter"):
        answer.body()
    answer.cut = min(words.get("bytes", (answer.length or 2) // 2), answer.length if answer.length is not None else 1 << 62)
    answer.reset = words.get("reset", False)
    if how == "shorter":
        answer.set_body(answer.body()[:answer.cut])
        answer.cut = None
    else:
        answer.framing = how
    return answer.length != 0


def flip(rule, _exchange, answer):
    if answer.length is None:
        answer.body()
    if not answer.length:
        return False
    at, blocks = rule.words.get("byte", answer.length // 2) % answer.length, answer.blocks

    def flipped():
        passed = 0
        for block in blocks:
            if passed <= at < passed + len(block):
                block = bytearray(block)
                block[at - passed] ^= 1
            passed += len(block)
            yield bytes(block)
    answer.blocks = flipped()
    return True


def other_etag(text, rule):
    tail = re.search(r"-\d+", text) if rule.words.get("same") else None
    return f'"{hashlib.md5(text.encode()).hexdigest()}{tail.group() if tail else ""}"'


def wrong_etag(rule, _exchange, answer):
    tag = answer.header("ETag")
    if tag is not None:
        answer.set_header("ETag", other_etag(tag, rule))
        return True
    if "xml" not in (answer.header("Content-Type") or ""):
        return False
    body = re.sub(rb"<ETag>(.*?)</ETag>", lambda found: b"<ETag>" + other_etag(found.group(1).decode(), rule).encode() + b"</ETag>", answer.body())
    answer.set_body(body)
    return True


def wrong_checksum(_rule, _exchange, answer):
    names = [name for name, _ in answer.headers if name.lower().startswith("x-amz-checksum-") and name.lower() != "x-amz-checksum-type"]
    for name in names:
        value = answer.header(name)
        answer.set_header(name, ("B" if value[0] == "A" else "A") + value[1:])
    return bool(names)


def no_checksum(_rule, _exchange, answer):
    before = len(answer.headers)
    answer.headers = [(name, value) for name, value in answer.headers if not name.lower().startswith("x-amz-checksum-")]
    return len(answer.headers) < before


def no_etag(_rule, _exchange, answer):
    answer.set_header("ETag", None)


def ignore_range(_rule, exchange, _):
    if "Range" not in exchange.headers:
        return None
    exchange.without.add("range")
    authorization = exchange.headers.get("Authorization", "")
    exchange.sign_again = "range" in authorization.partition("SignedHeaders=")[2].split(",")[0].split(";")
    exchange.told.append("ignore_range")
    return None


def internal(rule, exchange):
    words = rule.words
    return error_answer(exchange, 200, words.get("code", "InternalError"), words.get("message", "We encountered an internal error. Please try again."))


def error_in_200(rule, exchange, answer):
    told = internal(rule, exchange)
    answer.headers = told.headers
    answer.set_body(told.body())


def error_in_200_undone(rule, exchange, _):
    return internal(rule, exchange) if rule.words.get("undone") else None


def slow(rule, _exchange, answer):
    answer.pace = rule.words


def field(body, name, value):
    """The XML with this field's text replaced; without the field when the value is None."""
    new = b"" if value is None else f"<{name}>{value}</{name}>".encode()
    return re.sub(f"<{name}>.*?</{name}>|<{name} ?/>".encode(), lambda _: new, body, count=1, flags=re.DOTALL)


def same_token(rule, _exchange, answer):
    page = rule.memory.get("page")
    if page is None:
        page = field(field(answer.body(), "IsTruncated", "true"), "NextContinuationToken", None)
        page = rule.memory["page"] = page.replace(b"</IsTruncated>", b"</IsTruncated><NextContinuationToken>again</NextContinuationToken>")
    answer.set_body(page)


def same_token_again(rule, exchange, _):
    """The made-up token would be refused by the server."""
    if exchange.query.get("continuation-token") != "again" or "page" not in rule.memory:
        return None  # the true answer, to be changed
    page = rule.memory["page"]
    return Answer(200, [("Content-Type", "application/xml")], len(page), iter([page]))


def list_ends_early(rule, _exchange, answer):
    body, keep = answer.body(), rule.words.get("keep", 0)
    keys = CONTENTS.findall(body)
    for gone in keys[keep:]:
        body = body.replace(gone, b"", 1)
    body = field(field(body, "IsTruncated", "false"), "NextContinuationToken", None)
    if rule.words.get("key_count"):
        body = field(body, "KeyCount", min(keep, len(keys)) + body.count(b"<CommonPrefixes>"))
    answer.set_body(body)
    return len(keys) > keep


def list_cut_xml(rule, _exchange, answer):
    body = answer.body()
    answer.set_body(body[:rule.words.get("bytes", len(body) // 2)])


def list_shuffled(rule, _exchange, answer):
    body = answer.body()
    keys = CONTENTS.findall(body)
    if len(keys) < 2:
        return False
    shuffled = keys[:]
    while shuffled == keys:
        rule.random.shuffle(shuffled)
    start, rest = body.index(b"<Contents>"), CONTENTS.sub(b"", body)
    answer.set_body(rest[:start] + b"".join(shuffled) + rest[start:])
    return True


def list_twice(_rule, _exchange, answer):
    body = answer.body()
    keys = CONTENTS.findall(body)
    if not keys:
        return False
    body = body.replace(keys[-1], keys[-1] * 2, 1)
    count = re.search(rb"<KeyCount>(\d+)<", body)
    answer.set_body(field(body, "KeyCount", int(count.group(1)) + 1) if count else body)
    return True


def list_foreign(rule, _exchange, answer):
    body = answer.body()
    keys = CONTENTS.findall(body)
    if not keys:
        return False
    answer.set_body(body.replace(keys[-1], keys[-1] + field(keys[-1], "Key", rule.words.get("key", "~outside/of/prefix")), 1))
    return True


def list_wrong_size(_rule, _exchange, answer):
    answer.set_body(re.sub(rb"<Size>(\d+)</Size>", lambda found: b"<Size>%d</Size>" % (int(found.group(1)) + 1), answer.body()))


def delete_errors(rule, _exchange, answer):
    denied = rb"<Error>\1<Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    body, changed = re.subn(rb"<Deleted>.*?(<Key>.*?</Key>).*?</Deleted>", denied, answer.body(), count=rule.words.get("n", 1), flags=re.DOTALL)
    answer.set_body(body)
    return bool(changed)


# Name: before the server is asked (an answer, RESET, or None: it is asked), after it was (False: nothing to lie about), the operations that it
# is about where the rule names none.
LIES = {
    "slow_down": (fixed_error(503, "SlowDown", "Please reduce your request rate."), None, None),
    "internal_error": (fixed_error(500, "InternalError", "We encountered an internal error. Please try again."), None, None),
    "service_unavailable": (fixed_error(503, "ServiceUnavailable", "Service is unable to handle request."), None, None),
    "request_timeout": (fixed_error(400, "RequestTimeout", "Your socket connection to the server was not read from or written to within the "
                                    "timeout period. Idle connections will be closed."), None, None),
    "access_denied": (fixed_error(403, "AccessDenied", "Access Denied"), None, None),
    "no_such_bucket": (fixed_error(404, "NoSuchBucket", "The specified bucket does not exist"), None, None),
    "no_such_key": (fixed_error(404, "NoSuchKey", "The specified key does not exist."), None, ("GetObject", "HeadObject")),
    "error": (any_error, None, None),
    "expired_token": (expired_token, None, None),
    "skewed_clock": (skewed_clock, None, None),
    "redirect": (redirect, None, None),
    "reset_before": (reset_before, None, None),
    "lost_put": (lost_put, None, ("PutObject", "UploadPart")),
    "html": (html, None, None),
    "hang": (hang, None, None),
    "call": (call, None, None),
    "reset_after": (None, reset_after, None),
    "call_after": (None, call_after, None),
    "slow": (None, slow, None),
    "cut": (None, cut, ("GetObject",)),
    "flip": (None, flip, ("GetObject",)),
    "wrong_etag": (None, wrong_etag, ("PutObject", "UploadPart", "GetObject")),
    "no_etag": (None, no_etag, ("PutObject", "UploadPart", "GetObject")),
    "wrong_checksum": (None, wrong_checksum, ("PutObject", "UploadPart", "GetObject")),
    "no_checksum": (None, no_checksum, ("PutObject", "UploadPart", "GetObject")),
    "ignore_range": (ignore_range, None, ("GetObject",)),
    "error_in_200": (error_in_200_undone, error_in_200, ("CompleteMultipartUpload", "CopyObject")),
    "same_token": (same_token_again, same_token, LISTINGS),
    "list_ends_early": (None, list_ends_early, LISTINGS),
    "list_cut_xml": (None, list_cut_xml, LISTINGS),
    "list_shuffled": (None, list_shuffled, LISTINGS),
    "list_twice": (None, list_twice, LISTINGS),
    "list_foreign": (None, list_foreign, LISTINGS),
    "list_wrong_size": (None, list_wrong_size, LISTINGS),
    "delete_errors": (None, delete_errors, ("DeleteObjects",)),
}

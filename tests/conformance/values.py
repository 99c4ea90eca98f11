"""Compares what a server answered with what the real service was recorded to answer.

The recordings were normalised (the README beside them says how): strings that begin with "{" and are JSON became objects, names and numbers of
the recording account became placeholders, times became words. So an expected value is a pattern: placeholders match any fitting text, the same
placeholder the same text each time, and everything else has to be equal, the kind of each number included.
"""

import json
import re

ACCOUNT = "111111111111"

# A placeholder inside a text, and what may stand for it. The first that matches its name is taken.
PLACEHOLDERS = [
    (r"<partition>", r"aws"),
    (r"<region>", r"[a-z]{2}-[a-z]+-\d|[a-z]{2}-[a-z]+-[a-z]+-\d"),
    (r"<uuid:\d+>", r"[0-9A-Za-z-]{16,}|<uuid:\d+>"),
    (r"<request[_-]id>", r'[0-9A-Za-z-]+"?|<request[_-]id>"?'),
    (r"<extended_request_id>", r"[^)]*"),
    (r"<json-input:\d+>", r".+"),
    (r"<task_token:\d+>", r"[^\"]+"),
    (r"<(start|entered)-time>", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"),
    (r"<execution-arn:\d+>", r"arn:aws:states:[^\"]+"),
    (r"<ArnPart_\d+idx>|<MapRunArnPart\d_\d+idx>|<ExecArnPart_\d+idx>|<SyncExecArn_Part\d_\d+idx>", r"[A-Za-z0-9_.-]+"),
    (r"<lambda[a-z0-9_-]*>|lambda_function_1_name", r"[A-Za-z0-9_.<>-]+"),
    (r"snf_role_arn", r"arn:aws:iam::\d{12}:role/[A-Za-z0-9_./-]+"),
    (r"<[A-Za-z][^<>\" ]*>", r".+?"),
]
PLACEHOLDER = re.compile("|".join(f"(?:{name})" for name, _ in PLACEHOLDERS))

# Words that stand for a whole value.
TIMES = {"timestamp", "date", "datetime", "start-date", "stop-date", "start-time", "entered-time", "<start-time>", "<entered-time>"}
CONSTANTS = {"x-amzn-RequestId", "x-amzn-requestid", "x-amz-crc32", "RequestId", "x-amzn-Remapped-Content-Length", "<omitted>", "sqs_queue_url"}
TIME = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d-\d\d-\d{4}T\d\d:\d\d|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}|\d{10,13}$)")


def opened(value, first="{"):
    """A text that is a JSON object as that object, as in the recordings; anything else as it is."""
    if isinstance(value, str) and value[:1] and value[0] in first:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def opened_all(value):
    value = opened(value)
    if isinstance(value, dict):
        return {key: opened_all(one) for key, one in value.items()}
    if isinstance(value, list):
        return [opened_all(one) for one in value]
    return value


def kind(value):
    """JSON's kinds, whole numbers apart from others: the service keeps 1 and 1.0 apart."""
    if value is None:
        return "null"
    return {bool: "boolean", int: "number", float: "fraction", str: "string", list: "array", dict: "object"}[type(value)]


class Matcher:
    """Compares one row's values; remembers what each placeholder stood for, and every difference."""

    def __init__(self, account=r"\d{12}", strict=True):
        self.account = account
        self.strict = strict  # whether JSON inside a text is compared to the byte, or as a value
        self.known = {}
        self.faults = []

    def fault(self, path, expected, actual):
        self.faults.append((path or "/", expected, actual))
        return False

    def text(self, expected, actual):
        if expected == actual:
            return True
        if not PLACEHOLDER.search(expected) and ACCOUNT not in expected:
            return same_json_text(expected, actual, self.strict)
        parts, names, last = [], [], 0
        for found in PLACEHOLDER.finditer(expected):
            parts.append(self.plain(expected[last:found.start()]))
            name = found.group()
            parts.append(self.hole(name, names))
            last = found.end()
        parts.append(self.plain(expected[last:]))
        match = re.fullmatch("".join(parts), actual, re.S)
        if not match:
            return False
        for number, name in enumerate(names):
            if match.group(f"hole{number}") != name:
                self.known.setdefault(name, match.group(f"hole{number}"))
        return True

    def plain(self, text):
        return re.escape(text).replace(ACCOUNT, f"(?:{ACCOUNT}|{self.account})")

    def hole(self, name, names):
        if name in self.known:
            return f"(?:{re.escape(self.known[name])}|{re.escape(name)})"
        if name in names:
            return f"(?P=hole{names.index(name)})"
        rule = next(rule for pattern, rule in PLACEHOLDERS if re.fullmatch(pattern, name))
        names.append(name)
        # A mocked answer carries the placeholder itself.
        return f"(?P<hole{len(names) - 1}>{rule}|{re.escape(name)})"

    def word(self, expected, actual):
        """Whether a word that stands for a whole value fits; None when it is no such word."""
        if expected in TIMES:
            one = actual[0] if isinstance(actual, list) and len(actual) == 1 else actual
            return one == expected or isinstance(one, (int, float)) and not isinstance(one, bool) or isinstance(one, str) and bool(TIME.match(one))
        if expected in CONSTANTS:
            one = actual[0] if isinstance(actual, list) and len(actual) == 1 else actual
            return isinstance(one, str)
        if expected == "RandomNumberGenerated":
            return isinstance(actual, (int, float)) and not isinstance(actual, bool)
        if expected in ("activity_arn", "map_run_arn"):
            return isinstance(actual, str) and actual.startswith("arn:aws:states:")
        if expected == "bucket-name":
            return isinstance(actual, str) and actual.startswith("bucket-name")
        return None

    def match(self, expected, actual, path=""):
        """True when `actual` is what was recorded as `expected`; each difference is kept in `faults`."""
        if isinstance(expected, str):
            if len(expected) > 2 and expected[0] == expected[-1] == '"' and isinstance(actual, str) and actual[:1] == '"':
                known = self.word(expected[1:-1], actual[1:-1])
            else:
                known = self.word(expected, actual)
            if known is not None:
                return known or self.fault(path, expected, actual)
            if isinstance(actual, str) and self.text(expected, actual):
                return True
            return self.fault(path, expected, actual)
        if isinstance(expected, (dict, list)):
            actual = opened(actual, "{[" if isinstance(expected, list) else "{")
        if kind(expected) != kind(actual):
            return self.fault(path, expected, actual)
        if isinstance(expected, dict):
            return self.objects(expected, actual, path)
        if isinstance(expected, list):
            if path.endswith("/Content-Length") and len(expected) == len(actual) == 1:
                return True  # the length of an answer with the recording's own names in it
            if len(expected) != len(actual):
                return self.fault(path, expected, actual)
            return all([self.match(left, right, f"{path}/{number}") for number, (left, right) in enumerate(zip(expected, actual))])
        return expected == actual or self.fault(path, expected, actual)

    def objects(self, expected, actual, path):
        good = True
        for key in list(expected) + [key for key in actual if key not in expected]:
            if key not in actual:
                good = self.fault(f"{path}/{key}", expected[key], ABSENT)
            elif key not in expected:
                good = self.fault(f"{path}/{key}", ABSENT, actual[key])
            elif key == "Content-Length" and isinstance(expected[key], str) and str(actual[key]).isdigit():
                continue
            else:
                good = self.match(expected[key], actual[key], f"{path}/{key}") and good
        return good


class Absent:
    def __repr__(self):
        return "(absent)"


ABSENT = Absent()


def same_json_text(left, right, strict):
    """Whether two texts are the same JSON but for the order of keys; `strict`: of the same characters, too."""
    if left[:1] not in "[{" or strict and sorted(left) != sorted(right):
        return False
    try:
        return json.dumps(json.loads(left), sort_keys=True) == json.dumps(json.loads(right), sort_keys=True)
    except ValueError:
        return False

#!/usr/bin/env python3
"""Proves that includes only point down (DESIGN section 3) and that every folder says what it is."""
import os
import re
import sys

ROOT = os.environ.get("SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src")

STORES = {"store/" + kind for kind in ("object", "queue", "table", "cache", "vector", "vault")}
LOW = {"base"}
APPLICATION = {"schedule", "flow", "run", "speech", "search", "sync", "web", "base", "store"}
# Room: the rooms it may include from. A driver's own header is a private matter of its folder.
MAY = {
    "base": set(),
    "aws": LOW,
    "web": LOW,
    "store": LOW | {"aws"},
    "sync": LOW | {"store"},
    "search": LOW,
    "speech": LOW,
    "run": LOW | {"store", "aws"},
    "flow": LOW | {"run", "store"},
    "schedule": LOW | {"flow", "run", "store"},
    "podcast": APPLICATION,
    "story": APPLICATION,
    "curation": APPLICATION,
    "repost": APPLICATION,
}
ABOVE_ALL = {"http", "cli"}
# The public headers of a store kind; every other header below store/ belongs to one driver and is opened by cli/ and http/ alone.
STORE_PUBLIC = {"object/object.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def includes(path):
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1)


def fault_of(room, included):
    target = included.split("/")[0]
    if "/" not in included:
        return "is not written from the root of src/"
    if not os.path.exists(os.path.join(SRC, included)):
        return None if included.startswith("generated/") else "is not there"
    if target == room:
        return None
    if room == "main.c":
        return None if target in ("cli", "base") else "main.c only picks the command"
    if room in ABOVE_ALL:
        if room == "http" and target == "cli":
            return "http/ may not use cli/"
        return None
    if target not in MAY[room]:
        return f"{room}/ may not use {target}/"
    if target == "store" and included[len("store/"):] not in STORE_PUBLIC and room != "store":
        return "is a driver's own header"
    return None


def main():
    faults, files = [], 0
    for folder, _, names in sorted(os.walk(SRC)):
        sources = [n for n in names if n.endswith((".c", ".h"))]
        if sources and folder != SRC and "README.md" not in names:
            faults.append(f"{os.path.relpath(folder, ROOT)}: has no README.md")
        for name in sorted(sources):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, SRC)
            room = inside.split(os.sep)[0]
            files += 1
            if room not in MAY and room not in ABOVE_ALL and room != "main.c":
                faults.append(f"src/{inside}: {room}/ is no room of the house")
                continue
            for number, included in includes(path):
                fault = fault_of(room, included)
                if fault:
                    faults.append(f"src/{inside}:{number}: \"{included}\" {fault}")
    # The check must be able to fail: an include upwards is a fault, one downwards is not.
    assert fault_of("base", "podcast/site.h") or not os.path.exists(os.path.join(SRC, "podcast/site.h"))
    assert fault_of("web", "base/error.h") is None and fault_of("base", "base/error.h") is None
    for fault in faults:
        print(fault)
    print(f"layers: {files} files, {len(faults)} faults")
    return 1 if faults or not files else 0


if __name__ == "__main__":
    sys.exit(main())

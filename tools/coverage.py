#!/usr/bin/env python3
"""Lines covered by room, from gcov's JSON of a coverage build."""
import collections
import gzip
import json
import os
import subprocess
import sys
import tempfile


def main():
    build = os.path.abspath(sys.argv[1])
    source = os.path.dirname(os.path.dirname(build)) + "/src/"
    lines = collections.defaultdict(dict)
    notes = [os.path.join(f, n) for f, _, names in os.walk(build) for n in names if n.endswith(".gcda") and "/src/" in f]
    with tempfile.TemporaryDirectory() as scratch:
        for note in notes:
            subprocess.run(["gcov", "--json-format", note], cwd=scratch, check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            for name in os.listdir(scratch):
                with gzip.open(os.path.join(scratch, name)) as data:
                    for file in json.load(data)["files"]:
                        path = os.path.abspath(os.path.join(build, file["file"]))
                        if path.startswith(source):
                            for line in file["lines"]:
                                key = (path[len(source):], line["line_number"])
                                room = key[0].split("/")[0]
                                lines[room][key] = max(lines[room].get(key, 0), line["count"])
                os.remove(os.path.join(scratch, name))
    total = covered = 0
    for room in sorted(lines):
        hit = sum(1 for count in lines[room].values() if count)
        total += len(lines[room])
        covered += hit
        print(f"{room:12} {100 * hit / len(lines[room]):5.1f} %  {hit}/{len(lines[room])}")
    print(f"{'all':12} {100 * covered / max(total, 1):5.1f} %  {covered}/{total}")
    return 0 if total else 1


if __name__ == "__main__":
    sys.exit(main())

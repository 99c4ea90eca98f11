#!/usr/bin/env python3
"""Prints the table of the search benchmark from the two result files (JSON lines): report.py OURS PEER"""
import json
import os
import platform
import sys


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def pick(figures, name, **where):
    for figure in figures:
        if figure["figure"] == name and all(figure.get(key) == value for key, value in where.items()):
            return figure
    return {}


def row(what, ours, peer, form="{:,.1f}", goal="", better="less"):
    ratio = ""
    if ours and peer:
        ratio = "{:,.1f}x".format(peer / ours if better == "less" else ours / peer)
    show = lambda value: form.format(value) if value is not None else "-"
    print(f"| {what} | {show(ours)} | {show(peer)} | {ratio} | {goal} |")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def main():
    ours, peer = read(sys.argv[1]), read(sys.argv[2])
    build, other = pick(ours, "build"), pick(peer, "build")
    print(f"{build['passages']:,} passages, {build['text_bytes'] / 1e6:.1f} MB of text; {processor()}, "
          f"load {os.getloadavg()[0]:.1f} at the end")
    print()
    print("| | tidemill | @orama/orama 3.1.18 | ratio | goal |")
    print("|---|---|---|---|---|")
    row("build, s", build["seconds"], other.get("seconds"), goal="15x")
    row("build, s of processor time", build["cpu_seconds"], other.get("cpu_seconds"))
    row("build, peak MiB", build["peak_mib"], other.get("peak_mib"), goal="20x")
    saved = pick(peer, "save")
    row("on disk, bytes a byte of text", build["disk_bytes"] / build["text_bytes"],
        saved["disk_bytes"] / build["text_bytes"] if "disk_bytes" in saved else None, "{:.2f}", "2.5")
    add = pick(ours, "add")
    whole = pick(peer, "add").get("seconds")
    if whole is not None and "seconds" in saved:
        whole += saved["seconds"]
    row("one more episode on disk, s", add["seconds"], whole, "{:.2f}", "0.5")
    for figure in ours:
        if figure["figure"] == "first":
            row(f"fresh process, first answer, ms: {figure['query']}", figure["ms"],
                pick(peer, "first", query=figure["query"]).get("ms"), goal="50")
    for kind in ("all", "word", "common", "phrase", "prefix", "typo"):
        a, b = pick(ours, "queries", **{"class": kind}), pick(peer, "queries", **{"class": kind})
        if not a:
            continue
        name = "warm, all questions" if kind == "all" else f"warm, {kind}"
        row(f"{name}: p50, ms", a["p50_ms"], b.get("p50_ms"), "{:,.2f}", "2")
        row(f"{name}: p99, ms", a["p99_ms"], b.get("p99_ms"), "{:,.2f}", "50")
        row(f"{name}: p99, ms of processor time", a["cpu_p99_ms"], b.get("cpu_p99_ms"), "{:,.2f}")
    typo, theirs = pick(ours, "queries", **{"class": "typo"}), pick(peer, "queries", **{"class": "typo"})
    row("one slip: the word meant is answered, %", 100 * typo["found"], 100 * theirs["found"] if theirs else None,
        goal="95", better="more")
    row("after all questions, peak MiB (mapped file included)", pick(ours, "queries_memory")["peak_mib"],
        pick(peer, "queries_memory").get("peak_mib"))
    print()
    print(f"Of the slips {100 * typo['slip_is_a_word']:.1f} % are words of the index themselves and are answered as such; "
          f"of the others the first guess is right for {100 * typo['first_guess']:.1f} %.")


main()

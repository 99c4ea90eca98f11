#!/usr/bin/env python3
"""Plain SQLite FTS5 (external content, BM25 ranking of its own, detail full) on the data of generate: fts5.py DATA

Tells what the index of src/search/ gains over it: build time, size, and for each class of questions the 25 best and the exact total."""
import os
import sqlite3
import sys
import tempfile
import time

SAMPLE = 150


def rows(folder):
    number = 0
    with open(os.path.join(folder, "passages.tsv"), encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if fields[0] == "P":
                number += 1
                yield number, int(fields[1]), int(fields[2]), fields[3]


def build(folder, path):
    db = sqlite3.connect(path)
    db.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "CREATE TABLE passage(id INTEGER PRIMARY KEY, start, finish, text);"
        "CREATE VIRTUAL TABLE words USING fts5(text, content='passage', content_rowid='id',"
        " tokenize='unicode61 remove_diacritics 2');")
    start = time.process_time()
    db.executemany("INSERT INTO passage VALUES(?, ?, ?, ?)", rows(folder))
    db.execute("INSERT INTO words(rowid, text) SELECT id, text FROM passage")
    db.commit()
    db.close()
    print(f"build: {time.process_time() - start:.1f} s of processor time, {os.path.getsize(path):,} bytes")


def timed(db, sql, question):
    start = time.process_time()
    db.execute(sql, (question,)).fetchall()
    return (time.process_time() - start) * 1e3


def questions(folder):
    classes = {}
    with open(os.path.join(folder, "queries.tsv"), encoding="utf-8") as file:
        for line in file:
            kind, text, _ = line.rstrip("\n").split("\t")
            if kind in ("word", "common"):
                text = " ".join(f'"{word}"' for word in text.split())
            if kind != "typo":
                classes.setdefault(kind, []).append(text)
    return classes


def main():
    folder = sys.argv[1]
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "fts5.sqlite")
        build(folder, path)
        db = sqlite3.connect(path)
        db.execute("PRAGMA mmap_size = 2000000000")
        for kind, texts in questions(folder).items():
            taken = sorted(
                timed(db, "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT 25", text)
                + timed(db, "SELECT count(*) FROM words WHERE words MATCH ?", text) for text in texts[:SAMPLE])
            print(f"{kind}: p50 {taken[len(taken) // 2]:.1f} ms, p99 {taken[int(len(taken) * 0.99)]:.1f} ms of processor time")


main()

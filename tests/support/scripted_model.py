#!/usr/bin/env python3
"""Writes a speech model that says what a test wants: a true ggml file for whisper.cpp, 64 wide and one layer deep.

    scripted_model.py --output FILE --cues '[{"start": 0, "end": 2.5, "text": "Hello there."}, ...]'
    scripted_model.py --output FILE --cues cues.json [--period 30] [--multilingual] [--language en] [--split-characters]
    scripted_model.py --output FILE --text 'One sentence. And another one.'

whisper.cpp loads it and runs its whole real path (mel, encoder, decoder, token rules, windows, segments, token times), but
the text and the times are exact and known, and a window takes a few hundredths of a second. It tests no recognition: the
audio has no influence. The same arguments give the same bytes.

What it says. In each window of the audio the cues come out with their times counted from the start of the window; windows start
every `--period` seconds (at most 30, the default). Audio of 70 s with one cue 0-2.5 s and the default period has cues at 0-2.5,
30-32.5 and 60-62.5 s. Where the audio ends within a window, whisper.cpp stops after the first cue that ends past it. The first cue
must start within one second (whisper.cpp's max_initial_ts), times are multiples of 0.02 s, cues do not overlap, and there is
room for about 200 tokens. A word is one token of at most eight characters, so longer words are several, as in life;
with --split-characters a character outside ASCII is cut over two tokens, as real vocabularies do. Any prompt is accepted and has
no influence. Without timestamps (whisper.cpp's no_timestamps) the texts of all cues follow one another.

How it works. The decoder is made a table from each token to the next one. All attention is switched off (zero output
matrices), so what goes through the network for a token is its own embedding alone. The embedding's 64 numbers are two halves:

    0..31   name: a code that says which token this is. Text tokens use numbers 0..15, timestamps 16..31.
    32..63  next: the name of the token that follows.

The feed-forward layer copies `next` over `name`, thirtyfold; gelu(x) - gelu(-x) = x makes it an exact copy. The last
normalisation drops `next`. Logits are the products with all embeddings again, so the token whose name is there wins. Codes are
+1 and -1 in equal numbers (the mean that normalisation takes away is then 0), and two codes agree in at most twelve of sixteen places.
A token may have two followers, one of each kind: after a timestamp that both ends a cue and starts the next, whisper.cpp's own
rule (timestamps come in pairs) picks the right one. Each script token has an id of its own, even when words repeat.
"""

import argparse
import json
import os
import random
import re
import struct
import sys

WIDTH = 64
HALF = WIDTH // 2
CODE = 16
HIDDEN = 4 * WIDTH
AUDIO_CONTEXT, TEXT_CONTEXT = 1500, 448
MELS, FFT_BINS = 80, 201
MOST_TOKENS = 200  # whisper.cpp takes at most 220 tokens a window
FIRST_SCRIPT_ID = 256  # below: one token for each byte, so that every prompt can be read
COPY_GAIN = 30.0
LOGIT_GAIN = 2.5
SECOND_CHOICE = 0.7
LANGUAGES = "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur".split()


class Wrong(Exception):
    """The script cannot be spoken; the text says why."""


class Ids:
    """Where whisper.cpp expects the control tokens (whisper_vocab in its whisper.cpp)."""

    def __init__(self, multilingual):
        shift = 1 if multilingual else 0
        self.vocabulary = 51864 + shift
        self.eot, self.sot = 50256 + shift, 50257 + shift
        self.languages = self.sot + 1
        self.translate, self.transcribe = 50357 + shift, 50358 + shift
        self.not_timestamps, self.begin = 50362 + shift, 50363 + shift


def stamp(seconds):
    units = round(seconds * 50)
    if abs(units / 50 - seconds) > 1e-6:
        raise Wrong(f"the time {seconds} is no multiple of 0.02 s")
    return units


def cues_check(cues, period):
    if not cues:
        raise Wrong("there is no cue")
    last = 0
    for i, cue in enumerate(cues):
        start, end = stamp(cue["start"]), stamp(cue["end"])
        if start < last or end <= start:
            raise Wrong(f"cue {i + 1} must start at {last / 50} s or later and end after its start")
        if not cue["text"].strip():
            raise Wrong(f"cue {i + 1} has no text")
        last = end
    if stamp(cues[0]["start"]) > 50:
        raise Wrong("the first cue must start within 1 s: whisper.cpp allows no later start of a window")
    if not last <= stamp(period) <= 1500:
        raise Wrong(f"the period must lie between the end of the last cue, {last / 50} s, and 30 s")


def pieces(text, split_characters):
    """Tokens of a text as bytes: words with the space before them, cut after eight characters."""
    out = []
    for word in re.findall(r"\s*\S+", " " + text.strip()):
        for part in re.findall(r"(?s)\s*\S{1,8}", word):
            data = part.encode()
            cut = next((i + 1 for i, b in enumerate(data) if b >= 0xC0), 0) if split_characters else 0
            out += [data[:cut], data[cut:]] if cut else [data]
    return out


def cues_of_text(text):
    """A cue a sentence, 0.4 s a word."""
    cues, at = [], 0
    for sentence in re.findall(r"[^.!?]+[.!?]*", text):
        if sentence.strip():
            length = 20 * len(sentence.split())
            cues.append({"start": at / 50, "end": (at + length) / 50, "text": sentence.strip()})
            at += length
    return cues


def codes():
    """Yields different balanced codes, any two of which agree in at most twelve places."""
    chosen, source = [], random.Random(1)
    candidates = [c for c in range(1 << CODE) if c.bit_count() == CODE // 2]
    source.shuffle(candidates)
    for candidate in candidates:
        if all((candidate ^ other).bit_count() >= 4 for other in chosen):
            chosen.append(candidate)
            yield [1.0 if candidate >> i & 1 else -1.0 for i in range(CODE)]


class Chain:
    """The table from token to next token, as embeddings."""

    def __init__(self, ids):
        self.ids = ids
        self.text_codes, self.time_codes = codes(), codes()
        self.names, self.nexts = {}, {}

    def name(self, token):
        if token not in self.names:
            time = token >= self.ids.begin
            code = next(self.time_codes if time else self.text_codes)
            self.names[token] = [0.0] * CODE + code if time else code + [0.0] * CODE
        return self.names[token]

    def follow(self, token, first, second=None):
        """After `token` comes `first`; where the rules forbid that, `second`, which is of the other kind."""
        follower = list(self.name(first))
        if second is not None and (second >= self.ids.begin) != (first >= self.ids.begin):
            follower = [a + SECOND_CHOICE * b for a, b in zip(follower, self.name(second))]
        self.nexts[token] = follower

    def embeddings(self):
        table = bytearray(self.ids.vocabulary * WIDTH * 2)
        for token in {*self.names, *self.nexts}:
            row = self.names.get(token, [0.0] * HALF) + self.nexts.get(token, [0.0] * HALF)
            struct.pack_into(f"<{WIDTH}e", table, token * WIDTH * 2, *row)
        return bytes(table)


def chain_build(cues, period, ids, language, split_characters):
    """Returns the chain and the texts of the script's tokens, whose ids start at FIRST_SCRIPT_ID."""
    chain, texts, spoken = Chain(ids), [], []
    for cue in cues:
        parts = pieces(cue["text"], split_characters)
        spoken.append([FIRST_SCRIPT_ID + len(texts) + i for i in range(len(parts))])
        texts += parts
    if len(texts) + 2 * len(cues) > MOST_TOKENS:
        raise Wrong(f"the script has {len(texts) + 2 * len(cues)} tokens; a window takes {MOST_TOKENS}")
    first_stamp = ids.begin + stamp(cues[0]["start"])
    chain.follow(ids.not_timestamps, spoken[0][0])
    for token in (ids.translate, ids.transcribe):
        chain.follow(token, first_stamp)
    chain.follow(ids.sot, ids.languages + LANGUAGES.index(language) if ids.vocabulary > 51864 else first_stamp)
    for i, (cue, tokens) in enumerate(zip(cues, spoken)):
        start, end = ids.begin + stamp(cue["start"]), ids.begin + stamp(cue["end"])
        last = i + 1 == len(cues)
        after = ids.eot if last else spoken[i + 1][0]
        next_stamp = ids.begin + stamp(period if last else cues[i + 1]["start"])
        if start not in chain.nexts:  # else the cue before ends here and has said it
            chain.follow(start, tokens[0])
        for one, other in zip(tokens, tokens[1:]):
            chain.follow(one, other)
        chain.follow(tokens[-1], end, after)
        if last and next_stamp == end:
            chain.follow(end, ids.eot)
        else:
            chain.follow(end, next_stamp, after if next_stamp == end else None)
    if ids.begin + stamp(period) not in chain.nexts:
        chain.follow(ids.begin + stamp(period), ids.eot)
    return chain, texts


def tensor(name, dims, data=None, ones=False):
    """One tensor; dims from the outermost in. Zeros when there is no data."""
    count = 1
    for dim in dims:
        count *= dim
    wide = len(dims) == 1 or dims[-1] == 1 or name.endswith("positional_embedding")
    if data is None:
        data = struct.pack("<f" if wide else "<e", 1.0 if ones else 0.0) * count
    head = struct.pack(f"<{3 + len(dims)}i", len(dims), len(name), 0 if wide else 1, *reversed(dims))
    return head + name.encode() + data


def feed_forward():
    """The two matrices that copy `next` over `name`."""
    first, second = [0.0] * (HIDDEN * WIDTH), [0.0] * (WIDTH * HIDDEN)
    for i in range(HALF):
        first[(2 * i) * WIDTH + HALF + i] = 1.0
        first[(2 * i + 1) * WIDTH + HALF + i] = -1.0
        second[i * HIDDEN + 2 * i] = COPY_GAIN
        second[i * HIDDEN + 2 * i + 1] = -COPY_GAIN
    return struct.pack(f"<{len(first)}e", *first), struct.pack(f"<{len(second)}e", *second)


def block(side, mlp=(None, None)):
    out, name = [], f"{side}.blocks.0"
    kinds = ["attn"] if side == "encoder" else ["attn", "cross_attn"]
    for part in ["mlp"] + kinds:
        out += [tensor(f"{name}.{part}_ln.weight", [WIDTH], ones=True), tensor(f"{name}.{part}_ln.bias", [WIDTH])]
    out += [tensor(f"{name}.mlp.0.weight", [HIDDEN, WIDTH], mlp[0]), tensor(f"{name}.mlp.0.bias", [HIDDEN])]
    out += [tensor(f"{name}.mlp.2.weight", [WIDTH, HIDDEN], mlp[1]), tensor(f"{name}.mlp.2.bias", [WIDTH])]
    for part in kinds:
        for matrix in ("query", "key", "value", "out"):
            out.append(tensor(f"{name}.{part}.{matrix}.weight", [WIDTH, WIDTH]))
            if matrix != "key":
                out.append(tensor(f"{name}.{part}.{matrix}.bias", [WIDTH]))
    return out


def model_build(cues, period=30.0, multilingual=False, language="en", split_characters=False):
    """The bytes of the model file."""
    cues_check(cues, period)
    ids = Ids(multilingual)
    chain, texts = chain_build(cues, period, ids, language, split_characters)
    out = [struct.pack("<6i", 0x67676D6C, ids.vocabulary, AUDIO_CONTEXT, WIDTH, 1, 1)]
    out.append(struct.pack("<6i", TEXT_CONTEXT, WIDTH, 1, 1, MELS, 1))
    out.append(struct.pack("<2i", MELS, FFT_BINS) + struct.pack("<f", 0.01) * (MELS * FFT_BINS))
    vocabulary = [bytes([b]) for b in range(FIRST_SCRIPT_ID)] + texts
    out.append(struct.pack("<i", len(vocabulary)))
    out += [struct.pack("<i", len(text)) + text for text in vocabulary]
    out.append(tensor("decoder.positional_embedding", [TEXT_CONTEXT, WIDTH]))
    out.append(tensor("encoder.positional_embedding", [AUDIO_CONTEXT, WIDTH]))
    out.append(tensor("decoder.token_embedding.weight", [ids.vocabulary, WIDTH], chain.embeddings()))
    out += block("decoder", feed_forward())
    keep = struct.pack(f"<{WIDTH}f", *[LOGIT_GAIN] * HALF + [0.0] * HALF)
    out += [tensor("decoder.ln.weight", [WIDTH], keep), tensor("decoder.ln.bias", [WIDTH])]
    out += [tensor("encoder.conv1.weight", [WIDTH, MELS, 3]), tensor("encoder.conv1.bias", [WIDTH, 1])]
    out += [tensor("encoder.conv2.weight", [WIDTH, WIDTH, 3]), tensor("encoder.conv2.bias", [WIDTH, 1])]
    out += block("encoder")
    out += [tensor("encoder.ln_post.weight", [WIDTH], ones=True), tensor("encoder.ln_post.bias", [WIDTH])]
    return b"".join(out)


def main():
    parser = argparse.ArgumentParser(description="Writes a whisper.cpp model that says a given script.")
    parser.add_argument("--output", required=True)
    script = parser.add_mutually_exclusive_group(required=True)
    script.add_argument("--cues", help="a JSON array of {start, end, text} in seconds, or a file that holds one")
    script.add_argument("--text", help="sentences; each becomes a cue of 0.4 s a word")
    parser.add_argument("--period", type=float, default=30.0, help="seconds from one window to the next (default 30)")
    parser.add_argument("--multilingual", action="store_true", help="with the multilingual vocabulary")
    parser.add_argument("--language", default="en", choices=LANGUAGES, help="what a multilingual model detects")
    parser.add_argument("--split-characters", action="store_true", help="cut characters outside ASCII over two tokens")
    arguments = parser.parse_args()
    try:
        if arguments.text:
            cues = cues_of_text(arguments.text)
        elif arguments.cues.lstrip().startswith("["):
            cues = json.loads(arguments.cues)
        else:
            with open(arguments.cues, encoding="utf-8") as file:
                cues = json.load(file)
        data = model_build(cues, arguments.period, arguments.multilingual, arguments.language, arguments.split_characters)
    except (Wrong, OSError, ValueError, KeyError, StopIteration) as problem:
        sys.exit(f"scripted_model: {problem if isinstance(problem, Wrong) else repr(problem)}")
    partial = arguments.output + ".partial"
    with open(partial, "wb") as file:
        file.write(data)
    os.replace(partial, arguments.output)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Turns a Whisper model in CTranslate2's format into the ggml file that whisper.cpp loads.

    convert_ctranslate2.py --model model.bin [more parts] --vocabulary vocabulary.txt --output ggml-tiny.en.bin

Standard library only. Several --model files are parts of one, joined in the order given.

Both formats hold the same half-precision numbers; what differs is the wrapping. This program undoes what CTranslate2's
converter did (it joins the query, key and value projections into one matrix) and writes the tensors in the order of the
original checkpoint, so that the result is the published file byte for byte. Its hash is therefore the proof that the
conversion is right and that the weights are OpenAI's own.

Input (CTranslate2, binary version 6, as its python/ctranslate2/specs/model_spec.py writes it), little-endian:
    u32 version, text spec name, u32 spec revision, u32 count,
    count times: text name, u8 rank, u32 dims[rank], u8 type, u32 bytes, data; then aliases, not needed here.
    A text is u16 length and that many bytes, the last one 0. Type 4 is float16.
Output (whisper.cpp, models/convert-pt-to-ggml.py): magic, 11 hyperparameters, mel filters, vocabulary, tensors:
    i32 rank, i32 name length, i32 type (0 float32, 1 float16), i32 dims from the innermost out, name, data.
    Matrices stay float16; vectors and the two positional tables are float32.
"""

import argparse
import hashlib
import math
import os
import struct
import sys

MAX_TENSORS = 4096
MAX_RANK = 4
FLOAT16 = 4
MEL_BINS = 80
FFT_BINS = 201


class Damaged(Exception):
    """The input is not what it should be; the text says how."""


class Reader:
    """Takes numbers and texts from the front of a block of bytes, and refuses to go past its end."""

    def __init__(self, data):
        self.data = memoryview(data)
        self.at = 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Damaged(f"the model ends at byte {len(self.data)}, in the middle of a tensor")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, kind):
        return struct.unpack("<" + kind, self.take(struct.calcsize("<" + kind)))[0]

    def text(self):
        return bytes(self.take(self.number("H"))).rstrip(b"\0").decode("ascii")


def tensors_read(data):
    """Returns {name: (dims, bytes)} of every float16 tensor, and {name: int} of the scalars."""
    reader = Reader(data)
    version = reader.number("I")
    if version != 6:
        raise Damaged(f"CTranslate2 binary version {version}; this program reads version 6")
    spec = reader.text()
    if spec != "WhisperSpec":
        raise Damaged(f'the model is a "{spec}", not a "WhisperSpec"')
    reader.number("I")
    count = reader.number("I")
    if count > MAX_TENSORS:
        raise Damaged(f"{count} tensors are more than any Whisper model has")
    tensors, scalars = {}, {}
    for _ in range(count):
        name = reader.text()
        rank = reader.number("B")
        if rank > MAX_RANK:
            raise Damaged(f"tensor {name} has rank {rank}")
        dims = [reader.number("I") for _ in range(rank)]
        kind = reader.number("B")
        body = reader.take(reader.number("I"))
        if rank == 0:
            scalars[name] = int.from_bytes(body, "little", signed=True)
        elif kind == FLOAT16:
            if len(body) != 2 * math.prod(dims):
                raise Damaged(f"tensor {name} has {len(body)} bytes, which does not fit its shape {dims}")
            tensors[name] = (dims, body)
        elif name not in ("decoder/alignment_heads",):
            raise Damaged(f"tensor {name} is not float16: only unquantised models can be converted")
    return tensors, scalars


def bytes_of_characters():
    """GPT-2's byte-level vocabulary shows each byte as one printable character: {character: byte}."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {**{chr(b): b for b in printable}, **{chr(256 + i): b for i, b in enumerate(others)}}


def vocabulary_read(path, vocabulary_size):
    """Returns the text tokens as bytes; the control tokens after them have no entry in a ggml file."""
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    text_tokens = 50257  # the same number in the English (with <|endoftext|>) and in the multilingual vocabulary
    if len(lines) < vocabulary_size:
        raise Damaged(f"{path} has {len(lines)} tokens, the model has {vocabulary_size}")
    decode = bytes_of_characters()
    tokens = []
    for line in lines[:text_tokens]:
        try:
            tokens.append(bytes(decode[c] for c in line))
        except KeyError as unknown:
            raise Damaged(f"{path}: the token {line!r} has a character that stands for no byte") from unknown
    return tokens


def mel_filters():
    """The triangular filters of Slaney's mel scale over the 201 bins of a 400 point transform at 16 kHz, each of unit area.

    Malcolm Slaney, Auditory Toolbox, version 2 (1998): linear below 1000 Hz, logarithmic above. Each weight is rounded
    to float32 before and after it is scaled, which is how the published filters came to be.
    """
    linear, corner, log_step = 200.0 / 3.0, 1000.0, math.log(6.4) / 27.0
    corner_mel = corner / linear
    top = corner_mel + math.log(8000.0 / corner) / log_step

    def hertz(mel):
        return corner * math.exp(log_step * (mel - corner_mel)) if mel >= corner_mel else linear * mel

    def single(value):
        return struct.unpack("<f", struct.pack("<f", value))[0]

    edges = [hertz(i * (top / (MEL_BINS + 1))) for i in range(MEL_BINS + 1)] + [hertz(top)]
    weights = []
    for low, middle, high in zip(edges, edges[1:], edges[2:]):
        area = 2.0 / (high - low)
        for k in range(FFT_BINS):
            f = k * 40.0
            slope = max(0.0, min((f - low) / (middle - low), (high - f) / (high - middle)))
            weights.append(single(slope) * area)
    return struct.pack(f"<{len(weights)}f", *weights)


def tensor_pack(name, dims, data):
    """One tensor as whisper.cpp reads it."""
    if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
        dims = [dims[0], 1]
    wide = len(dims) < 2 or dims[-1] == 1 or name.endswith("positional_embedding")
    if wide:
        data = struct.pack(f"<{len(data) // 2}f", *struct.unpack(f"<{len(data) // 2}e", data))
    head = struct.pack(f"<{3 + len(dims)}i", len(dims), len(name), 0 if wide else 1, *reversed(dims))
    return head + name.encode("ascii") + bytes(data)


class Converter:
    def __init__(self, tensors, write):
        self.tensors = tensors
        self.write = write
        self.used = set()

    def one(self, source, name, part=0, parts=1):
        """Writes a tensor, or one of `parts` equal slices of it along the first dimension."""
        if source not in self.tensors:
            raise Damaged(f"the model has no tensor {source}")
        self.used.add(source)
        dims, data = self.tensors[source]
        size = len(data) // parts
        self.write(tensor_pack(name, [dims[0] // parts, *dims[1:]], data[part * size : (part + 1) * size]))

    def linear(self, source, name, part=0, parts=1, bias=True):
        self.one(source + "/weight", name + ".weight", part, parts)
        if bias:
            self.one(source + "/bias", name + ".bias", part, parts)

    def norm(self, source, name):
        self.one(source + "/gamma", name + ".weight")
        self.one(source + "/beta", name + ".bias")

    def block(self, side, i):
        source, name = f"{side}/layer_{i}", f"{side}.blocks.{i}"
        self.norm(source + "/ffn/layer_norm", name + ".mlp_ln")
        self.linear(source + "/ffn/linear_0", name + ".mlp.0")
        self.linear(source + "/ffn/linear_1", name + ".mlp.2")
        # Whisper's key projections have no bias: CTranslate2 stores zeros for them, which are left out again.
        own = source + "/self_attention"
        self.norm(own + "/layer_norm", name + ".attn_ln")
        self.linear(own + "/linear_0", name + ".attn.query", 0, 3)
        self.linear(own + "/linear_0", name + ".attn.key", 1, 3, bias=False)
        self.linear(own + "/linear_0", name + ".attn.value", 2, 3)
        self.linear(own + "/linear_1", name + ".attn.out")
        if side == "decoder":
            cross = source + "/attention"
            self.norm(cross + "/layer_norm", name + ".cross_attn_ln")
            self.linear(cross + "/linear_0", name + ".cross_attn.query")
            self.linear(cross + "/linear_1", name + ".cross_attn.key", 0, 2, bias=False)
            self.linear(cross + "/linear_1", name + ".cross_attn.value", 1, 2)
            self.linear(cross + "/linear_2", name + ".cross_attn.out")

    def all(self, encoder_layers, decoder_layers):
        """The order of OpenAI's own checkpoints of 2022: decoder first, each block from its end."""
        self.one("decoder/position_encodings/encodings", "decoder.positional_embedding")
        self.one("encoder/position_encodings/encodings", "encoder.positional_embedding")
        self.one("decoder/embeddings/weight", "decoder.token_embedding.weight")
        for i in range(decoder_layers):
            self.block("decoder", i)
        self.norm("decoder/layer_norm", "decoder.ln")
        self.linear("encoder/conv1", "encoder.conv1")
        self.linear("encoder/conv2", "encoder.conv2")
        for i in range(encoder_layers):
            self.block("encoder", i)
        self.norm("encoder/layer_norm", "encoder.ln_post")
        left = set(self.tensors) - self.used
        if left:
            raise Damaged(f"the model has tensors that a Whisper model has not: {', '.join(sorted(left)[:3])}")


def layers_count(tensors, side):
    return len({name.split("/")[1] for name in tensors if name.startswith(f"{side}/layer_") and name[len(side) + 7].isdigit()})


def convert(model, vocabulary, write):
    tensors, scalars = tensors_read(model)
    try:
        vocabulary_size, text_state = tensors["decoder/embeddings/weight"][0]
        text_context = tensors["decoder/position_encodings/encodings"][0][0]
        audio_context, audio_state = tensors["encoder/position_encodings/encodings"][0]
        mel_bins = tensors["encoder/conv1/weight"][0][1]
        heads = scalars["encoder/num_heads"], scalars["decoder/num_heads"]
    except KeyError as missing:
        raise Damaged(f"the model has no {missing}") from missing
    if mel_bins != MEL_BINS:
        raise Damaged(f"the model hears {mel_bins} mel bins; this program knows the models with {MEL_BINS}")
    tokens = vocabulary_read(vocabulary, vocabulary_size)
    encoder_layers, decoder_layers = layers_count(tensors, "encoder"), layers_count(tensors, "decoder")
    write(struct.pack("<i", 0x67676D6C))
    write(struct.pack("<5i", vocabulary_size, audio_context, audio_state, heads[0], encoder_layers))
    write(struct.pack("<6i", text_context, text_state, heads[1], decoder_layers, mel_bins, 1))
    write(struct.pack("<2i", MEL_BINS, FFT_BINS) + mel_filters())
    write(struct.pack("<i", len(tokens)) + b"".join(struct.pack("<i", len(t)) + t for t in tokens))
    Converter(tensors, write).all(encoder_layers, decoder_layers)


def main():
    parser = argparse.ArgumentParser(description="Turns a CTranslate2 Whisper model into whisper.cpp's ggml format.")
    parser.add_argument("--model", required=True, nargs="+", help="model.bin, or its parts in order")
    parser.add_argument("--vocabulary", required=True, help="vocabulary.txt, one token a line")
    parser.add_argument("--output", required=True, help="the ggml file to write; it appears when it is complete")
    arguments = parser.parse_args()
    partial = arguments.output + ".partial"
    try:
        model = b"".join(open(path, "rb").read() for path in arguments.model)
        digest = hashlib.sha1()
        with open(partial, "wb") as output:

            def write(data):
                digest.update(data)
                output.write(data)

            convert(model, arguments.vocabulary, write)
            output.flush()
            os.fsync(output.fileno())
        os.replace(partial, arguments.output)
    except (Damaged, OSError) as problem:
        if os.path.exists(partial):
            os.remove(partial)
        sys.exit(f"convert_ctranslate2: {arguments.model[0]}: {problem}")
    print(f"{digest.hexdigest()}  {arguments.output}")


if __name__ == "__main__":
    main()

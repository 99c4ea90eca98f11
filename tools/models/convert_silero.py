#!/usr/bin/env python3
"""Turns Silero's voice activity detector from ONNX into the ggml file that whisper.cpp loads.

    convert_silero.py --onnx silero_vad_v6.onnx --version 6.2.0 --output ggml-silero-v6.2.0.bin

Standard library only. The ONNX file holds two networks, one for 16 kHz and one for 8 kHz, each a branch of one If; the
tensors keep their PyTorch names. whisper.cpp uses the 16 kHz one, known by its 256 point transform.

Input: protocol buffers (the wire format of Google's "Encoding" page), messages ModelProto, GraphProto, NodeProto, AttributeProto and
TensorProto of onnx.proto3; only the fields named below are looked at.
Output: the layout of whisper.cpp's models/convert-silero-vad-to-ggml.py. The result has the published hash.
"""

import argparse
import hashlib
import math
import os
import struct
import sys

MAX_DEPTH = 16

# Field numbers of onnx.proto3.
MODEL_GRAPH = 7
GRAPH_NODE = 1
NODE_ATTRIBUTE = 5
ATTRIBUTE_TENSOR = 5
ATTRIBUTE_GRAPH = 6
TENSOR_DIMS, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW = 1, 2, 8, 9
FLOAT32 = 1

ENCODER = [(129, 128), (128, 64), (64, 64), (64, 128)]  # channels in and out of each layer, kernels of 3
STFT = "stft.forward_basis_buffer"
STFT_SHAPE = [258, 1, 256]
NAMES = [
    *(f"encoder.{i}.reparam_conv.{part}" for i in range(4) for part in ("weight", "bias")),
    *(f"decoder.rnn.{part}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")),
    "decoder.decoder.2.weight",
    "decoder.decoder.2.bias",
    STFT,
]


class Damaged(Exception):
    """The input is not what it should be; the text says how."""


def varint(data, at):
    value = shift = 0
    while shift < 64:
        if at >= len(data):
            raise Damaged("the file ends in the middle of a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Damaged("a number is longer than 64 bits")


def fields(data):
    """Yields (number, value) of a message: an int, or the bytes of a nested field."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
            yield number, value
            continue
        if wire == 2:
            size, at = varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise Damaged(f"wire type {wire} is not part of the format")
        if size > len(data) - at:
            raise Damaged("the file ends in the middle of a field")
        yield number, data[at : at + size]
        at += size


def tensor_read(data):
    name, dims, kind, raw = "", [], 0, b""
    for number, value in fields(data):
        if number == TENSOR_DIMS and isinstance(value, int):
            dims.append(value)
        elif number == TENSOR_DIMS:
            at = 0
            while at < len(value):
                dim, at = varint(value, at)
                dims.append(dim)
        elif number == TENSOR_TYPE:
            kind = value
        elif number == TENSOR_NAME:
            name = bytes(value).decode("utf-8", "replace")
        elif number == TENSOR_RAW:
            raw = bytes(value)
    return name, dims, kind, raw


def graph_visit(graph, found, depth=0):
    """Collects the constants of a graph in `found`, one dict a graph, the nested graphs too."""
    if depth > MAX_DEPTH:
        raise Damaged("graphs are nested deeper than in any known version")
    constants = {}
    for number, node in fields(graph):
        if number != GRAPH_NODE:
            continue
        for inner, attribute in fields(node):
            if inner != NODE_ATTRIBUTE:
                continue
            for kind, value in fields(attribute):
                if kind == ATTRIBUTE_TENSOR and not isinstance(value, int):
                    name, dims, element, raw = tensor_read(value)
                    if name in NAMES and element == FLOAT32 and len(raw) == 4 * math.prod(dims):
                        constants[name] = (dims, raw)
                elif kind == ATTRIBUTE_GRAPH:
                    graph_visit(value, found, depth + 1)
    found.append(constants)


def tensor_pack(name, dims, raw):
    if name != STFT:
        dims = [d for d in dims if d != 1]
    half = name.endswith("weight") or name == STFT
    if half:
        count = len(raw) // 4
        raw = struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", raw))
    full = "_model." + name
    head = struct.pack(f"<{3 + len(dims)}i", len(dims), len(full), 1 if half else 0, *reversed(dims))
    return head + full.encode("ascii") + raw


def convert(onnx, version):
    graphs = []
    for number, value in fields(onnx):
        if number == MODEL_GRAPH:
            graph_visit(value, graphs)
    wanted = [g for g in graphs if g.get(STFT, (None,))[0] == STFT_SHAPE and all(name in g for name in NAMES)]
    if len(wanted) != 1:
        raise Damaged("no 16 kHz network of Silero version 5 or 6 is in this file")
    kind = b"silero-16k"
    out = struct.pack("<2i", 0x67676D6C, len(kind)) + kind + struct.pack("<3i", *version)
    out += struct.pack("<3i", 512, 64, len(ENCODER))  # samples a window, samples of context, layers
    for inputs, outputs in ENCODER:
        out += struct.pack("<3i", inputs, outputs, 3)
    out += struct.pack("<4i", 128, 128, 128, 1)  # recurrent input and state, last layer in and out
    return out + b"".join(tensor_pack(name, *wanted[0][name]) for name in NAMES)


def main():
    parser = argparse.ArgumentParser(description="Turns Silero's ONNX voice activity detector into whisper.cpp's format.")
    parser.add_argument("--onnx", required=True)
    parser.add_argument("--version", required=True, help="three numbers, as 6.2.0")
    parser.add_argument("--output", required=True, help="the file to write; it appears when it is complete")
    arguments = parser.parse_args()
    partial = arguments.output + ".partial"
    try:
        version = [int(part) for part in arguments.version.split(".")]
        if len(version) != 3:
            raise Damaged(f"version {arguments.version} is not three numbers")
        with open(arguments.onnx, "rb") as file:
            data = convert(memoryview(file.read()), version)
        with open(partial, "wb") as output:
            output.write(data)
            output.flush()
            os.fsync(output.fileno())
        os.replace(partial, arguments.output)
    except (Damaged, OSError, ValueError) as problem:
        if os.path.exists(partial):
            os.remove(partial)
        sys.exit(f"convert_silero: {arguments.onnx}: {problem}")
    print(f"{hashlib.sha256(data).hexdigest()}  {arguments.output}")


if __name__ == "__main__":
    main()

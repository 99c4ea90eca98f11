#!/usr/bin/env python3
"""Makes the audio of the transcription benchmark and the text that is spoken in it.

    make_audio.py SAMPLE.wav FOLDER [--minutes 5]

Real speech (the sample that comes with whisper.cpp) begins and ends it; between, pieces are spoken by Flite's voices (ffmpeg's own filter), each piece by
two of them, far apart: the same words again and again would lead a recogniser into loops that no real programme has. FOLDER/dense.wav has them one after the other
with breaths of 0.4 s; FOLDER/pauses.wav has the same pieces with pauses of 5 to 20 s of faint noise between. FOLDER/text.txt is what is said, once for both.
Needs an ffmpeg with libflite (Debian's has it).
"""

import argparse
import array
import os
import random
import subprocess
import wave

RATE = 16000
REAL = "And so my fellow Americans ask not what your country can do for you ask what you can do for your country"
VOICES = ("slt", "rms", "awb")
PIECES = [
    "A tide mill needs nobody to start it. The water comes on its timetable, the wheel turns, and the work is done by morning.",
    "In the old harbour the miller opened the gates twice a day. When the sea fell, the pond emptied slowly through the wheel.",
    "Every program in the collection is written down in a catalogue. The first page tells you where the shelves begin.",
    "We walked along the river for an hour before the rain started. Nobody had brought a coat, so we ran back to the station.",
    "The museum opens at nine in the morning and closes late in the evening. On Sundays the entrance is free for children.",
    "She asked the engineer why the bridge was closed. He answered that the cables had to be tested before the winter storms.",
    "Good bread needs only flour, water, salt and time. The dough should rest until the next day in a cool place.",
    "Last summer they sailed around the island in a small wooden boat. The wind was strong, but the harbour was never far away.",
    "My grandfather kept bees behind the house. In autumn he gave every neighbour a jar of honey and asked for the empty glass back.",
    "The train was late again this morning. Most people read the news, and a few of them slept with their heads against the window.",
    "If you want to learn a language, listen to it every day. Ten minutes are enough, as long as you never miss a single morning.",
    "The judge listened to both sides and then asked for a short break. When she came back, the room became very quiet.",
    "Nobody knows who built the tower on the hill. Some say it was a lighthouse, others believe that it was only a place for sheep.",
    "Our team lost the first three games of the season. After that we changed almost everything, and slowly the results got better.",
    "The kitchen was full of smoke, but nothing was burning. Somebody had left a wet cloth on top of the stove.",
    "Before you paint a wall, wash it and let it dry. Cover the floor with paper and take the handles off the doors.",
    "There are more stars in the sky than people on the earth. On a clear night you can see about three thousand of them.",
    "The doctor told him to walk more and to worry less. He bought a dog, which helped him with the first half of the advice.",
]


def read(path):
    with wave.open(path) as source:
        assert source.getframerate() == RATE and source.getnchannels() == 1 and source.getsampwidth() == 2, path
        return array.array("h", source.readframes(source.getnframes()))


def write(path, samples):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())


def spoken(text, path, voice):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", f"flite=text='{text}':voice={voice}", "-ar", str(RATE),
                    "-ac", "1", "-c:a", "pcm_s16le", path], check=True)
    return read(path)


def noise(seconds, source):
    return array.array("h", (source.randint(-3, 3) for _ in range(int(seconds * RATE))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sample")
    parser.add_argument("folder")
    parser.add_argument("--minutes", type=float, default=5)
    options = parser.parse_args()
    source = random.Random(7)
    real = read(options.sample)
    piece = os.path.join(options.folder, "piece.wav")
    dense, paused, text, i = array.array("h"), array.array("h"), [], 0

    def add(samples, words):
        nonlocal dense, paused
        dense += noise(0.4, source) + samples
        paused += noise(source.uniform(5, 20), source) + samples
        text.append(words)

    add(real, REAL)
    while len(dense) < (options.minutes * 60 - 12) * RATE:
        voice = VOICES[(i + i // len(PIECES)) % len(VOICES)]
        add(spoken(PIECES[i % len(PIECES)], piece, voice), PIECES[i % len(PIECES)])
        i += 1
    add(real, REAL)
    os.remove(piece)
    write(os.path.join(options.folder, "dense.wav"), dense)
    write(os.path.join(options.folder, "pauses.wav"), paused)
    with open(os.path.join(options.folder, "text.txt"), "w", encoding="utf-8") as out:
        out.write("\n".join(text) + "\n")
    print(f"audio: {len(dense) / RATE:.0f} s dense, {len(paused) / RATE:.0f} s with pauses, {sum(len(t.split()) for t in text)} words")


if __name__ == "__main__":
    main()

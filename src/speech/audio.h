/* Audio files made by strangers, through FFmpeg's libavformat, libavcodec and libswresample. Local files only, no
 * network protocol, a list of allowed demuxers.
 *
 * Time: sample 0 is the first sample that a player plays (encoder delay is skipped as the file says). Where packets are
 * missing or broken the hole is filled with silence, so what comes later stays where it was. All positions are samples
 * at 16,000 a second: 16 to a millisecond, exact. */
#ifndef TIDEMILL_SPEECH_AUDIO_H
#define TIDEMILL_SPEECH_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"

enum { AUDIO_RATE = 16000, AUDIO_PER_MS = 16 };

/* What a file is. Names are FFmpeg's. */
struct audio_info {
    char container[32];    /* first short name: "mp3", "mov", "ogg", "wav", "flac", "matroska", "aac" */
    const char *extension; /* the usual one with its dot: ".mp3", ".m4a", ".ogg", ".opus", ".wav", ".flac", ".mp4", …;
                              static; ".audio" for others */
    char codec[32];        /* "mp3", "aac", "opus", … */
    int64_t duration_ms;   /* counted when audio_probe was asked to, else what the container says; 0: unknown */
    int64_t stated_ms;     /* what the container says; 0: nothing, or an estimate from the bit rate only */
    bool counted;          /* duration_ms was counted by reading the whole file */
    bool truncated;        /* the file ends in the middle of what it announces */
    bool is_video;         /* has moving pictures (cover art is none) */
    int64_t bit_rate;      /* bits a second; 0: unknown */
    int channels;
    int sample_rate;
    uint64_t broken; /* packets that were not readable (counted only) */
};

/* Looks into the file. With `count` every packet is read (not decoded; about 1 s for a gigabyte) and the duration is
 * exact to a packet, even where the header lies or is missing. Errors: ERROR_ABSENT, ERROR_DENIED, ERROR_IO,
 * ERROR_INVALID (empty, not audio, no audio stream; the message says which, and names a web page as such),
 * ERROR_UNSUPPORTED (a codec or container that is not decoded), ERROR_CANCELLED. */
bool audio_probe(const char *path, bool count, const struct cancel *cancel, struct audio_info *info, struct error *err);

/* Decodes to 16 kHz mono float, in order, in bounded memory. One thread at a time. */
struct audio_reader;
/* Errors as audio_probe. `cancel` is borrowed until close. */
struct audio_reader *audio_open(const char *path, const struct cancel *cancel, struct error *err);
void audio_close(struct audio_reader *reader); /* NULL is allowed */

/* Reads up to `count` samples (-1 to 1); *got < count only at the end of the file. Broken packets are skipped and
 * counted, not errors. ERROR_CANCELLED, ERROR_IO, ERROR_LIMIT (longer than LIMIT_AUDIO_MS). */
bool audio_read(struct audio_reader *reader, float *samples, size_t count, size_t *got, struct error *err);

/* Goes forward to sample `position` by decoding and dropping, so that what follows is bit for bit what an undisturbed
 * reading gives, for every codec (a jump by the container's index would not: bit reservoirs, overlaps and the
 * resampler's phase differ). An hour of mp3 takes about 3 s. *reached is less at the end of the file. */
bool audio_skip(struct audio_reader *reader, uint64_t position, uint64_t *reached, struct error *err);

uint64_t audio_position(const struct audio_reader *reader); /* samples handed out or dropped so far */
uint64_t audio_broken(const struct audio_reader *reader);   /* broken packets met so far */
const struct audio_info *audio_reader_info(const struct audio_reader *reader);

/* What decoding the whole file shows; for checks. */
struct audio_measure {
    int64_t decoded_ms; /* what comes out of the decoder */
    int64_t stated_ms;  /* as audio_info */
    bool truncated;
    uint64_t broken;
    uint8_t *level; /* one value a second: 0 silence … 255 full scale, in steps of half a decibel above -127.5 dBFS;
                       freed by audio_measure_close */
    size_t seconds;
};
bool audio_measure_file(const char *path, const struct cancel *cancel, struct audio_measure *measure,
                        struct error *err);
void audio_measure_close(struct audio_measure *measure); /* a zeroed one is allowed */

/* Opens FFmpeg's libraries (speech/ffmpeg.h) and sends their messages to our debug log instead of stderr; audio_open
 * and audio_probe call it. Any thread. ERROR_UNSUPPORTED. */
bool audio_library_open(struct error *err);

#endif

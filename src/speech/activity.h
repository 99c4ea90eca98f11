/* Where somebody speaks. A detector turns a stream of 16 kHz samples into one probability for each window of 512
 * samples (32 ms): Silero through whisper.cpp when a model is given, else by energy alone (only near silence counts as
 * a pause). */
#ifndef TIDEMILL_SPEECH_ACTIVITY_H
#define TIDEMILL_SPEECH_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"

enum { ACTIVITY_WINDOW = 512, ACTIVITY_WINDOW_MS = 32 };

/* A stretch of time, milliseconds; end is not part of it. */
struct span {
    int64_t start_ms;
    int64_t end_ms;
};

struct span_list {
    struct span *items;
    size_t count;
};

struct activity;
/* `model_path` NULL: by energy. ERROR_ABSENT, ERROR_CORRUPT (not a model that whisper.cpp takes). */
struct activity *activity_open(const char *model_path, struct error *err);
void activity_close(struct activity *activity); /* NULL is allowed */
/* Forgets what was heard; the next window is the first of a new stream. In its first `sparse_samples` (0: nowhere)
 * speech may be assumed for a quarter of a second after speech was heard, which halves the work; what comes out depends
 * on the stream alone, not on how it is cut into calls. */
void activity_reset(struct activity *activity, uint64_t sparse_samples);
/* Probabilities of count / ACTIVITY_WINDOW whole windows (a rest is padded with silence, at the end of a stream only).
 */
bool activity_feed(struct activity *activity, const float *samples, size_t count, float *probabilities,
                   struct error *err);

/* How probabilities become stretches. Zero fields take the default. */
struct activity_rule {
    float threshold;   /* 0.5; speech ends 0.15 below it */
    int64_t pad_ms;    /* kept on both sides of speech: 480 */
    int64_t least_ms;  /* shorter speech is none: 96 */
    int64_t bridge_ms; /* shorter pauses do not end a stretch: 2,000 */
};

/* Stretches of speech of a whole file, for checks. Memory: 16 bytes a stretch and a minute of samples. */
bool activity_file(struct arena *arena, struct activity *activity, const char *path, const struct activity_rule *rule,
                   const struct cancel *cancel, struct span_list *speech, int64_t *duration_ms, struct error *err);

#endif

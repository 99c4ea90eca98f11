/* What turns samples into text: whisper.cpp at home, or a service. The loop over parts (transcribe.c) knows engines
 * only by this. For this room only. */
#ifndef TIDEMILL_SPEECH_ENGINE_H
#define TIDEMILL_SPEECH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"

enum { ENGINE_LANGUAGE_SIZE = 16 };

struct engine_job {
    const float *samples; /* 16 kHz mono */
    size_t count;
    const char *language; /* a code; NULL: the engine shall find out */
    const char *prompt;   /* the site's; NULL: none */
    const char *before;   /* the end of what was said before, with the space in front; NULL: nothing or unknown */
    unsigned attempt;     /* 0 for the first try; later ones use other settings */
    const struct cancel *cancel;
    /* A sign of life, with the sample that was reached. Called often; must be cheap. */
    void (*alive)(void *to, size_t reached);
    void *to;
};

/* Times are samples from the start of the job. */
struct engine_word {
    int64_t start;
    int64_t end;
    const char *text;
    bool spaced;    /* a space stands before it in the text */
    size_t segment; /* the segment that it belongs to */
};

struct engine_segment {
    int64_t start;
    int64_t end;
    const char *text; /* trimmed, valid UTF-8 */
};

struct engine_output {
    struct engine_segment *segments;
    size_t segment_count;
    struct engine_word *words; /* in order; none where the engine has no word times */
    size_t word_count;
    char language[ENGINE_LANGUAGE_SIZE]; /* what the job said or the engine heard */
};

struct engine {
    /* Results are in `arena`. The same job gives the same result, whatever was done before. */
    bool (*decode)(struct engine *engine, struct arena *arena, const struct engine_job *job,
                   struct engine_output *output, struct error *err);
    /* The settings of a try, for people: "beam 5". */
    const char *(*settings)(const struct engine *engine, unsigned attempt);
    /* Refuses a language that it cannot do ("" or "auto" asks for none). May be NULL. */
    bool (*check_language)(const struct engine *engine, const char *language, struct error *err);
    void (*close)(struct engine *engine);
};

/* Text of an engine made fit for a cue: valid UTF-8, control characters and line ends become spaces, trimmed. In
 * `arena`. */
const char *engine_text(struct arena *arena, const char *text);

#endif

/* The gate after a transcription: what engines are known to do wrong, looked for in every part and, by `podcast check`,
 * in files that are there already. */
#ifndef TIDEMILL_SPEECH_GATE_H
#define TIDEMILL_SPEECH_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "speech/activity.h"
#include "speech/srt.h"

/* Kind, printed name, whether a part with it is tried again, what it means to a reader. */
#define GATE_KINDS(X)                                                                                                  \
    X(GATE_LOOP, "loop", true, "the same words again and again")                                                       \
    X(GATE_SILENCE, "text-in-silence", true, "text where nobody speaks")                                               \
    X(GATE_RATE, "impossible-rate", true, "more words a second than anybody says")                                     \
    X(GATE_HOLE, "hole", true, "speech without text, or with far too little")                                          \
    X(GATE_ORDER, "out-of-order", true, "a cue that starts before the one before it, or ends before it starts")        \
    X(GATE_CROSSING, "crossing", true, "two cues at the same time")                                                    \
    X(GATE_BEYOND, "beyond-the-end", true, "a cue after the end of the audio")                                         \
    X(GATE_UNPUNCTUATED, "no-punctuation", true, "45 seconds and more without the end of a sentence")                  \
    X(GATE_EMPTY, "empty-text", false, "a cue without text")

enum gate_kind {
#define X(kind, name, again, meaning) kind,
    GATE_KINDS(X)
#undef X
        GATE_KIND_COUNT
};

struct gate_finding {
    enum gate_kind kind;
    int64_t start_ms;
    int64_t end_ms;
    double number;      /* repeats, words a second, seconds, milliseconds over: by kind */
    const char *sample; /* at most 80 bytes of the text there; "" for a hole */
};

struct gate_findings {
    struct gate_finding *items;
    size_t count; /* at most LIMIT_GATE_FINDINGS; more are counted only */
    size_t dropped;
};

/* What is known beside the text. */
struct gate_context {
    int64_t start_ms;               /* of the stretch looked at; 0 for a file */
    int64_t end_ms;                 /* of the audio or part; 0: not known, and nothing is "beyond" */
    const struct span_list *speech; /* NULL: not known, and silence and holes are not judged */
};

/* Looks at cues in their order. Findings are in `arena`, in order of time. */
void gate_check(struct arena *arena, const struct cue *cues, size_t count, const struct gate_context *context,
                struct gate_findings *findings);

/* How bad: milliseconds touched by findings that ask for another try; 0 is clean. */
int64_t gate_badness(const struct gate_findings *findings);

/* True if a part with it is tried again. */
bool gate_kind_again(enum gate_kind kind);
const char *gate_name(enum gate_kind kind);
const char *gate_meaning(enum gate_kind kind);
/* {"kind":"loop","start_ms":n,"end_ms":n,"number":x,"sample":"…"}; the caller owns it. */
json_t *gate_finding_to_json(const struct gate_finding *finding);
/* False for anything else. `sample` is copied into `arena`. */
bool gate_finding_from_json(struct arena *arena, const json_t *value, struct gate_finding *finding);

#endif

/* A finished part and its stored form (transcribe.h tells the form). For this room only. */
#ifndef TIDEMILL_SPEECH_PART_H
#define TIDEMILL_SPEECH_PART_H

#include "base/json.h"
#include "speech/engine.h"
#include "speech/gate.h"
#include "speech/srt.h"
#include "speech/words.h"

struct part {
    size_t index;
    int64_t start_ms;
    int64_t end_ms;
    bool last;
    bool truncated;       /* of the last part: the file ends early */
    uint64_t broken;      /* packets skipped up to its end */
    const char *language; /* "" while nobody has spoken */
    const char *settings;
    unsigned attempts;
    int64_t speech_ms;
    struct cue_list cues;
    struct word_list words;
    struct gate_findings findings;
};

/* The caller owns it. */
json_t *part_to_json(const struct part *part);
/* Into `arena`. `before` is the part before it, NULL for the first: a part must follow on. ERROR_INVALID, ERROR_NEWER.
 */
bool part_from_json(struct arena *arena, const json_t *value, const struct part *before, struct part *part,
                    struct error *err);

#endif

/* The transcriber from inside: an engine and what is the same for all of them. For this room only. */
#ifndef TIDEMILL_SPEECH_TRANSCRIBER_H
#define TIDEMILL_SPEECH_TRANSCRIBER_H

#include "speech/activity.h"
#include "speech/engine.h"
#include "speech/pack.h"
#include "speech/part.h"
#include "speech/transcribe.h"

struct transcriber {
    struct engine *engine;     /* owned */
    struct activity *activity; /* owned */
    int64_t part_ms;
    int64_t longest_cue_ms;
    unsigned attempts;
};

/* Takes `engine` over, also on failure. Zero fields take the defaults of transcribe.h. */
struct transcriber *transcriber_open_engine(struct engine *engine, const char *vad_path, int64_t part_ms,
                                            int64_t longest_cue_ms, unsigned attempts, struct error *err);

/* Fills in part->cues, words, findings, attempts, settings and, if it was "", the language: decodes the pack, lets the
 * gate look, tries again what it refuses. `job` holds everything but the samples. */
bool transcriber_part(const struct transcriber *transcriber, struct arena *arena, const struct pack *pack,
                      const struct engine_job *job, struct part *part, struct error *err);

#endif

/* What an engine heard in a pack becomes cues and words in file time. For this room only. */
#ifndef TIDEMILL_SPEECH_CUES_H
#define TIDEMILL_SPEECH_CUES_H

#include "speech/engine.h"
#include "speech/pack.h"
#include "speech/srt.h"
#include "speech/words.h"

/* Cues in order, none crossing, all within the part; a segment that runs over a cut-out pause is split there by its
 * words. Cues longer than `longest_ms` (0: none is) are split at ends of sentences, else at words. */
void cues_make(struct arena *arena, const struct pack *pack, const struct engine_output *output, int64_t longest_ms,
               struct cue_list *cues, struct word_list *words);

#endif

/* From cues to passages: the searchable runs of a transcript.
 *
 * Cues are added up, in their order. After each, the passage ends if it is the last cue, or the passage lasts at least
 * 15,000 ms, or it lasts at least 7,000 ms and the cue's text ends in
 * '.', '!' or '?'. Line ends in a cue's text are spaces, its ends are trimmed, empty cues are left out. Gaps between
 * cues end nothing. */
#ifndef TIDEMILL_PODCAST_PASSAGE_H
#define TIDEMILL_PODCAST_PASSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "search/index.h"

struct srt_cue;

enum { PASSAGE_SHORT_MS = 7000, PASSAGE_LONG_MS = 15000 };

/* The passages of `cues`, in `arena`; *count of them (0: NULL). No two have the same start: see entries.h for why and
 * how. */
struct index_passage *passages_make(struct arena *arena, const struct srt_cue *cues, size_t cue_count, size_t *count);

#endif
